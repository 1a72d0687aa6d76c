"""Questions of a project: what they keep, what the database refuses, and answers as a label or as marks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from labeling import said
from labeling.files import imports
from labeling.kinds.base import Space
from labeling.kinds.choices import NO, UNSAID, YES
from labeling.kinds.registry import NAMES, kind
from labeling.kinds.spans import Stretches
from labeling.managing.questions import TooLate
from labeling.models import Belief, Decision, Label, Project, Question, Skill, Task, Vote
from tests.questions import batch_of, question, say
from tests.reviewers.scenery import model, person

pytestmark = pytest.mark.django_db
LABELS = ("red", "green", "blue")


def test_a_project_is_made_with_its_first_question() -> None:
    made = Project.objects.create(name="Bare", slug="bare")
    (first,) = made.questions.all()
    assert made.first_question == first and (first.kind, first.position) == ("choice", 0) and first.wording
    made.name = "Renamed"
    made.save()
    assert made.questions.count() == 1


def test_labels_are_told_apart_within_their_question_alone(project: Project) -> None:
    more = question(project, "choices", [label.name for label in project.label_list()])
    assert [label.name for label in more.label_list()] == [label.name for label in project.label_list()]
    assert not set(more.label_list()) & set(project.label_list())
    with pytest.raises(IntegrityError), transaction.atomic():
        more.labels.create(position=9, name=more.label_list()[0].name)


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "essay", "position": 1},
        {"position": 0},
        {"position": 1, "wording": ""},
        {"position": 1, "asked_if": 2},
    ],
    ids=["a kind that is not known", "a place that is taken", "no wording", "a condition without a question"],
)
def test_the_database_refuses_a_question_with(project: Project, facts: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Question.objects.create(project=project, **facts)


def test_a_condition_keeps_the_question_and_the_answer_it_hangs_on(project: Project) -> None:
    colours = question(project, "choices", LABELS)
    found = question(project, "scale", ("1", "2"), asked_after=colours, asked_if=[0, 2])
    found.refresh_from_db()
    assert (found.asked_after, found.asked_if) == (colours, [0, 2]) and list(colours.follow_ups.all()) == [found]
    with pytest.raises(IntegrityError), transaction.atomic():
        Question.objects.filter(pk=found.pk).update(asked_if=None)


def test_once_a_batch_is_there_no_question_can_be_added_and_a_sentence_says_so(project: Project) -> None:
    batch_of(project, ["A text."])
    with pytest.raises(TooLate, match="ask it in a new project"):
        question(project, "choices", LABELS)


def test_an_import_makes_a_task_for_each_question_about_each_row(project: Project, tmp_path: Any) -> None:
    later = question(project, "spans", LABELS)
    path = tmp_path / "rows.csv"
    path.write_text("text,label\nA lamp is out.,Roads and lights\nWater in the yard.,Water and drains\n", "utf-8")
    batch = imports.open_batch(project, str(path), imports.Fields(text=("text",), gold="label"), validation=1)
    assert imports.take_in(batch) and batch.n_tasks == 4
    tasks = list(batch.tasks.order_by("position"))
    assert [(task.instance.position, task.question_id, task.gold_id is not None) for task in tasks] == [
        (place, asked.pk, asked != later) for place in (0, 1) for asked in (project.first_question, later)
    ]


def test_one_task_of_an_instance_for_a_question(project: Project) -> None:
    task = batch_of(project, ["A text."]).tasks.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.create(instance=task.instance, project=project, batch=task.batch, position=7)


def test_steps_stand_at_their_values_else_at_the_numbers_they_are_named_else_at_their_places() -> None:
    steps = [Label(name=name, position=place) for place, name in enumerate(("1", "2", "5"))]
    from labeling.models.question import space_of

    assert space_of(steps).values == (1.0, 2.0, 5.0)
    assert space_of([*steps, Label(name="many", position=3)]).values == (0.0, 1.0, 2.0, 3.0)
    steps[2].value = 4.5
    assert space_of(steps).values == (1.0, 2.0, 4.5)


def test_a_vote_says_a_label_or_marks_and_a_belief_or_decision_exactly_one_of_them(project: Project) -> None:
    task, label = batch_of(project, ["A text."]).tasks.get(), project.label_list()[0]
    both, neither = {"label": label, "marks": [1]}, {"label": None, "marks": None}
    sure = {"confidence": 1.0, "entropy": 0.0, "task": task}
    chances = {"probabilities": [1.0], "base": [1.0]}
    refused: list[Any] = [
        lambda: Vote.objects.create(task=task, annotator=model(project, "M"), **both),
        lambda: Belief.objects.create(**sure, **chances, **both),
        lambda: Belief.objects.create(**sure, **chances, **neither),
        lambda: Decision.objects.create(**sure, decided_by="crowd", **both),
        lambda: Decision.objects.create(**sure, decided_by="crowd", **neither),
        lambda: Task.objects.filter(pk=task.pk).update(gold=label, gold_marks=[1]),
    ]
    for write in refused:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
    Vote.objects.create(task=task, annotator=model(project, "N"), **neither)
    assert not Vote.objects.answering().exists(), "neither is an abstention"


ANSWERS: dict[str, list[tuple[Any, Any]]] = {
    "choice": [(2, 2)],
    "scale": [(5.0, 2), (1.0, 0)],
    "choices": [
        (np.array([YES, NO, YES], dtype=np.int8), [0, 2]),
        (np.array([NO, NO, NO], dtype=np.int8), []),
        (np.array([UNSAID, NO, YES], dtype=np.int8), {"asked": [1, 2], "yes": [2]}),
    ],
    "spans": [(Stretches(((4, 9, 1), (0, 3, 2))), [[0, 3, 2], [4, 9, 1]]), (Stretches(()), [])],
}


@pytest.mark.parametrize(("name", "answer", "marks"), [(k, *pair) for k in NAMES for pair in ANSWERS[k]])
def test_plain_forms_are_canonical_and_mean_the_same_answer(name: str, answer: Any, marks: Any) -> None:
    space, one = Space(LABELS, (1.0, 2.0, 5.0)), kind(name)
    assert one.to_marks(answer, space) == marks
    again = one.from_marks(marks, space)
    assert one.to_marks(again, space) == marks and one.differ(answer, again, space) == 0


def test_a_row_says_its_answer_in_words_whatever_its_kind(project: Project) -> None:
    asked = {
        "choices": question(project, "choices", LABELS),
        "scale": question(project, "scale", ("1", "3")),
        "spans": question(project, "spans", LABELS),
    }
    batch, ann, bob = batch_of(project, ["The red lamp."]), person(project, "ann"), person(project, "bob")
    answers = {
        "choices": np.array([YES, NO, YES], dtype=np.int8),
        "scale": 3.0,
        "spans": Stretches(((4, 7, 0),)),
    }
    told = {"choices": "red, blue", "scale": "3", "spans": "4 to 7 red"}
    for name, each in asked.items():
        task = batch.tasks.get(question=each)
        vote, other = (say(task, who, answers[name]) for who in (ann, bob))
        none = say(task, model(project, name), None)
        vote.refresh_from_db()
        assert said.words(vote, each) == told[name] and said.words(none, each) == ""
        assert said.same(vote, other) and not said.same(vote, none) and said.of(none, each) is None
        assert said.differ(vote, other, each) == 0
        assert (vote.label is None) == (name != "scale")


def test_what_was_learnt_of_an_annotator_is_kept_for_each_question(
    project: Project, django_assert_num_queries: Any
) -> None:
    more, ann = question(project, "choice", LABELS), person(project, "ann")
    model(project, "M")
    assert ann.on(more).skill is None and ann.on(more).pk is None, "an empty row that was never saved"
    for value in (0.5, 0.75):
        Skill.objects.keep([Skill(annotator=ann, question=more, skill={"accuracy": value})], "skill")
    Skill.objects.keep([Skill(annotator=ann, question=more, confusion=[[1.0]])], "confusion")
    assert (ann.on(more).skill, ann.on(more).confusion) == ({"accuracy": 0.75}, [[1.0]])
    assert ann.on(project.first_question).skill is None
    with django_assert_num_queries(2):
        assert [one.on(more).skill is None for one in project.annotators.with_skills()] == [False, True]
