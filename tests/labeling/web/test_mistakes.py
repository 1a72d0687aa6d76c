"""A mistake that recurs is shown with examples, judged by a person, goes into the guidelines, and teaches."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from labeling import known
from labeling.crowd import prompts
from labeling.managing import mistakes as judging
from labeling.models import Annotator, Batch, Decision, GuidelineVersion, Mistake, Question, Task, Vote
from labeling.people import voters
from labeling.reports.crowd import mistakes
from tests.labeling.four_kinds import four_kinds
from tests.labeling.managed import person, settled_batch, told

pytestmark = pytest.mark.django_db
CROWD, JUDGE = "/p/city/crowd/", "/p/city/mistakes/"
NOISE, WATER = "Noise and nuisance", "Water and drains"


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def asked(project: Any) -> Question:
    """90 known tasks; Alpha and Beta call two thirds of the noise water, Gamma is right."""
    batch = settled_batch(project, 90, gold_every=1, wrong_every=1000)
    Task.objects.filter(batch=batch).update(slice="validation")
    water = project.first_question.labels.get(name=WATER)
    noise = list(batch.tasks.filter(gold__name=NOISE).order_by("pk").values_list("pk", flat=True))
    for place, task in enumerate(noise):
        if place % 3:
            for vote in Vote.objects.filter(task=task, annotator__name__in=["Alpha", "Beta"]):
                Vote.objects.create(task_id=task, annotator=vote.annotator, label=water, corrects=vote)
    batch.instances.filter(tasks__pk__in=noise[1::3]).update(parts=[["Text", "The fountain hums all night, dreadful"]])
    return project.first_question


def of_alpha(asked: Question) -> mistakes.Recurring:
    return next(one for one in mistakes.waiting(asked) if one.annotator and one.annotator.name == "Alpha")


def test_each_annotator_s_and_the_crowd_s_habits_are_found(asked: Question) -> None:
    found = mistakes.waiting(asked)
    assert {one.annotator.name if one.annotator else None for one in found} == {None, "Alpha", "Beta"}
    assert {(one.truth, one.said) for one in found} == {(NOISE, WATER)}
    one = of_alpha(asked)
    wrong = Vote.objects.current().filter(annotator=one.annotator, task__gold__name=NOISE, label__name=WATER)
    assert set(one.tasks) == set(wrong.values_list("task_id", flat=True)) and one.cell.cases == len(one.tasks) > 10
    assert one.sentence.startswith(f"{NOISE}: often taken for {WATER}.") and "“fountain”" in one.sentence
    assert len(one.examples) == 3


def test_only_known_answers_that_may_teach_count(asked: Question) -> None:
    Task.objects.filter(question=asked).update(slice="")
    cache.clear()
    assert mistakes.waiting(asked) == []


def test_nobody_is_measured_by_their_own_word(asked: Question) -> None:
    ann, water = person(asked.project, "ann"), asked.labels.get(name=WATER)
    noise = Task.objects.filter(gold__name=NOISE)
    Vote.objects.bulk_create(Vote(task=task, annotator=ann, label=water) for task in noise)
    others = Task.objects.filter(question=asked).exclude(gold__name=NOISE)
    Vote.objects.bulk_create(Vote(task=task, annotator=ann, label=task.gold) for task in others)
    assert any(one.annotator == ann for one in mistakes.recurring(asked))
    Decision.objects.filter(task__in=noise).update(decided_by="person", annotator=ann)
    assert not any(one.annotator == ann for one in mistakes.recurring(asked))


@pytest.mark.slow
def test_the_page_shows_it_and_a_person_accepts_it(asked: Question, manager: Client) -> None:
    page = told(manager.get(CROWD))
    assert "Mistakes that recur" in page and "The crowd, by majority, takes" in page and "hums all night" in page
    one = of_alpha(asked)
    answer = manager.post(JUDGE, {"mistake": one.key, "verdict": "accept", "sentence": "Noise: a hum is noise."})
    assert answer.status_code == 302 and answer["Location"].endswith("/crowd/#mistakes")
    made = Mistake.objects.get()
    assert (made.verdict, made.cases, made.sentence) == ("accepted", one.cell.cases, "Noise: a hum is noise.")
    assert set(made.tasks) == set(one.tasks) and made.by == User.objects.get(username="max")
    asked.project.refresh_from_db()
    assert asked.project.guidelines.endswith("Noise: a hum is noise.")
    before, after = GuidelineVersion.objects.filter(project=asked.project)
    assert made.guideline == after and "Alpha often takes" in after.why and before.told != after.told
    page = told(manager.get(CROWD))
    assert "One judged mistake" in page and "version 2" in page
    assert "Noise: a hum is noise." in voters.bare_brief(asked).instructions


def test_a_rejected_one_is_gone_until_it_has_doubled(asked: Question, manager: Client) -> None:
    one = of_alpha(asked)
    manager.post(JUDGE, {"mistake": one.key, "sentence": "x"})
    assert not Mistake.objects.exists(), "nobody said what"
    manager.post(JUDGE, {"mistake": one.key, "verdict": "reject", "sentence": "x"})
    asked.project.refresh_from_db()
    assert Mistake.objects.get().tasks == [] and asked.project.guidelines == ""
    assert not any(other.annotator == one.annotator for other in mistakes.waiting(asked))
    Mistake.objects.create(
        question=asked, annotator=one.annotator, truth=NOISE, said=WATER, cases=5, of=30, low=0.1, expected=0.01
    )
    assert any(other.annotator == one.annotator for other in mistakes.waiting(asked))


@pytest.mark.slow
def test_accepted_cases_are_the_first_worked_examples_and_models_vote_anew(asked: Question) -> None:
    batch = Batch.objects.get()
    learner = Annotator.objects.create(project=asked.project, kind="model", name="Learner", spec="word_logistic")
    batch.chunks.create(annotator=learner, first=0, last=89, done_at=batch.created_at)
    before = voters.brief_for(batch, voters.brief_version(batch), False, asked)
    one = of_alpha(asked)
    judging.accept(asked, one, "", User.objects.get(username="max"))
    batch.refresh_from_db()
    assert batch.stage == Batch.Stage.VOTING and batch.taught_at and batch.chunks.get(annotator=learner).done_at is None
    after = voters.brief_for(batch, voters.brief_version(batch), False, asked)
    names = set(Task.objects.filter(pk__in=one.tasks).values_list("instance__external_id", flat=True))
    assert after.lessons == names and before.fingerprint() != after.fingerprint()
    shown = [example for example in prompts.shot_order(after) if example.label == asked.label_list()[2].position]
    assert {example.question.task for example in shown[: len(names)]} == names


def test_lessons_teach_before_others_where_not_all_can(asked: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    one = of_alpha(asked)
    judging.accept(asked, one, "", User.objects.get(username="max"))
    monkeypatch.setattr(known, "MOST", len(one.tasks))
    assert {each.task for each in known.labels(asked.project, asked)} == set(one.tasks)


@pytest.mark.slow
def test_who_may_judge_and_what_is_gone(asked: Question, client: Client) -> None:
    key = of_alpha(asked).key
    for name in ("ann", "eve"):
        client.force_login(User.objects.get(username=name))
        assert client.post(JUDGE, {"mistake": key, "verdict": "accept"}).status_code in (403, 404)
    client.force_login(User.objects.get(username="max"))
    for wrong in ("", "0-9-9", "x"):
        assert client.post(JUDGE, {"mistake": wrong, "verdict": "accept"}).status_code == 302
    assert not Mistake.objects.exists()


@pytest.mark.slow
def test_other_kinds_have_parts_that_are_left_out_and_steps_that_are_mistaken(project: Any, manager: Client) -> None:
    batch = four_kinds(project, 120)
    blind = Annotator.objects.get(name="Gamma")
    for kind, first in (("choices", "light"), ("scale", "5"), ("spans", None)):
        asked = project.questions.get(kind=kind)
        Task.objects.filter(question=asked).exclude(gold_marks=None, gold=None).update(slice="validation")
        for vote in Vote.objects.current().filter(annotator=blind, task__question=asked):
            _blinded(asked, vote)
        found = [one for one in mistakes.waiting(asked) if one.annotator == blind]
        assert all(one.examples and one.sentence for one in found)
        assert [one.truth for one in found] == ([first] if first else []), kind
        assert manager.get(f"{CROWD}?question={asked.number}").status_code == 200
    asked = project.questions.get(kind="choices")
    (found_one,) = [one for one in mistakes.waiting(asked) if one.annotator == blind]
    assert found_one.said == "left out"
    assert "leaves out <bdi>light</bdi>" in told(manager.get(f"{CROWD}?question={asked.number}"))
    sent = {"mistake": found_one.key, "verdict": "accept", "sentence": "Look twice.", "question": asked.number}
    manager.post(JUDGE, sent)
    asked.refresh_from_db()
    assert asked.guidelines == "Look twice." and Mistake.objects.get(question=asked).cases == found_one.cell.cases
    assert batch.project.guidelines == ""


def _blinded(asked: Question, vote: Vote) -> None:
    """Leaves out the first label of a set, and calls the highest step the lowest."""
    labels = asked.label_list()
    if asked.kind == "choices" and 0 in vote.marks:
        Vote.objects.create(
            task=vote.task, annotator=vote.annotator, marks=[one for one in vote.marks if one], corrects=vote
        )
    elif vote.label == labels[-1] and asked.one_label:
        Vote.objects.create(task=vote.task, annotator=vote.annotator, label=labels[0], corrects=vote)
