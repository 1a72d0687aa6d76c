"""The People page: what is known of everybody, and whom or what disagreement blames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labeling.models import Batch, Label, Project, Vote
from labeling.money import ledger
from labeling.people.skill import UNKNOWN, Skill
from labeling.reports.people import disagreement, work
from labeling.rounds import decisions, skills
from tests.labeling.rounds.test_skills import batch_of, overruled
from tests.reviewers.scenery import person, say

LABELS = [Label(pk=n + 1, name=name, position=n) for n, name in enumerate(["Roads", "Water", "Noise"])]
GOOD = replace(UNKNOWN, accuracy=0.92, low=0.88, high=0.95, evidence=100.0)
POOR = replace(UNKNOWN, accuracy=0.3, low=0.2, high=0.4, evidence=100.0)


def cause(shared: dict[int, dict[int, int]], **skill_of: Skill) -> disagreement.Cause:
    known = {number: (name, one) for number, (name, one) in enumerate(skill_of.items())}
    return disagreement.cause(shared, known, LABELS)


def pairs(
    same: int, differ: int, people: tuple[int, int] = (0, 1), over: tuple[int, int] = (1, 2), first: int = 0
) -> Any:
    one, other = people
    agreed = {first + n: {one: 1, other: 1} for n in range(same)}
    return agreed | {first + same + n: {one: over[0], other: over[1]} for n in range(differ)}


def test_a_person_is_blamed_where_the_others_agree_without_them() -> None:
    found = cause(pairs(95, 5) | pairs(20, 80, (0, 2), first=500), ann=GOOD, bob=GOOD, dan=POOR)
    assert found.blames == "person"
    assert found.sentence == "dan errs clearly more than the others; they agree."


def test_the_guidelines_are_blamed_where_good_people_differ_over_the_same_two_labels() -> None:
    found = cause(pairs(50, 50) | pairs(0, 5, over=(1, 3), first=500), ann=GOOD, bob=GOOD)
    assert found.blames == "guideline"
    assert "between Roads and Water" in found.sentence


def test_nothing_is_blamed_where_differences_are_all_over() -> None:
    scattered = pairs(50, 20) | pairs(0, 20, over=(1, 3), first=500) | pairs(0, 20, over=(2, 3), first=900)
    found = cause(scattered, ann=GOOD, bob=GOOD)
    assert found.blames == ""
    assert "nothing shows yet" in found.sentence


def test_nothing_is_blamed_where_people_agree() -> None:
    assert cause(pairs(97, 3), ann=GOOD, bob=POOR).sentence == "People agree well."


def test_too_few_shared_tasks_are_said_to_be_too_few() -> None:
    found = cause(pairs(3, 3), ann=GOOD, bob=POOR)
    assert found.blames == ""
    assert "6 of 30 pairs of answers" in found.sentence


def test_a_person_of_whom_little_is_known_is_not_blamed() -> None:
    unsure = replace(POOR, evidence=10.0)
    assert cause(pairs(20, 80), ann=GOOD, dan=unsure).blames != "person"


@pytest.mark.django_db
def test_everybody_stands_with_skill_agreement_and_what_became_of_the_answers(project: Project) -> None:
    overruled(project, 60)
    for vote in Vote.objects.filter(annotator__kind="expert").select_related("label"):
        decisions.decide(decisions.of_vote(vote, vote.label, None, "expert", ""))
    found = work.people(project)
    ann, bob, eve = found.rows
    assert [row.annotator.name for row in found.rows] == ["ann", "bob", "eve"]
    assert (ann.overruled.value, bob.overruled.value) == (1.0, 0.0)
    assert not eve.overruled.estimable and eve.settled == 60
    assert ann.accuracy.high is not None and ann.accuracy.high < 0.2
    assert ann.agreement.value == 0.0
    assert ann.slip is not None and ann.slip.share > 0.8
    assert found.cause.err == ("ann",)


@pytest.mark.django_db
def test_the_page_shows_intervals_and_what_cannot_be_estimated(manager: Client, project: Project, batch: Batch) -> None:
    overruled(project, 60)
    new = person(project, "max")
    say(batch.tasks.all()[0], new, 0)
    skills.refresh(project.pk)
    page = manager.get(reverse("people", args=[project.slug])).content.decode()
    assert "How they work" in page
    assert "not estimable" in page
    assert "Takes <bdi>" in page


@pytest.mark.django_db
def test_a_project_in_which_nobody_answered_says_nothing_of_how_they_work(manager: Client, project: Project) -> None:
    page = manager.get(reverse("people", args=[project.slug])).content.decode()
    assert "How they work" not in page
    assert batch_of(project, 1)


@pytest.mark.slow
@pytest.mark.django_db
def test_what_a_right_answer_costs_rests_on_pay_and_on_skill(manager: Client, project: Project) -> None:
    """Ann and Bob are paid alike; Ann is wrong on nearly all, so that a right answer of hers costs many times more."""
    overruled(project, 60)
    address = reverse("people", args=[project.slug])
    assert "For a right answer" not in manager.get(address).content.decode(), "nobody was paid"
    for vote in Vote.objects.filter(annotator__kind="person").select_related("task", "annotator"):
        ledger.settle(ledger.reserve(vote.task, vote.annotator, 0), 20_000)
    ann, bob, eve = work.people(project).rows
    for row in (ann, bob):
        each, right = row.each_right, row.accuracy
        assert each.value == pytest.approx(0.02 / right.value) and each.estimable
        assert each.low == pytest.approx(0.02 / right.high) and each.high == pytest.approx(0.02 / right.low)
    assert ann.each_right.value > 5 * bob.each_right.value and eve.each_right is work.NOT_PAID
    page = manager.get(address).content.decode()
    assert "For a right answer" in page and "not paid" in page
