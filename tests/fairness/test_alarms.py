"""Alarms act: a gap, a model that changed, a person who fails; what the policy pauses, and how a manager clears it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from fairness import alarms as gaps
from labeling.checks import alarms
from labeling.models import Alarm, Annotator, Batch, Decision, Project, Task
from tests.labeling.managed import settled_batch
from tests.questions import keep, question
from tests.reviewers.scenery import model, person

pytestmark = pytest.mark.django_db
RECORD = {"usual": 0.1, "in_dispute": 0.4, "sources": {}, "evidence": 60.0, "given": 120, "group": 0.9}


@pytest.fixture
def unfair(project: Project) -> Batch:
    """400 settled tasks with gold; in Old Town two labels of five are wrong, in Harbour none but one in fifty."""
    batch = settled_batch(project, tasks=400, gold_every=1, wrong_every=1000)
    labels = project.label_list()
    for place, made in enumerate(
        Decision.objects.filter(task__instance__groups__Group="Old Town").select_related("task")
    ):
        if place % 5 < 2:
            other = next(label for label in labels if label.pk != made.task.gold_id)
            Decision.objects.filter(pk=made.pk).update(label=other)
    return batch


def test_a_gap_of_forty_points_stands_under_waiting_for_you(unfair: Batch, manager: Client) -> None:
    alarms.look(unfair)
    found = Alarm.objects.get(about="Old Town")
    assert found.evidence > 1e6 and "points fewer right labels" in found.why
    unfair.refresh_from_db()
    assert unfair.paused_at is None, "the policy is to say so"
    page = manager.get("/p/city/").content.decode()
    assert "Waiting for you" in page and found.why in page.replace("&#x27;", "'")


def test_an_alarm_leads_to_the_report_of_its_question_its_groups_and_its_label(project: Project) -> None:
    second = question(project, "choices", ("lamp", "road"))
    batch = Batch.objects.create(project=project, name="May")
    told = {"project": project, "batch": batch, "kind": "gap", "about": "Old Town, lamp", "why": "Seen."}
    found = Alarm.objects.create(question=second, attribute="district", groups=["Old Town"], part="lamp", **told)
    assert found.get_absolute_url() == f"/p/city/batches/{batch.pk}/?by=district&label=lamp&question=2#fair"
    assert Alarm(question=project.first_question, groups=["x"], **told).get_absolute_url().endswith("/#fair")


def test_by_the_managers_policy_a_gap_stops_the_line_and_an_answer_starts_it(unfair: Batch, manager: Client) -> None:
    Project.objects.update(when_alarmed="pause")
    alarms.look(Batch.objects.get())
    unfair.refresh_from_db()
    assert unfair.paused_at is None, "the batch goes on but for the group"
    found = Alarm.objects.standing().get()
    assert found.paused and found.groups == ["Old Town"] and "points fewer right labels" in found.why
    assert manager.post(f"/p/city/alarms/{found.pk}/clear/").url == f"/p/city/batches/{unfair.pk}/watch/"
    assert Alarm.objects.standing().exists(), "a line that is stopped needs an answer"
    told = {"what": "override", "why": "We know."}
    assert manager.post(f"/p/city/alarms/{found.pk}/answer/", told).status_code == 302
    assert not Alarm.objects.standing().exists()
    alarms.look(unfair)
    assert not Alarm.objects.standing().exists(), "what was seen is not raised again with the same evidence"


def test_equal_groups_raise_nothing(project: Project) -> None:
    alarms.look(settled_batch(project, tasks=200, gold_every=1))
    assert not Alarm.objects.exists()


def test_an_alarm_is_raised_once_however_often_somebody_looks(unfair: Batch) -> None:
    alarms.look(unfair), gaps.look(unfair)
    assert Alarm.objects.filter(about="Old Town").count() == 1


@pytest.mark.parametrize(("kind", "about"), [("paid", "model"), ("person", "person")])
def test_whoever_becomes_worse_raises_an_alarm_and_is_paused(
    project: Project, batch: Batch, kind: str, about: str
) -> None:
    Project.objects.update(when_alarmed="pause")
    project.refresh_from_db()
    one = model(project, "Paid", "paid") if kind == "paid" else person(project, "ann")
    change = {"ago": 40, "before": 0.9, "after": 0.5}
    keep(one, skill={**RECORD, "accuracy": 0.7, "low": 0.6, "high": 0.8, "change": change})
    alarms.look_at_voters(project)
    found = Alarm.objects.get()
    assert (found.kind, found.annotator) == (about, one) and "90%" in found.why and "50%" in found.why
    assert Annotator.objects.get(pk=one.pk).paused_at is not None
    alarms.clear(found)
    assert Annotator.objects.get(pk=one.pk).paused_at is None


def test_a_person_who_is_surely_wrong_too_often_raises_an_alarm_and_one_who_may_be_right_does_not(
    project: Project, batch: Batch
) -> None:
    ann, bob = person(project, "ann"), person(project, "bob")
    keep(ann, skill={**RECORD, "accuracy": 0.2, "low": 0.1, "high": 0.3, "change": None})
    keep(bob, skill={**RECORD, "accuracy": 0.65, "low": 0.5, "high": 0.8, "change": None})
    alarms.look_at_voters(project)
    assert Alarm.objects.get().annotator == ann


def test_strangers_and_annotators_clear_no_alarm(unfair: Batch, client: Client, django_user_model: Any) -> None:
    alarms.look(unfair)
    found = Alarm.objects.first()
    assert found is not None
    for name in ("ann", "eve", None):
        if name:
            client.force_login(django_user_model.objects.get(username=name))
        else:
            client.logout()
        assert client.post(f"/p/city/alarms/{found.pk}/clear/").status_code in (302, 403, 404)
    assert Alarm.objects.standing().filter(pk=found.pk).exists()
    assert Task.objects.count() == 400


def unfair_about_water(project: Project) -> Batch:
    """A second question of sets; half of the requests of one group miss the label water, nobody else errs."""
    sets = question(project, "choices", ["light", "water"], wording="What is it about?")
    batch = settled_batch(project, tasks=200, gold_every=1, wrong_every=1000)
    made = Task.objects.bulk_create(
        Task(
            instance=one,
            project=project,
            batch=batch,
            question=sets,
            position=1000 + n,
            gold_marks=[0, 1],
            stage="decided",
        )
        for n, one in enumerate(batch.instances.order_by("position"))
    )
    Decision.objects.bulk_create(
        Decision(
            task=one,
            marks=[0] if one.groups["Group"] == "Old Town" and n % 4 < 3 else [0, 1],
            decided_by="crowd",
            confidence=0.9,
            entropy=0.4,
        )
        for n, one in enumerate(made)
    )
    return batch


def test_every_question_is_watched_and_the_alarm_names_the_question_and_the_label(project: Project) -> None:
    gaps.look(unfair_about_water(project))
    found = {one.about: one.why for one in Alarm.objects.all()}
    assert {"Question 2, Old Town", "Question 2, Old Town, water"} <= set(found)
    assert "“What is it about?”: Old Town gets" in found["Question 2, Old Town, water"]
    assert "fewer right answers about “water” than the others" in found["Question 2, Old Town, water"]
    assert not any(about.startswith("Question 1") or "light" in about for about in found)
