"""A question that is asked only where another one was answered so: its tasks wait, open, or are not asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labeling.kinds import registry
from labeling.kinds.base import Space
from labeling.kinds.spans import Stretches
from labeling.models import Batch, Escalation, Project, Question, Task
from labeling.people import recruiting
from labeling.rounds import conditions, decisions, story, voting, weighing
from labeling.rounds.decisions import Verdict
from labeling.truth.blocks import NO, YES
from tests.questions import batch_of, question

pytestmark = pytest.mark.django_db
TEXTS = [f"Request number {n}" for n in range(4)]


def follow_up(project: Project, **facts: Any) -> Question:
    """Asked where the first question was answered with its first label."""
    return question(project, "choices", ("lamp", "road"), asked_after=project.first_question, asked_if=0, **facts)


def answer(batch: Batch, place: int, label: int, by: str = "person") -> None:
    """Settle the first question about an instance."""
    first = batch.project.first_question
    task = batch.tasks.about(first).get(instance__position=place)
    decisions.decide(Verdict(task.pk, first.label_list()[label].pk, by, 0.9, 0.1))


def stages(batch: Batch, asked: Question) -> list[str]:
    return list(batch.tasks.about(asked).order_by("position").values_list("stage", flat=True))


def test_tasks_wait_until_the_question_before_is_settled_and_are_asked_only_where_it_is_settled_so(
    project: Project,
) -> None:
    asked = follow_up(project)
    batch = batch_of(project, TEXTS)
    assert conditions.apply(batch) == [] and stages(batch, asked) == ["waiting"] * 4
    answer(batch, 0, 0), answer(batch, 2, 1)
    opened = conditions.apply(batch)
    assert [Task.objects.get(pk=pk).instance.position for pk in opened] == [0]
    assert stages(batch, asked) == ["open", "waiting", "not_asked", "waiting"]
    assert conditions.apply(batch) == [], "said once"
    told = story.progress(batch)
    assert (told["decided"], told["open"], told["not_asked"]) == (2, 5, 1)


def test_a_label_that_changes_opens_and_closes_and_takes_back_who_is_asked(project: Project) -> None:
    asked = follow_up(project)
    batch = batch_of(project, TEXTS[:2])
    answer(batch, 0, 0), answer(batch, 1, 1)
    conditions.apply(batch)
    task = batch.tasks.about(asked).get(instance__position=0)
    waits = Escalation.objects.create(task=task, to="person", reason="uncertain", why="Torn.")
    answer(batch, 0, 1, "expert"), answer(batch, 1, 0, "expert")
    assert len(conditions.apply(batch)) == 1 and stages(batch, asked) == ["not_asked", "open"]
    waits.refresh_from_db()
    assert waits.state == "withdrawn"


def test_what_was_answered_stays_and_a_question_after_an_unasked_one_is_not_asked(project: Project) -> None:
    asked = follow_up(project)
    last = question(project, "choices", ("x",), wording="And?", asked_after=asked, asked_if=[0])
    batch = batch_of(project, TEXTS[:2])
    answer(batch, 0, 0), answer(batch, 1, 1)
    conditions.apply(batch)
    assert stages(batch, last) == ["waiting", "not_asked"]
    task = batch.tasks.about(asked).get(instance__position=0)
    decisions.decide(Verdict(task.pk, None, "person", 0.9, 0.1, marks=[0, 1]))
    answer(batch, 0, 1, "expert")
    conditions.apply(batch)
    assert stages(batch, asked) == ["decided", "not_asked"] and stages(batch, last) == ["open", "not_asked"]


def test_a_batch_asks_its_crowd_once_tasks_open_and_is_done_without_those_that_are_not_asked(project: Project) -> None:
    asked = follow_up(project)
    [member] = recruiting.add_models(project, ["word_logistic"])
    batch = batch_of(project, TEXTS)
    conditions.apply(batch)
    story.hand_out(batch)
    batch.chunks.update(done_at=batch.created_at)
    Batch.objects.filter(pk=batch.pk).update(stage="reviewing")
    for place in range(4):
        answer(batch, place, min(place, 1))
    assert story.advance(batch.pk), "the crowd is asked about what has opened"
    batch.refresh_from_db()
    chunk = batch.chunks.get(annotator=member)
    assert batch.stage == "voting" and chunk.done_at is None
    assert [one.instance.position for one in voting.askable(chunk, [asked], outside=False)] == [0]
    assert story.advance(batch.pk)
    member.refresh_from_db()
    assert "learns from tasks whose label is known" in member.error and not member.failures
    Batch.objects.filter(pk=batch.pk).update(stage="reviewing")
    task = batch.tasks.about(asked).get(instance__position=0)
    decisions.decide(Verdict(task.pk, None, "person", 0.9, 0.1, marks=[1]))
    batch.chunks.update(done_at=batch.created_at)
    assert not story.advance(batch.pk)
    batch.refresh_from_db()
    assert batch.stage == "done" and story.progress(batch)["not_asked"] == 3


@pytest.mark.parametrize("kind", ["choice", "choices"])
def test_weighing_leaves_alone_what_waits(project: Project, kind: str) -> None:
    asked = question(project, kind, ("lamp", "road"), asked_after=project.first_question, asked_if=0)
    batch = batch_of(project, TEXTS)
    Project.objects.filter(pk=project.pk).update(review_share=1.0)
    conditions.apply(batch)
    assert weighing.weigh(batch).to_people == len(TEXTS), "people are asked the first question alone"
    assert not Escalation.objects.filter(task__question=asked).exists() and stages(batch, asked) == ["waiting"] * 4


def test_a_condition_of_each_kind() -> None:
    steps = Space(("1", "2", "3"), (1.0, 2.0, 3.0))
    choice, scale, choices, spans = (registry.kind(name) for name in ("choice", "scale", "choices", "spans"))
    assert choice.meets(1, 1, steps) and not choice.meets(0, 1, steps)
    assert scale.meets(2.0, 1, steps) and not scale.meets(3.0, 1, steps)
    both = np.array([YES, NO, YES], dtype=np.int8)
    assert (
        choices.meets(both, [0, 2], steps) and choices.meets(both, [0], steps) and not choices.meets(both, [1], steps)
    )
    marked = Stretches(((0, 3, 1),))
    assert spans.meets(marked, [1], steps) and not spans.meets(marked, [1, 0], steps)
