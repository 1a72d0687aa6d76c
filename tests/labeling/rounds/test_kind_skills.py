"""How good people are where an answer is more than one label: from known answers, experts' words, and each other."""

from __future__ import annotations

import random

import numpy as np
import pytest
from django.test import Client

from labeling import said
from labeling.checks import alarms
from labeling.models import Alarm, Annotator, Decision, Project, Question, Skill, Task, Vote
from labeling.people import skill
from labeling.rounds import kind_skills
from labeling.truth.skills import open_answers
from tests.questions import batch_of, question
from tests.reviewers.scenery import person

pytestmark = pytest.mark.django_db
ANSWERS = {
    "choices": ([0], [1], [0, 1], [2], [1, 2]),
    "scale": (0, 1, 2, 3, 4),
    "spans": ([[0, 3, 0]], [[0, 3, 1]], [[4, 7, 0]], [[0, 3, 0], [4, 7, 1]]),
}
FAR = {"choices": [3], "scale": 4, "spans": [[8, 9, 2]]}


def told(project: Project, kind: str, tasks: int = 60) -> tuple[Question, list[Task], list[object]]:
    """Tasks of a question, and what is right of each, which is never the answer that is far from all others."""
    asked = question(project, kind, ("1", "2", "3", "4", "5"))
    batch = batch_of(project, [f"Ann met Bob, {n}" for n in range(tasks)])
    rng = random.Random(3)
    right = [rng.choice([one for one in ANSWERS[kind] if one != 4]) for _ in range(tasks)]
    return asked, list(batch.tasks.about(asked).order_by("position")), right


def answer(task: Task, who: Annotator, plain: object) -> None:
    Vote.objects.create(task=task, annotator=who, **said.of_plain(task.question, plain, task.question.label_list()))


def know(asked: Question, tasks: list[Task], right: list[object]) -> None:
    for task, plain in zip(tasks, right, strict=True):
        held = said.of_plain(asked, plain, asked.label_list())
        Task.objects.filter(pk=task.pk).update(gold=held["label"], gold_marks=held["marks"])


def of(who: Annotator, asked: Question) -> skill.Skill:
    return skill.of(Skill.objects.get(annotator=who, question=asked))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["choices", "scale", "spans"])
def test_who_is_wrong_on_many_known_tasks_is_seen_and_raises_an_alarm(project: Project, kind: str) -> None:
    asked, tasks, right = told(project, kind)
    know(asked, tasks, right)
    ann, bob = person(project, "ann"), person(project, "bob")
    for n, (task, plain) in enumerate(zip(tasks, right, strict=True)):
        answer(task, ann, plain)
        answer(task, bob, plain if n % 6 == 0 else FAR[kind])
    assert kind_skills.refresh(project) == 120
    good, bad = of(ann, asked), of(bob, asked)
    assert (good.accuracy, good.closeness, good.evidence) == (1, 1, 60)
    assert bad.accuracy == pytest.approx(1 / 6, abs=1e-3) and bad.close_high < 0.7 and bad.sources["file"].n == 60
    alarms.look_at_voters(project)
    (found,) = Alarm.objects.all()
    assert found.annotator == bob and "wholly right on 17%" in found.why and asked.wording in found.why


def test_answers_that_are_nearly_right_raise_no_alarm(project: Project) -> None:
    asked, tasks, right = told(project, "scale")
    know(asked, tasks, right)
    ann = person(project, "ann")
    for task, plain in zip(tasks, right, strict=True):
        answer(task, ann, plain + 1)
    kind_skills.refresh(project)
    assert of(ann, asked).accuracy == 0 and of(ann, asked).closeness == pytest.approx(0.75)
    alarms.look_at_voters(project)
    assert not Alarm.objects.exists()


def test_without_a_known_answer_the_one_who_differs_from_two_that_agree_is_seen(project: Project) -> None:
    asked, tasks, right = told(project, "choices")
    three = [person(project, name) for name in ("ann", "bob", "eve")]
    for task, plain in zip(tasks, right, strict=True):
        for who in three[:2]:
            answer(task, who, plain)
        answer(task, three[2], [3])
    kind_skills.refresh(project)
    first, second, odd = (of(one, asked) for one in three)
    assert min(first.accuracy, second.accuracy) > 0.9 and odd.accuracy < 0.1 and odd.close_high < 0.7
    assert odd.sources["others"].n == 60 and odd.evidence > 30


def test_an_experts_word_is_held_against_others_and_not_against_themselves(project: Project) -> None:
    asked, tasks, right = told(project, "choices", tasks=12)
    ann, eve = person(project, "ann"), person(project, "eve", "expert")
    for task, plain in zip(tasks, right, strict=True):
        answer(task, ann, [3])
        answer(task, eve, plain)
        Decision.objects.create(task=task, marks=plain, decided_by="expert", annotator=eve, confidence=1, entropy=0)
    kind_skills.refresh(project)
    assert of(ann, asked).sources["expert"] == skill.Source(12, 0.0)
    assert "expert" not in of(eve, asked).sources


@pytest.mark.slow
def test_the_page_of_people_shows_both_shares(project: Project, manager: Client) -> None:
    asked, tasks, right = told(project, "choices", tasks=30)
    know(asked, tasks, right)
    for task, plain in zip(tasks, right, strict=True):
        answer(task, person(project, "ann"), plain)
    kind_skills.refresh(project)
    page = " ".join(manager.get(f"/p/city/people/?question={asked.number}").content.decode().split())
    assert "On the mean" in page and "wholly right, by known answers" in page and "100%" in page


def test_two_who_agree_on_a_rare_answer_are_surer_than_on_a_common_one() -> None:
    common = {"a": 0.8, "b": 0.05}
    accuracy = np.array([0.6, 0.6])
    rare, usual = (open_answers.posterior({0: one, 1: one}, accuracy, common)[one] for one in "ba")
    assert 0.9 < usual < rare - 0.02 < 1
    assert open_answers.posterior({0: "a", 1: "b"}, np.array([0.9, 0.3]), common)["a"] > 0.8
