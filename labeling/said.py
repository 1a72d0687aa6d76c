"""What a row says: the label or the marks of a vote, a belief, a decision, as an answer of its question's kind.

Whoever shows, compares, exports or weighs answers asks here and needs no kind's name. `Space` of a question costs a
query; take it once for many rows.
"""

from __future__ import annotations

from typing import Any, TypedDict

from labeling.models import Belief, Decision, Label, Question, Task, Vote
from labeling.models.question import space_of

Row = Vote | Belief | Decision


class Columns(TypedDict):
    """The two columns that hold an answer, one of them always empty."""

    label: Label | None
    marks: Any


def plain(row: Row, labels: list[Label]) -> Any:
    """What a row says in plain form: a label's place, or marks; None for an abstention. No query."""
    if row.label_id is None:
        return row.marks
    return next(place for place, label in enumerate(labels) if label.pk == row.label_id)


def gold(task: Task, labels: list[Label]) -> Any:
    """The known answer of a task in plain form; None where there is none. No query."""
    if task.gold_id is None:
        return task.gold_marks
    return next(place for place, label in enumerate(labels) if label.pk == task.gold_id)


def of(row: Row, question: Question, labels: list[Label] | None = None) -> Any:
    """The answer of a row, in the form of the question's kind; None for an abstention.

    `labels`: those of the question, where they are at hand.
    """
    labels = question.label_list() if labels is None else labels
    found = plain(row, labels)
    return None if found is None else question.answers.from_marks(found, space_of(labels))


def columns(question: Question, answer: Any, labels: list[Label] | None = None) -> Columns:
    """The columns that hold an answer of the question's kind; both are empty for None, an abstention."""
    labels = question.label_list() if labels is None else labels
    if answer is None:
        return Columns(label=None, marks=None)
    return of_plain(question, question.answers.to_marks(answer, space_of(labels)), labels)


def of_plain(question: Question, found: Any, labels: list[Label]) -> Columns:
    """The columns that hold an answer in plain form."""
    if found is not None and question.one_label:
        return Columns(label=labels[found], marks=None)
    return Columns(label=None, marks=found)


def same(row: Row, other: Row) -> bool:
    """Whether two rows about one question say the same; two abstentions do. No query."""
    return (row.label_id, row.marks) == (other.label_id, other.marks)


def words(row: Row, question: Question, labels: list[Label] | None = None) -> str:
    """What a row says, as people read it; empty for an abstention."""
    labels = question.label_list() if labels is None else labels
    answer = of(row, question, labels)
    return "" if answer is None else question.answers.words(answer, space_of(labels))


def differ(row: Row, other: Row, question: Question, labels: list[Label] | None = None) -> float:
    """How far two rows' answers are apart, from 0 for alike to 1; neither may be an abstention."""
    labels = question.label_list() if labels is None else labels
    space = space_of(labels)
    return question.answers.differ(of(row, question, labels), of(other, question, labels), space)
