"""Everybody's own skill: learnt from all their answers, kept with them, and used where people differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labeling import arrays
from labeling.models import Annotator, Batch, Belief, Decision, Escalation, Project, Task, Vote
from labeling.money.ledger import open_purse
from labeling.people import skill
from labeling.rounds import decisions, relabelers, skills, weighing
from reviewers.queue import claiming
from tests.questions import kept
from tests.reviewers.scenery import answer, ask, believe, model, person, say
from tests.rows import put_in
from tests.tasks import put_tasks

pytestmark = pytest.mark.django_db


def batch_of(project: Project, count: int, name: str = "April") -> list[Task]:
    made = Batch.objects.create(
        project=project, name=name, stage=Batch.Stage.REVIEWING, rows_read=count, rows_new=count
    )
    open_purse(made, 10_000_000)
    return put_tasks(made, ({"position": n, "external_id": f"{name}-{n}"} for n in range(count)))


def overruled(project: Project, count: int = 120) -> tuple[Annotator, Annotator]:
    """Ann gave a wrong label on so many tasks, Bob the right one, and Eve, the expert, said so each time."""
    ann, bob, eve = (person(project, *who) for who in (("ann",), ("bob",), ("eve", "expert")))
    tasks, labels = batch_of(project, count), [label.pk for label in project.label_list()]
    spread = [[0.5 if place == best else 0.25 for place in range(3)] for best in range(3)]
    put_in(
        Belief(confidence=0.5, entropy=1.0, method="auto"),
        ("task_id", "label_id", "probabilities", "base"),
        ((task.pk, labels[n % 3], spread[n % 3], spread[n % 3]) for n, task in enumerate(tasks)),
    )
    put_in(
        Vote(),
        ("task_id", "annotator_id", "label_id"),
        (
            (task.pk, who.pk, labels[said % 3])
            for n, task in enumerate(tasks)
            for who, said in ((ann, n + 1), (bob, n), (eve, n))
        ),
    )
    skills.refresh(project.pk)
    return ann, bob


def test_a_person_wrong_on_all_of_120_tasks_is_not_taken_to_be_right_nine_times_in_ten(project: Project) -> None:
    ann, bob = overruled(project)
    assert skill.of(kept(ann)).high < 0.1
    assert np.array(kept(ann).confusion)[:, :3].diagonal().max() < 0.1
    assert skill.of(kept(bob)).low > 0.9
    assert skill.of(kept(ann)).proven and skill.of(kept(bob)).proven


def test_where_the_evidence_comes_from_is_kept(project: Project) -> None:
    ann, _ = overruled(project, 60)
    told = skill.of(kept(ann)).sources
    assert told["expert"].n == 60
    assert told["expert"].right == pytest.approx(0, abs=2)
    assert "others" not in told
    eve = skill.of(kept(Annotator.objects.get(name="eve")))
    assert eve.sources["others"].n == 60 and eve.accuracy > 0.95


def test_two_who_differ_are_settled_where_their_skills_make_a_label_sure(project: Project) -> None:
    ann, bob = overruled(project)
    task = batch_of(project, 1, "May")[0]
    believe(task, 0.4, 0.35, 0.25)
    ask(task, slot=0), ask(task, slot=1)
    for who, label in ((ann, 1), (bob, 0)):
        held = claiming.claim(who)
        assert held is not None and held.escalation.task == task
        answer(held, label)
    decided = Decision.objects.current().get(task=task)
    assert decided.label == project.label_list()[0]
    assert decided.decided_by == "person"
    assert "By their skill (ann" in decided.why and "bob" in decided.why
    assert decided.provenance["skills"][str(bob.pk)][0] > 0.9
    assert not Escalation.objects.open().to_experts().exists()


def test_two_who_differ_and_of_whom_little_is_known_are_an_experts_case(batch: Batch) -> None:
    task = batch.tasks.all()[0]
    believe(task, 0.4, 0.35, 0.25)
    ask(task, slot=0), ask(task, slot=1)
    for name, label in (("ann", 1), ("bob", 0)):
        held = claiming.claim(person(batch.project, name))
        assert held is not None
        answer(held, label)
    case = Escalation.objects.open().to_experts().get()
    assert case.reason == "people_disagree"


def test_one_who_is_mostly_wrong_settles_nothing_alone(project: Project) -> None:
    ann, _ = overruled(project)
    task = batch_of(project, 1, "May")[0]
    believe(task, 0.4, 0.35, 0.25)
    Belief.objects.filter(task=task).update(base=[0.35, 0.25, 0.4], probabilities=[0.35, 0.25, 0.4])
    ask(task)
    held = claiming.claim(ann)
    assert held is not None
    answer(held, 1)
    assert not Decision.objects.current().filter(task=task).exists()
    case = Escalation.objects.open().to_experts().get()
    assert case.reason == "against_record"
    assert "ann, of whose answers" in case.why
    assert Belief.objects.get(task=task).probabilities[1] < 0.2


def test_the_order_of_the_queue_follows_what_a_proven_persons_answer_is_worth(project: Project) -> None:
    _, bob = overruled(project)
    sure, torn = batch_of(project, 2, "May")
    believe(sure, 0.97, 0.02, 0.01)
    believe(torn, 0.4, 0.35, 0.25)
    ask(sure, priority=2.0), ask(torn, priority=1.0)
    held = claiming.claim(bob)
    assert held is not None and held.escalation.task == torn
    new = claiming.claim(person(project, "max"))
    assert new is not None and new.escalation.task == sure


def test_what_the_crowd_alone_believed_is_evidence_not_what_people_made_of_it(project: Project) -> None:
    tasks = batch_of(project, 1)
    made = believe(tasks[0], 0.1, 0.8, 0.1)
    Belief.objects.filter(pk=made.pk).update(crowd=[0.7, 0.2, 0.1])
    say(tasks[0], person(project, "ann"), 1)
    np.testing.assert_allclose(skills.of_project(project).crowd, [[0.7, 0.2, 0.1]])


def test_free_models_are_no_part_of_it_and_abstentions_are(project: Project) -> None:
    task = batch_of(project, 1)[0]
    say(task, model(project, "M1"), 1)
    say(task, person(project, "ann"), None)
    found = skills.of_project(project)
    assert [each.name for each in found.annotators] == ["ann"]
    assert found.answers.label.tolist() == [3]


def test_without_an_answer_nothing_is_learnt(project: Project) -> None:
    ann = person(project, "ann")
    assert skills.refresh(project.pk) == 0
    assert kept(ann).skill is None and skill.of(kept(ann)) == skill.UNKNOWN


def test_skills_are_learnt_anew_after_every_twenty_fifth_answer(
    project: Project, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labeling import jobs

    told: list[int] = []

    class Queue:
        enqueue = staticmethod(told.append)

    monkeypatch.setattr(jobs, "weigh_people", Queue)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(50):
            jobs.note_answer(project.pk)
    assert told == [project.pk] * 2


@pytest.mark.slow
def test_a_weighing_knows_everybodys_skill_and_keeps_what_the_crowd_alone_believed(project: Project) -> None:
    overruled(project, 60)
    tasks = batch_of(project, 20, "May")
    crowd = [model(project, f"M{n}") for n in range(3)]
    for n, task in enumerate(tasks):
        for voter in crowd:
            say(task, voter, n % 3 if (n + voter.pk) % 4 else (n + 1) % 3)
    say(tasks[0], person(project, "ann"), 1)
    say(tasks[0], person(project, "bob"), 0)
    settled = say(tasks[2], person(project, "bob"), 2)
    decisions.decide(decisions.of_vote(settled, settled.label, None, "person", ""))
    turn = weighing.weigh(tasks[0].batch)
    by_bob = Belief.objects.get(task=tasks[2])
    assert by_bob.crowd is not None and max(by_bob.crowd) < 0.999, "a person's word is no belief of the crowd"
    told, alone = (Belief.objects.get(task=tasks[place]) for place in (0, 1))
    assert alone.crowd is None
    assert told.crowd is not None
    assert told.probabilities[0] > max(told.crowd[0], 0.9)
    assert skill.of(kept(person(project, "ann"))).high < 0.15
    assert skill.of(kept(person(project, "bob"))).proven
    assert turn.rounds[0].finished_at is not None


def test_those_who_may_be_asked_are_reckoned_with_one_by_one(project: Project) -> None:
    overruled(project, 60)
    batch = batch_of(project, 5, "May")[0].batch
    ballot = arrays.load(batch)
    evidence = skills.of_batch(batch, ballot, np.full((5, 3), 1 / 3))
    learnt = evidence.learn()
    people = next(each for each in relabelers.parties(batch, ballot, evidence, learnt) if each.kind == "person")
    share, right = zip(*((voice.share, voice.confusion[:, :3].trace() / 3) for voice in people.voices), strict=True)
    assert share == pytest.approx((0.5, 0.5), abs=0.02)
    assert min(right) < 0.1 < 0.9 < max(right)
    project.memberships.filter(user__username="ann").delete()
    left = next(each for each in relabelers.parties(batch, ballot, evidence, learnt) if each.kind == "person")
    assert len(left.voices) == 1
