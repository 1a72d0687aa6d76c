"""Models vote in the form of each question's kind, learn from known answers, and sit out where they cannot answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from labeling import known, said
from labeling.crowd.base import Answer
from labeling.crowd.errors import Misconfigured, Unable
from labeling.crowd.pictures import Picture
from labeling.kinds.spans import Stretches
from labeling.models import Annotator, Batch, Instance, Label, Project, Question, Task
from labeling.people import recruiting, voters
from labeling.rounds import decisions, story, teaching, voting
from labeling.rounds.decisions import Verdict
from labeling.truth.blocks import NO, YES
from tests.questions import batch_of, question, say
from tests.reviewers.scenery import person

pytestmark = pytest.mark.django_db
TEXTS = [f"{who} met Bob in {where} again" for who in ("Ann", "Eve") for where in ("Oslo", "Rome", "Kiel")]


def teach(batch: Batch, asked: Question, marks: list[Any]) -> None:
    """Known answers for the first tasks, in plain form."""
    for task, plain in zip(batch.tasks.filter(question=asked).order_by("position"), marks, strict=False):
        Task.objects.filter(pk=task.pk).update(gold_marks=plain, slice="validation")


def lesson_now(batch: Batch) -> None:
    """As `teaching` does it, by a clock with microseconds."""
    Batch.objects.filter(pk=batch.pk).update(taught_at=timezone.now())
    batch.refresh_from_db()


def vote_on(batch: Batch, *members: Annotator) -> None:
    """Every member answers its chunk."""
    story.hand_out(batch)
    for member in members:
        chunk = batch.chunks.get(annotator=member)
        assert chunk.lease(60) and voting.vote_on(chunk)
        chunk.refresh_from_db()
        member.refresh_from_db()
        assert chunk.done_at is not None and member.failures == 0


@pytest.mark.slow
def test_a_member_answers_where_it_can_and_sits_out_elsewhere_with_a_sentence_and_no_failure(project: Project) -> None:
    sets = question(project, "choices", ("woman", "north"), wording="What fits?")
    marks = question(project, "spans", ("place",), wording="Where?")
    batch = batch_of(project, TEXTS)
    teach(batch, sets, [[0], [0, 1], [1], []])
    teach(batch, marks, [[[15, 19, 0]], [[15, 19, 0]], [], [[15, 19, 0]]])
    words, places = recruiting.add_models(project, ["word_logistic", "span_gazetteer"])
    vote_on(batch, words, places)
    for member, asked in ((words, sets), (places, marks)):
        found = list(member.votes.select_related("task"))
        assert {one.task.question_id for one in found} == {asked.pk} and len(found) == 6
        assert all(one.label is None and said.of(one, asked) is not None for one in found)
    assert {len(one.probabilities or ()) for one in words.votes.all()} == {2}, "the chance of yes to each label"
    assert "Sits out at “Where?”: word_logistic cannot answer in spans" in words.error
    assert "Sits out at “What fits?”: span_gazetteer cannot answer in choices" in places.error


def test_nobody_joins_a_project_none_of_whose_questions_it_can_answer(project: Project) -> None:
    with pytest.raises(Unable, match=r"span logistic cannot answer in choice: in choice any specialist, .* can\."):
        recruiting.add_models(project, ["span_logistic"])
    question(project, "spans", ("place",))
    [member] = recruiting.add_models(project, ["span_logistic"])
    assert [one.kind for one in recruiting.questions_of(member)] == ["spans"]


def test_the_crowd_that_needs_no_download_follows_the_kinds_and_the_pictures() -> None:
    both = recruiting.embedded_crowd(1, kinds=["choices", "spans"])
    assert {"word_logistic", "span_logistic"} < set(both) and len(both) == len(set(both))
    assert recruiting.embedded_crowd(0, 1, ["spans", "choice"]) == recruiting.embedded_crowd(0, 1)
    with pytest.raises(Misconfigured, match="add a chat model"):
        recruiting.embedded_crowd(0, 1, ["spans"])


def test_a_brief_has_the_kind_the_labels_the_known_answers_and_the_pictures(project: Project) -> None:
    marks = question(project, "spans", ("place", "person"), wording="Where and who?", guidelines="Mark names.")
    batch = batch_of(project, TEXTS)
    shown = {"title": "Photo", "file": "pictures/ab/c.png", "width": 4, "height": 3, "alt": "a street"}
    Instance.objects.filter(batch=batch, position=1).update(images=[shown])
    teach(batch, marks, [[[15, 19, 0]]])
    brief = voters.brief_for(batch, voters.brief_version(batch, marks), False, marks)
    assert (brief.kind, brief.wording, brief.instructions) == ("spans", "Where and who?", "Mark names.")
    assert brief.space.labels == ("place", "person")
    (example,) = brief.examples
    assert example.said == Stretches(((15, 19, 0),)) and example.said.length == len(TEXTS[0]) and example.label == -1
    (picture,) = brief.texts[1].images
    assert isinstance(picture, Picture) and (picture.title, picture.alt, picture.width) == ("Photo", "a street", 4)
    assert not brief.texts[0].images


def test_steps_with_values_of_their_own_stand_there_for_voters_as_for_everybody(project: Project) -> None:
    asked = question(project, "scale", ("low", "high"))
    Label.objects.filter(question=asked, name="high").update(value=10.0)
    batch, [member] = batch_of(project, TEXTS), recruiting.add_models(project, ["word_logistic"])
    brief = voters.brief_for(batch, voters.brief_version(batch, asked), False, asked)
    assert brief.space.values == (0.0, 10.0) and "10.0" in repr(brief.values)
    told = Answer(None, probabilities=(0.2, 0.8), said=10.0)
    task = batch.tasks.filter(question=asked)[0]
    vote = voters.vote(task, member, told, asked, asked.label_list())
    assert vote.label is not None and vote.label.name == "high" and vote.marks is None
    nothing = voters.vote(task, member, Answer(None, raw="?"), asked, asked.label_list())
    assert nothing.label is None and nothing.marks is None


def test_an_empty_set_is_an_answer_and_an_abstention_is_none(project: Project) -> None:
    asked = question(project, "choices", ("calm", "angry"))
    batch, [member] = batch_of(project, TEXTS[:1]), recruiting.add_models(project, ["word_logistic"])
    task, labels = batch.tasks.get(question=asked), asked.label_list()
    empty = voters.vote(task, member, Answer(None, said=np.array([NO, NO], dtype=np.int8)), asked, labels)
    assert empty.marks == [] and voters.vote(task, member, Answer(None), asked, labels).marks is None
    assert voters.vote(task, member, Answer(None, said=np.array([NO, YES], dtype=np.int8)), asked, labels).marks == [1]


def test_what_people_settled_teaches_in_every_kind_from_the_moment_of_the_lesson_on(project: Project) -> None:
    asked = question(project, "choices", ("calm", "angry"))
    batch = batch_of(project, TEXTS)
    tasks = list(batch.tasks.filter(question=asked).order_by("position"))
    teach(batch, asked, [[0]])
    teaching.begin(batch)
    decisions.decide(Verdict(tasks[1].pk, None, "person", 0.9, 0.1, marks=[1]))
    assert known.taught(asked, batch.taught_at) == {tasks[0].pk: [0]} == known.taught(asked, None)
    assert known.answers(asked) == {tasks[0].pk: [0], tasks[1].pk: [1]}
    lesson_now(batch)
    assert known.taught(asked, batch.taught_at) == {tasks[0].pk: [0], tasks[1].pk: [1]}


def test_a_batch_is_taught_again_once_enough_answers_of_another_kind_are_known(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = question(project, "choices", ("calm", "angry"))
    batch, _ = batch_of(project, TEXTS), recruiting.add_models(project, ["word_logistic"])
    monkeypatch.setattr(teaching, "FEWEST", 3)
    teaching.begin(batch)
    assert teaching.awaited(batch, asked) and not teaching.is_due(batch)
    ann = person(project, "ann")
    for place, task in enumerate(batch.tasks.filter(question=asked).order_by("position")[:3]):
        say(task, ann, np.array([1 - place % 2, place % 2], dtype=np.int8))
        decisions.decide(Verdict(task.pk, None, "person", 0.9, 0.1, marks=[place % 2]))
    assert teaching.is_due(batch)
    teaching.again(batch)
    lesson_now(batch)
    vote_on(batch, *project.annotators.crowd())
    assert not teaching.awaited(batch, asked) and teaching.awaited(batch), "of the first question nothing is known"
    assert not teaching.is_due(batch)


def test_a_tagger_learns_so_that_a_batch_of_stretches_waits_for_its_lesson(project: Project) -> None:
    asked = question(project, "spans", ("place",))
    batch = batch_of(project, TEXTS)
    [member] = recruiting.add_models(project, ["span_gazetteer"])
    assert recruiting.learns(member.spec) and teaching.awaited(batch, asked) and not teaching.awaited(batch)
