"""What answers cost by day, label, group and annotator: sums by hand, nothing lost and nothing counted twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import Sum
from django.test import Client
from django.urls import reverse

from fairness import reports
from fairness.disclosure.sheet import sheet
from labeling.models import Batch, Decision, Question, Reservation
from labeling.reports.money import costs as all_costs
from labeling.reports.money import ways
from labeling.reports.money.costs import Cost, Costs
from tests.fairness.disclosure.scenery import eventful
from tests.labeling.four_kinds import four_kinds
from tests.labeling.managed import told

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SPENT = sum(1500 + place for place in range(1, 8))


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def batch(project: Any) -> Batch:
    return eventful(project)


def by(question: Question, wanted: str) -> Costs:
    return all_costs.costs(question, wanted)[0]


def named(found: Costs) -> dict[str, Cost]:
    return {row.name: row for row in found.rows}


@pytest.mark.parametrize("wanted", ["day", "label", "group-0", "annotator"])
def test_rows_add_up_to_what_was_paid_and_decided(batch: Batch, wanted: str) -> None:
    found = by(batch.project.first_question, wanted)
    settled = Decision.objects.current().exclude(task__slice="validation").count()
    assert found.whole.spent == SPENT == sum(row.spent for row in found.rows)
    assert found.whole.decided == settled == sum(row.decided for row in found.rows)
    assert found.whole.each == pytest.approx(SPENT / 1e6 / settled)
    right = found.whole.right
    assert right.value and found.whole.each_right.value == pytest.approx(SPENT / 1e6 / settled / right.value)


def test_a_label_has_what_was_paid_about_the_tasks_that_bear_it(batch: Batch) -> None:
    for name, row in named(by(batch.project.first_question, "label")).items():
        mine = Decision.objects.current().filter(label__name=name).exclude(task__slice="validation")
        booked = Reservation.objects.filter(task__in=mine.values("task"), state="settled")
        assert row.spent == (booked.aggregate(sum=Sum("cost_microdollars"))["sum"] or 0)
        assert row.decided == mine.count()


def test_an_annotator_has_what_it_was_paid_itself(batch: Batch) -> None:
    rows = named(by(batch.project.first_question, "annotator"))
    assert (rows["GPT"].spent, rows["GPT"].answers, rows["GPT"].decided) == (SPENT, 8, 0)
    assert (rows["ann"].decided, rows["eve"].decided) == (3, 1)
    assert not rows["ann"].right.estimable and rows[all_costs.NOBODY].spent == 0
    assert rows[all_costs.NOBODY].decided == by(batch.project.first_question, "annotator").whole.decided - 4


def test_a_day_without_decisions_has_its_spending(batch: Batch) -> None:
    Reservation.objects.filter(cost_microdollars=1507).update(closed_at="2026-03-01T23:59:00Z")
    rows = named(by(batch.project.first_question, "day"))
    assert (rows["1 Mar 2026"].spent, rows["1 Mar 2026"].decided, rows["1 Mar 2026"].each) == (1507, 0, None)


def test_an_unknown_way_to_look_is_by_day(batch: Batch) -> None:
    assert by(batch.project.first_question, "color").by == "day"
    assert [name for _, name in by(batch.project.first_question, "").choices] == ["Day", "Label", "Group", "Annotator"]


def test_answers_of_several_parts_say_that_they_count_twice(project: Any) -> None:
    asked = four_kinds(project).project.questions.get(kind="choices")
    found = by(asked, "label")
    settled = Decision.objects.current().filter(task__question=asked).exclude(task__slice="validation")
    marks = list(settled.values_list("marks", flat=True))
    assert found.twice and found.whole.decided > 30
    for place, label in enumerate(asked.label_list()):
        assert named(found)[label.name].decided == sum(place in one for one in marks)
    assert [name for _, name in found.choices] == ["Day", "Label", "Group", "Sex", "Annotator"]


def test_the_page_shows_the_costs_beside_the_alternatives(batch: Batch, manager: Client) -> None:
    for address, name in by(batch.project.first_question, "").choices:
        page = told(manager.get(f"/p/city/money/?by={address}"))
        assert "What an answer costs" in page and f"<bdi>{name}</bdi>" in page
        assert "GPT on everything" in page and "instead, for the same 117" in page


def test_right_is_one_number_on_every_page(batch: Batch, manager: Client) -> None:
    asked = batch.project.first_question
    number = reports.report(batch).good.overall
    ends = (number.value, number.low, number.high)
    of_project = reports.answers(batch.project).good.overall
    ours = ways.ways(batch.project).ways[0].right
    whole = by(asked, "day").whole.right
    share = sheet(batch)["questions"][0]["right"]["share"]
    for one in (of_project, ours, whole):
        assert (one.value, one.low, one.high) == pytest.approx(ends)
    assert (share["value"], share["low"], share["high"]) == pytest.approx(ends, abs=1e-6)
    shown = f"{100 * (number.value or 0):.1f}%"
    pages = [reverse(name, args=["city"]) for name in ("project", "money")]
    pages += [reverse(name, args=["city", batch.pk]) for name in ("batch", "datasheet")]
    for page in pages:
        assert shown in told(manager.get(page)), page
