"""Which votes say something, and which tasks are known: empty columns are told apart from a null inside the JSON."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.checks import alarms
from labeling.management import label_report
from labeling.models import Alarm, Decision, Project, Skill, Task, Vote
from tests.questions import batch_of, question, say
from tests.reviewers.scenery import model

pytestmark = pytest.mark.django_db


def test_an_abstention_has_neither_label_nor_marks_and_the_report_counts_it(project: Project) -> None:
    asked = question(project, "choices", ("1", "2"))
    batch = batch_of(project, ["One.", "Two."])
    one, other = batch.tasks.about(asked).order_by("position")
    who = model(project, "M")
    say(one, who, np.array([0, 0], dtype=np.int8))
    say(other, who, None)
    say(batch.tasks.about(project.first_question)[0], who, 1)
    assert [vote.task_id for vote in Vote.objects.all().abstaining()] == [other.pk]
    assert Vote.objects.all().answering().count() == 2
    told = label_report.summarise(batch, 1.0)
    assert (told["votes"], told["abstentions"]) == (2, 1)


def test_a_task_is_scorable_by_a_label_or_by_marks(project: Project) -> None:
    question(project, "choices", ("1", "2"))
    batch = batch_of(project, ["One.", "Two."])
    marked = batch.tasks.order_by("position")[1]
    Task.objects.filter(pk=marked.pk).update(gold_marks=[])
    assert list(batch.tasks.scorable()) == [marked]


def test_an_annotator_of_whom_nothing_was_learnt_raises_no_alarm(project: Project) -> None:
    Skill.objects.create(annotator=model(project, "M"), question=project.first_question, confusion=[[1]])
    alarms.look_at_voters(project)
    assert not Alarm.objects.exists()


def test_of_several_questions_each_has_its_own_figures_in_the_report(project: Project) -> None:
    second = question(project, "choice", ("1", "2"), wording="Which of both?")
    question(project, "choices", ("1", "2"))
    batch, who = batch_of(project, ["One.", "Two."]), model(project, "M")
    for task in batch.tasks.filter(question__kind="choice"):
        labels = task.question.label_list()
        Task.objects.filter(pk=task.pk).update(gold=labels[0])
        vote = say(task, who, 0 if task.question != second or task.position < 3 else 1)
        held = {"label": vote.label, "confidence": 0.9, "entropy": 0.1}
        Decision.objects.create(task=task, decided_by="crowd", **held)
    rows = label_report.summarise(batch, 1.0)["questions"]
    assert [(row["question"], row["checked"], row["accuracy"]) for row in rows] == [
        (1, 2, 1.0),
        (2, 2, 0.5),
        (3, 0, None),
    ]
    assert rows[1]["best_single_accuracy"] == 0.5 and rows[1]["wording"] == "Which of both?"
