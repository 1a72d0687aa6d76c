"""What is known: from the file, from experts, from people by the project's rule; and what is not known that way."""

from __future__ import annotations

import pytest

from labeling import arrays, known
from labeling.models import Batch, Decision, Escalation, Project, Task
from labeling.people import voters
from labeling.rounds import routing
from reviewers.queue import claiming, undoing
from tests.questions import keep
from tests.reviewers.scenery import answer, ask, believe, model, person, say

pytestmark = pytest.mark.django_db


def found(project: Project) -> dict[str, tuple[str, str, bool]]:
    """Label, source and whether it is sure, by the name of the task."""
    labels, names = project.label_list(), dict(Task.objects.values_list("pk", "instance__external_id"))
    return {names[one.task]: (labels[one.label].brief, one.source, one.sure) for one in known.labels(project)}


def answered(project: Project, task: Task, who: str, position: int, kind: str = "person", slot: int = 0) -> None:
    ask(task, to=kind, slot=slot)
    held = claiming.claim(person(project, who, kind))
    assert held is not None and held.escalation.task_id == task.pk
    answer(held, position)


def test_the_files_slice_is_known_and_other_gold_is_not(project: Project, batch: Batch) -> None:
    Task.objects.filter(position=4).update(slice="validation")
    assert found(project) == {"R-4": ("Roads", "file", True)}, "R-5 has gold that only scores"
    routing.settle_known(batch, project.first_question)
    assert Decision.objects.get().decided_by == "file"


def test_an_experts_word_is_known(project: Project, batch: Batch) -> None:
    answered(project, batch.tasks.get(position=0), "eve", 1, "expert")
    assert found(project) == {"R-0": ("Water", "expert", True)}


def test_one_unproven_person_teaches_and_is_not_sure_and_the_manager_may_leave_it_out(
    project: Project, batch: Batch
) -> None:
    answered(project, batch.tasks.get(position=0), "ann", 1)
    assert found(project) == {"R-0": ("Water", "person", False)}
    (one,) = known.labels(project)
    assert 0.8 < one.weight < 0.95, "as sure as a person of whom nothing is known"
    project.learn_from_one = False
    assert known.labels(project) == []


def test_two_who_agree_make_a_label_known(project: Project, batch: Batch) -> None:
    task = batch.tasks.get(position=0)
    ask(task, slot=0), ask(task, slot=1)
    for name in ("ann", "bob"):
        answer(claiming.claim(person(project, name)), 1)
    assert found(project) == {"R-0": ("Water", "person", True)}
    assert known.labels(project)[0].weight > 0.95


def test_proven_skill_makes_one_persons_label_known(project: Project, batch: Batch) -> None:
    ann = person(project, "ann")
    confusion = [[0.98, 0.01, 0.01, 0.0], [0.01, 0.98, 0.01, 0.0], [0.01, 0.01, 0.98, 0.0]]
    told = dict.fromkeys(("accuracy", "low", "high", "group"), 0.98) | {"evidence": 60.0, "given": 60}
    keep(ann, confusion=confusion, skill=told | {"usual": 0.1, "in_dispute": 0.4, "sources": {}})
    answered(project, batch.tasks.get(position=0), "ann", 1)
    assert found(project) == {"R-0": ("Water", "person", True)}
    project.known_sure = 0.99
    assert found(project) == {"R-0": ("Water", "person", False)}


def test_what_the_crowd_believes_does_not_make_a_person_surer(project: Project, batch: Batch) -> None:
    task = batch.tasks.get(position=0)
    believe(task, 0.05, 0.9, 0.05)
    answered(project, task, "ann", 1)
    assert Decision.objects.get().confidence > 0.95, "both together are sure"
    assert known.labels(project)[0].weight < 0.95, "and the crowd must not be measured by what it said itself"


def test_a_check_that_agrees_is_known_and_keeps_its_probability(project: Project, batch: Batch) -> None:
    task = batch.tasks.get(position=0)
    believe(task, 0.05, 0.9, 0.05)
    label = project.label_list()[1]
    made = Decision.objects.create(task=task, label=label, decided_by="crowd", confidence=0.9, entropy=0.5)
    Task.objects.filter(pk=task.pk).update(stage="decided", slice="audit", check_probability=0.05)
    Escalation.objects.create(task=task, to="person", reason="audit", why="Drawn.", checks=made)
    answer(claiming.claim(person(project, "ann")), 1)
    assert Decision.objects.current().get().decided_by == "crowd", "the label stands as it was"
    (one,) = known.labels(project)
    assert (one.at_random, one.chance) == (True, 0.05)


def test_tasks_chosen_for_being_hard_are_no_random_sample(project: Project, batch: Batch) -> None:
    answered(project, batch.tasks.get(position=0), "ann", 1)
    (one,) = known.labels(project)
    assert (one.at_random, one.chance) == (False, None)


def test_an_answer_taken_back_is_not_known_any_more(project: Project, batch: Batch) -> None:
    ann = person(project, "ann")
    answered(project, batch.tasks.get(position=0), "ann", 1)
    assert undoing.undo(ann) is not None
    assert known.labels(project) == []


def test_people_who_differ_make_nothing_known(project: Project, batch: Batch) -> None:
    task = batch.tasks.get(position=0)
    ask(task, slot=0), ask(task, slot=1)
    for place, name in enumerate(("ann", "bob")):
        answer(claiming.claim(person(project, name)), place)
    assert known.labels(project) == []


def test_arrays_tell_the_sources_apart_and_leave_settled_ones_out_where_labels_are_measured(
    project: Project, batch: Batch
) -> None:
    Task.objects.filter(position=4).update(slice="validation")
    answered(project, batch.tasks.get(position=0), "ann", 1)
    say(batch.tasks.get(position=0), model(project, "Alpha"), 1)
    ballot = arrays.load(batch)
    assert ballot.known.tolist() == [1, -1, -1, -1, 0, -1]
    assert ballot.known_from("file").tolist() == [False, False, False, False, True, False]
    assert ballot.known_from("person").nonzero()[0].tolist() == [0] and ballot.certainty[0] < 0.95
    assert arrays.load(batch, settled=False).known.tolist() == [-1, -1, -1, -1, 0, -1]


def test_the_brief_of_a_batch_is_what_was_known_when_it_was_taught(project: Project, batch: Batch) -> None:
    answered(project, batch.tasks.get(position=0), "ann", 1)
    assert voters.brief_for(batch, voters.brief_version(batch)).examples == ()
    batch.taught_at = known.labels(project)[0].since
    (example,) = voters.brief_for(batch, voters.brief_version(batch)).examples
    assert (example.question.task, example.label) == ("R-0", 1)
