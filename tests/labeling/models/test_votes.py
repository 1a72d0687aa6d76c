"""Which votes say something, and which tasks are known: empty columns are told apart from a null inside the JSON."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.checks import alarms
from labeling.management import label_report
from labeling.models import Alarm, Project, Skill, Task, Vote
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
