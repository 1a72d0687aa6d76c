"""Every page that managers and experts read, of a project that asks one question of each kind."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from fairness import reports
from labeling.checks import certificates, evidence, part_bounds, results
from labeling.checks.certificates import Target
from labeling.models import Batch, Question, Task
from labeling.reports.batch import comparison, prevalence, replays
from labeling.reports.batch.replayed import Wanted
from labeling.reports.crowd import voters
from labeling.reports.tasks import lists
from tests.labeling.four_kinds import four_kinds
from tests.labeling.managed import told

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
OF_A_BATCH = ("batch", "rounds", "certificate", "replay", "batch_methods")
OF_A_PROJECT = ("project", "crowd", "people", "tasks", "money")
UNTRUE = re.compile(r"\b(None|nan|NaN|inf|undefined)\b|Stretches\(|\[\[\d")


@pytest.fixture
def asked(project: Any) -> Batch:
    return four_kinds(project)


def of_kind(batch: Batch, kind: str) -> Question:
    found = batch.project.questions.get(kind=kind)
    found.project = batch.project
    return found


def words(answer: Any) -> str:
    """What is read on a page: its text without tags, scripts and attributes."""
    text = re.sub(r"<(script|style|svg|title).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_every_page_of_every_question_can_be_read(asked: Batch, manager: Client) -> None:
    slug = asked.project.slug
    pages = [(name, reverse(name, args=[slug, asked.pk])) for name in OF_A_BATCH]
    pages += [(name, reverse(name, args=[slug])) for name in OF_A_PROJECT]
    for question in asked.project.questions.all():
        assert certificates.issue(asked, Target(0.3, 0.1), None, question).question == question
        for name, address in pages:
            answer = manager.get(address, {"question": question.number, "router": "value", "budget": "1", **AUTO})
            assert answer.status_code == 200, (name, question.kind)
            found = UNTRUE.search(words(answer))
            assert not found, (name, question.kind, words(answer)[max(found.start() - 80, 0) : found.end() + 80])
        for task in Task.objects.filter(batch=asked, question=question)[:12]:
            answer = manager.get(task.get_absolute_url())
            assert answer.status_code == 200 and not UNTRUE.search(words(answer)), (task, question.kind)


AUTO = {"aggregator": "auto"}


@pytest.mark.parametrize("kind", ["choices", "scale", "spans"])
def test_the_numbers_of_a_kind_are_told_with_intervals(asked: Batch, kind: str) -> None:
    found = reports.report(asked, of_kind(asked, kind))
    assert found.exact is not None and found.exact.checks == found.good.checks >= 30
    for measure, value in found.exact.rows:
        assert value.estimable and value.low <= value.value <= value.high, measure.key
    whole = {measure.key: value.value for measure, value in found.exact.rows}
    right = whole.get("exact_match", whole.get("accuracy"))
    checked = results.load(asked, question=of_kind(asked, kind))
    rightly = np.average(checked.right[checked.checks], weights=checked.weight[checked.checks])
    assert right == pytest.approx(rightly, abs=0.06)
    assert found.together is not None and all(row.people.estimable for row in found.together.measures)


def test_a_question_of_one_label_has_no_numbers_beside_right_and_wrong(asked: Batch) -> None:
    assert reports.report(asked).exact is None


def test_how_far_a_batch_is_counts_all_questions_and_says_so(asked: Batch, manager: Client) -> None:
    shown = words(manager.get(reverse("batch", args=[asked.project.slug, asked.pk]), {"question": 2}))
    assert "settled answers to four questions about" in shown
    money = words(manager.get(reverse("money", args=[asked.project.slug])))
    assert "on all questions" in money


def test_groups_are_compared_by_label_step_and_type(asked: Batch) -> None:
    for kind, names in (("choices", "light"), ("scale", "3"), ("spans", "place")):
        fair = reports.report(asked, of_kind(asked, kind)).fair
        assert fair is not None and names in [one.label for one in fair.table.labels]
        shown = prevalence.prevalence(asked, names, (), of_kind(asked, kind))
        assert shown.label == names and len(shown.groups) == 2


def test_an_answer_is_wrong_where_any_part_is_and_each_part_has_its_own_bound(asked: Batch) -> None:
    question = of_kind(asked, "choices")
    found = certificates.issue(asked, Target(0.3, 0.1), None, question)
    assert "one is right where every label that belongs is chosen" in found.statement
    assert certificates.verify(certificates.as_file(found)) == []
    parts = part_bounds.by_part(found)
    assert [one.name for one in parts] == ["light", "water", "noise", "waste"]
    wrong = sum(check["answer"] != check["label"] for check in found.evidence["checks"] if check["answer"] is not None)
    assert max(one.wrong for one in parts) <= wrong <= sum(one.wrong for one in parts)
    assert all(one.most is not None and 0 < one.most <= 1 for one in parts)
    assert evidence.audit_of(found.evidence) is not None


@pytest.mark.parametrize("kind", ["choices", "scale", "spans"])
def test_methods_are_compared_with_plain_rules(asked: Batch, kind: str) -> None:
    found, _ = comparison.compare_and_wait(asked, of_kind(asked, kind))
    kinds = of_kind(asked, kind).answers
    names = {line.name for line in found.lines}
    table_rules = {"choices": {"anybody", "everybody"}, "scale": {"mean", "median"}, "spans": {"exact_majority"}}
    assert set(kinds.methods) | table_rules[kind] <= names
    best = next(line for line in found.lines if line.name == "auto")
    assert best.right.estimable and best.right.value > 0.5 and not best.failure


@pytest.mark.parametrize("kind", ["choices", "scale", "spans"])
def test_a_batch_is_replayed_on_answers_of_a_kind(asked: Batch, kind: str) -> None:
    question = of_kind(asked, kind)
    found, _ = replays.compare_and_wait(asked, Wanted("value", "auto", 10**9, question))
    assert not found.refused and found.ours is not None and found.theirs is not None
    assert 0 < found.theirs.calls <= found.ours.calls and found.parties[0][1] == "Delta"
    nothing, _ = replays.compare_and_wait(asked, Wanted("value", "auto", 0, question))
    assert nothing.theirs is not None and nothing.theirs.calls == 0


@pytest.mark.parametrize("kind", ["choices", "scale", "spans"])
def test_voters_are_measured_by_the_first_number_of_the_kind(asked: Batch, kind: str) -> None:
    question = of_kind(asked, kind)
    found, _ = voters.crowd_and_wait(question)
    assert found.told is not None and found.told.key == question.answers.metrics[0]
    alpha = next(one for one in found.voters if one.name == "Alpha")
    assert alpha.right.estimable and alpha.votes == 80
    cannot = [tag.text for one in found.voters for tag in one.tags]
    assert ("cannot answer" in cannot) == (kind == "spans"), "trained word models mark no stretches"


def test_tasks_are_filtered_by_what_their_answers_hold(asked: Batch) -> None:
    for kind, name in (("choices", "water"), ("scale", "2"), ("spans", "street"), ("choice", None)):
        question = of_kind(asked, kind)
        label = name or question.label_list()[0].name
        page = lists.page_of(asked.project, {"label": label, "question": question.number})
        assert page.rows
        for row in page.rows:
            assert row.settled is not None and label in str(row.settled), kind


def test_marked_text_is_shown_with_its_types(asked: Batch, manager: Client) -> None:
    task = Task.objects.decided().filter(batch=asked, question=of_kind(asked, "spans"), position__gt=0)
    shown = [told(manager.get(one.get_absolute_url())) for one in task[:12]]
    assert any("<mark" in page and "Mill Road<small> street</small>" in page for page in shown)
