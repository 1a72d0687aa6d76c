"""Rounds of several questions: votes for one label as before, answers of other kinds by their own inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labeling import arrays, said
from labeling.kinds.choices import NO, YES
from labeling.kinds.spans import Stretches
from labeling.models import Belief, Decision, Project, Question, Task
from labeling.rounds import kind_weighing, story, voting, weighing
from tests.questions import batch_of, question, say
from tests.reviewers.scenery import model, person

pytestmark = pytest.mark.django_db
TEXTS = [f"Ann met Bob in Oslo on day {n}." for n in range(6)]


def beliefs(asked: Question) -> list[Belief]:
    return list(Belief.objects.filter(task__question=asked).order_by("task__position"))


def test_two_questions_are_weighed_apart_each_with_its_rounds_its_labels_and_skills(project: Project) -> None:
    other = question(project, "choice", ("calm", "angry"))
    batch = batch_of(project, TEXTS)
    crowd = [model(project, name) for name in ("M1", "M2", "M3")]
    for n, task in enumerate(batch.tasks.order_by("position")):
        for place, voter in enumerate(crowd):
            wrong = task.question == other and place == 0
            say(task, voter, (n // 2 + wrong) % 2)
    turn = weighing.weigh(batch)
    assert [one.question for one in turn.rounds] == [project.first_question, other]
    assert [one.number for one in turn.rounds] == [1, 1]
    for asked, size in ((project.first_question, 3), (other, 2)):
        found = beliefs(asked)
        assert [said.of(one, asked) for one in found] == [0, 1] * 3
        assert {len(one.probabilities) for one in found} == {size} and {one.round.question for one in found} == {asked}
        assert len(crowd[0].on(asked).confusion) == size
    right = [np.diag(np.array(crowd[0].on(asked).confusion)).mean() for asked in (project.first_question, other)]
    assert right[0] > right[1], "who errs at one question only is thought less of there"
    ballot = arrays.load(batch, other)
    assert (ballot.n_own, len(ballot.labels), ballot.votes.n_labels) == (6, 2, 2)
    assert arrays.load(batch).question == project.first_question
    assert [one.number for one in weighing.weigh(batch).rounds] == [2, 2]
    assert turn.to_people == sum(one.to_people for one in turn.rounds)


def three(project: Project) -> list[Any]:
    return [person(project, "ann"), person(project, "bob"), model(project, "M")]


def test_sets_of_labels_are_weighed_from_stored_votes(project: Project) -> None:
    asked = question(project, "choices", ("person", "place", "date"))
    batch, voters = batch_of(project, TEXTS), three(project)
    truth = [np.array([YES, n % 2, YES], dtype=np.int8) for n in range(6)]
    for n, task in enumerate(batch.tasks.filter(question=asked).order_by("position")):
        say(task, voters[0], truth[n]), say(task, voters[1], truth[n])
        say(task, voters[2], np.array([YES, NO, NO], dtype=np.int8))
    turn = weighing.weigh(batch).rounds[-1]
    assert turn.question == asked and turn.finished_at
    found = beliefs(asked)
    assert [one.marks for one in found] == [[0, 2] if n % 2 == 0 else [0, 1, 2] for n in range(6)]
    assert {len(one.probabilities) for one in found} == {3} and {one.n_votes for one in found} == {3}
    assert all(one.label is None and one.entropy > 0 and 0 < one.confidence <= 1 for one in found)
    assert found[0].probabilities[0] > 0.5 > found[0].probabilities[1], "the chance of yes to each"


def test_answers_are_read_in_the_same_order_whoever_wrote_first(project: Project) -> None:
    asked = question(project, "choices", ("person", "place"))
    batch, voters = batch_of(project, TEXTS), three(project)
    tasks = list(batch.tasks.filter(question=asked).order_by("position"))
    for task in reversed(tasks):
        for voter in reversed(voters):
            say(task, voter, np.array([YES, NO], dtype=np.int8))
    read = kind_weighing.answers(asked, asked.label_list(), [task.pk for task in tasks])
    pairs = list(zip(read.task.tolist(), read.annotator.tolist(), strict=True))
    assert pairs == [(task, voter) for task in range(len(tasks)) for voter in range(3)], (
        "sums are equal to the last bit"
    )


def test_a_scale_is_weighed_to_its_median_step_and_kept_as_a_label(project: Project) -> None:
    asked = question(project, "scale", ("1", "2", "3", "4", "5"))
    batch, voters = batch_of(project, TEXTS), three(project)
    for n, task in enumerate(batch.tasks.filter(question=asked).order_by("position")):
        say(task, voters[0], 1.0 + n % 4), say(task, voters[1], 1.0 + n % 4), say(task, voters[2], 2.0 + n % 4)
    weighing.weigh(batch)
    found = beliefs(asked)
    assert [said.words(one, asked) for one in found] == [str(1 + n % 4) for n in range(6)]
    assert all(one.marks is None and len(one.probabilities) == 5 for one in found)
    assert all(sum(one.probabilities) == pytest.approx(1, abs=1e-6) for one in found)
    assert all(one.confidence == pytest.approx(one.probabilities[one.label.position]) for one in found if one.label)


def test_stretches_are_weighed_with_a_chance_for_each_that_is_marked(project: Project) -> None:
    asked = question(project, "spans", ("person", "place"))
    batch, voters = batch_of(project, TEXTS), three(project)
    both = ((0, 3, 0), (8, 11, 0), (15, 19, 1))
    for task in batch.tasks.filter(question=asked).order_by("position"):
        (
            say(task, voters[0], Stretches(both)),
            say(task, voters[1], Stretches(both)),
            say(task, voters[2], Stretches(())),
        )
    weighing.weigh(batch)
    found = beliefs(asked)
    assert [one.marks for one in found] == [[list(span) for span in both]] * 6
    assert all(len(one.probabilities) == 3 and min(one.probabilities) > 0.5 and one.entropy > 0 for one in found)
    assert said.words(found[0], asked) == "0 to 3 person, 8 to 11 person, 15 to 19 place"


def test_known_marks_teach_settle_their_task_and_stay_right_against_the_votes(project: Project) -> None:
    asked = question(project, "choices", ("person", "place", "date"))
    batch, voters = batch_of(project, TEXTS), three(project)
    tasks = list(batch.tasks.filter(question=asked).order_by("position"))
    Task.objects.filter(pk=tasks[0].pk).update(gold_marks=[1], slice="validation")
    for task in tasks:
        for voter in voters:
            say(task, voter, np.array([YES, NO, NO], dtype=np.int8))
    turn = weighing.weigh(batch).rounds[-1]
    assert turn.parameters["known"] == 1
    settled = Decision.objects.get(task=tasks[0])
    assert (settled.marks, settled.label, settled.decided_by) == ([1], None, "file")
    assert [one.marks for one in beliefs(asked)][:2] == [[1], [0]]


def test_a_correction_replaces_an_answer_and_whoever_abstains_has_none(project: Project) -> None:
    asked = question(project, "choices", ("person", "place"))
    batch, ann = batch_of(project, TEXTS[:1]), person(project, "ann")
    task = batch.tasks.get(question=asked)
    first = say(task, ann, np.array([YES, NO], dtype=np.int8))
    task.votes.create(annotator=ann, marks=[1], corrects=first)
    say(task, model(project, "M"), None)
    weighing.weigh(batch)
    (found,) = beliefs(asked)
    assert (found.marks, found.n_votes) == ([1], 1)


def test_a_question_that_nobody_answered_gets_a_round_that_says_so_and_no_belief(project: Project) -> None:
    asked = question(project, "spans", ("person",))
    turn = weighing.weigh(batch_of(project, TEXTS[:2])).rounds[-1]
    assert turn.question == asked and turn.outcome == "0 tasks settled, 2 sent to people."
    assert not beliefs(asked)


def test_a_model_answers_one_question_of_its_chunk_after_the_other(project: Project) -> None:
    question(project, "choice", ("calm", "angry"))
    known = batch_of(project, [f"{word} number {n}" for n in range(4) for word in ("lamp", "drain")])
    for place, task in enumerate(known.tasks.order_by("position")):
        gold = task.question.label_list()[place // 2 % 2]
        Task.objects.filter(pk=task.pk).update(gold=gold, slice="validation")
    batch = batch_of(project, TEXTS)
    learner = project.annotators.create(kind="model", name="words", spec="word_logistic")
    story.hand_out(batch)
    chunk = batch.chunks.get(annotator=learner)
    assert (chunk.first, chunk.last) == (0, 11) and chunk.lease(60) and voting.vote_on(chunk)
    chunk.refresh_from_db()
    assert chunk.done_at is not None
    votes = list(learner.votes.filter(task__batch=batch).select_related("task", "label"))
    assert len(votes) == 12 and all(one.label.question_id == one.task.question_id for one in votes if one.label)


def test_what_people_settled_keeps_what_the_models_had_believed(project: Project) -> None:
    asked = question(project, "choices", ("person", "place"))
    batch, voters = batch_of(project, TEXTS[:2]), [model(project, name) for name in ("M1", "M2", "M3")]
    for task in batch.tasks.filter(question=asked):
        for voter in voters:
            say(task, voter, np.array([YES, NO], dtype=np.int8))
    weighing.weigh(batch)
    before = beliefs(asked)
    first = batch.tasks.filter(question=asked).order_by("position")[0]
    vote = say(first, person(project, "ann"), np.array([NO, YES], dtype=np.int8))
    Decision.objects.create(
        task=first, marks=[1], decided_by="person", annotator=vote.annotator, confidence=1, entropy=0
    )
    Task.objects.filter(pk=first.pk).update(stage="decided")
    weighing.weigh(batch)
    after = beliefs(asked)
    assert (
        (after[0].marks, after[0].confidence) == (before[0].marks, before[0].confidence) == ([0], before[0].confidence)
    )


def test_a_vote_that_came_while_the_others_were_weighed_waits_for_the_next_round(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = question(project, "choices", ("person", "place"))
    batch = batch_of(project, TEXTS[:2])
    tasks = list(batch.tasks.filter(question=asked).order_by("position"))
    early, late = model(project, "M1"), model(project, "M2")
    for task in tasks:
        say(task, early, np.array([YES, NO], dtype=np.int8))
    save = kind_weighing.save

    def with_a_late_vote(*given: Any) -> None:
        say(tasks[0], late, np.array([NO, YES], dtype=np.int8))
        save(*given)

    monkeypatch.setattr(kind_weighing, "save", with_a_late_vote)
    weighing.weigh(batch)
    assert [one.task for one in beliefs(asked)] == tasks[1:]
    monkeypatch.setattr(kind_weighing, "save", save)
    weighing.weigh(batch)
    assert [one.n_votes for one in beliefs(asked)] == [2, 1]


def test_beliefs_that_stay_as_they_are_are_not_written_again(project: Project) -> None:
    asked = question(project, "spans", ("person",))
    batch, voter = batch_of(project, TEXTS[:3]), model(project, "M")
    for task in batch.tasks.filter(question=asked):
        say(task, voter, Stretches(((0, 3, 0),)))
    weighing.weigh(batch)
    before = [one.round_id for one in beliefs(asked)]
    weighing.weigh(batch)
    assert [one.round_id for one in beliefs(asked)] == before
