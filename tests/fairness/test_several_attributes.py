"""Texts of a district and a gender: each attribute is compared and watched, and both crossed where one asks."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fairness import alarms, reports
from labeling.checks import draws, evidence, results
from labeling.files import exports
from labeling.models import Alarm, Batch, Decision, Instance, Task
from labeling.models.grouping import group_of
from labeling.reports.batch.prevalence import prevalence
from labeling.reports.tasks import lists
from tests.labeling.managed import settled_batch, told

pytestmark = pytest.mark.django_db
BOTH = ("district", "gender")


def both_of(batch: Batch) -> Batch:
    """The same batch with a district and a gender on every instance, in all four combinations."""
    made = list(batch.instances.order_by("position"))
    for one in made:
        one.groups = {
            "district": ("north", "south")[one.position // 2 % 2],
            "gender": ("women", "men")[one.position // 4 % 2],
        }
    Instance.objects.bulk_update(made, ["groups"])
    Batch.objects.filter(pk=batch.pk).update(attributes=list(BOTH))
    return Batch.objects.get(pk=batch.pk)


@pytest.fixture
def crossed(project: Any) -> Batch:
    project.check_share = 0
    project.save()
    return both_of(settled_batch(project))


@pytest.mark.slow
def test_labels_are_compared_by_the_attributes_that_are_asked_for(crossed: Batch) -> None:
    for by, names in (
        (None, ("north", "south")),
        (("gender",), ("men", "women")),
        (BOTH, ("north, men", "north, women", "south, men", "south, women")),
    ):
        assert results.load(crossed, by).groups == names
        report, _ = reports.report_and_wait(crossed, by)
        assert report.fair is not None and tuple(row.group for row in report.fair.table.groups) == names
    assert [line.name for line in prevalence(crossed, "", BOTH).groups] == sorted(names)


def test_checks_are_drawn_in_a_crossed_group_and_carry_its_probability(crossed: Batch) -> None:
    group = draws.Group(BOTH, "south, men")
    could = draws.could_be_checked(crossed, group).count()
    assert draws.draw(crossed, 6, group="south, men", by=BOTH) == 6 and could > 6
    drawn = crossed.tasks.filter(check_probability__isnull=False)
    assert {task.groups["district"] + task.groups["gender"] for task in drawn} == {"southmen"}
    assert set(drawn.values_list("check_probability", flat=True)) == {6 / could}


def test_of_overlapping_groups_the_highest_cut_decides(crossed: Batch) -> None:
    """Each drawn task carries the share of drawn ones among all that the same cut decides over."""
    assert draws.draw(crossed, 8, group="north", by=("district",)) == 8
    assert draws.draw(crossed, 12, group="women", by=("gender",)) == 12
    crossed.refresh_from_db(fields=["check_cuts"])
    cuts, frame = draws.Cuts.of(crossed), draws.lots(crossed)
    assert {one.drawn for one in frame if one.number <= cuts.reach(one.groups)} == {True}
    assert not any(one.drawn for one in frame if one.number > cuts.reach(one.groups))
    chance = dict(crossed.tasks.values_list("pk", "check_probability"))
    for group in cuts.own():
        inside = [one for one in frame if cuts.stratum(one.groups) == group]
        share = sum(one.drawn for one in inside) / len(inside)
        assert {chance[one.task_id] for one in inside if one.drawn} == {share}
    told_of, _ = evidence._probabilities(crossed, crossed.project.first_question)
    assert told_of.keys() == {one.task_id for one in frame if cuts.stratum(one.groups)}
    assert all(told_of[pk] == pytest.approx(found) for pk, found in chance.items() if found)


def test_an_alarm_watches_every_attribute_and_names_it(project: Any) -> None:
    batch = both_of(settled_batch(project, tasks=400, gold_every=1, wrong_every=1000))
    other = dict(project.first_question.labels.values_list("pk", "position"))
    labels = project.label_list()
    for place, made in enumerate(Decision.objects.filter(task__instance__groups__gender="men")):
        if place % 5 < 2:
            wrong = labels[(other[made.label_id] + 1) % len(labels)]
            Decision.objects.filter(pk=made.pk).update(label=wrong)
    alarms.look(batch)
    assert set(Alarm.objects.values_list("about", flat=True)) == {"gender: men"}, "of two groups the worse one"
    assert "gender: men gets" in Alarm.objects.get(about="gender: men").why


def test_an_export_has_a_column_for_each_attribute(crossed: Batch) -> None:
    rows = list(csv.DictReader("".join(exports.as_csv(crossed)).splitlines()))
    lines = [json.loads(line) for line in exports.jsonl(crossed, short=True)]
    assert {row["gender"] for row in rows} == {line["gender"] for line in lines} == {"women", "men"}
    assert all(row["group"] == row["district"] in ("north", "south") for row in rows)
    Batch.objects.filter(pk=crossed.pk).update(attributes=["label", "gender"])
    Instance.objects.filter(position=0).update(groups={"label": "x", "gender": "men"})
    first = next(exports.records(Batch.objects.get(pk=crossed.pk)))
    assert first["group label"] == first["group"] == "x" and first["label"] != "x"


@pytest.mark.slow
def test_the_pages_let_the_reader_choose(manager: Client, crossed: Batch) -> None:
    page = told(manager.get(crossed.get_absolute_url(), {"by": "district*gender"}))
    assert '<option value="district*gender" selected>district and gender</option>' in page
    assert "south, women" in page and "by district and gender" in page
    assert "south, women" not in told(manager.get(crossed.get_absolute_url()))
    certificate = reverse("certificate", args=["city", crossed.pk])
    assert "By gender" in told(manager.get(certificate, {"by": "gender"}))
    more = reverse("check_more", args=["city", crossed.pk])
    answer = manager.post(more, {"group": "south, women", "by": "district*gender", "count": "3"}, follow=True)
    assert "3 tasks of south, women, drawn at random, wait" in told(answer)
    task = crossed.tasks.get(position=0)
    assert "<bdi>gender</bdi>: <bdi>women</bdi>" in told(manager.get(task.get_absolute_url()))


@pytest.mark.parametrize(("group", "count"), [("south", 50), ("women", 50), ("south, women", 30), ("nowhere", 0)])
def test_the_list_of_tasks_finds_a_group_of_any_attribute(crossed: Batch, group: str, count: int) -> None:
    found = lists.page_of(crossed.project, {"group": group})
    assert len(found.tasks) == count
    assert all(group in (*task.groups.values(), group_of(BOTH, task.groups)) for task in found.tasks)


def test_a_project_without_groups_has_none_to_choose(project: Any) -> None:
    batch = settled_batch(project, tasks=6)
    Batch.objects.update(attributes=[])
    batch.instances.update(groups={})
    assert results.load(Batch.objects.get()).groups == ("",) and Task.objects.in_group((), "").count() == 6
