"""What a kind of answer can do: everything else asks the kind, and knows none of them by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labeling.kinds.cells import Meaning, Rules
from labeling.truth.votes import Bools, Floats, Ints, Votes

Answers: TypeAlias = "NDArray[Any] | list[Any]"
"""Many answers of one kind: rows of an array where the kind has such a form, else a list."""
Form = Literal["cell", "cells", "line"]
"""How answers stand in a file: one row each, one row for each of its parts, or one JSON line each."""


class NoAnswer(ValueError):
    """What was given is no answer: an abstention, which says nothing."""


class UnusableAnswer(ValueError):
    """What was given cannot be an answer to this question; the message says why, in half a sentence."""


@dataclass(frozen=True, slots=True)
class Space:
    """What can be answered: the `labels` in order, and the `texts` by task that stretches lie in.

    `values`: (n_labels,) where the labels stand, for kinds whose labels are steps.
    """

    labels: tuple[str, ...]
    values: tuple[float, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Who answered what: entry e says annotator `annotator[e]` gave `answers[e]` to task `task[e]`, once a pair.

    `task`, `annotator`: (E,) indexes into `tasks` and `annotators`, the names. Whoever chose nothing has an entry, an
    empty answer; whoever did not answer has none.
    """

    space: Space
    tasks: Sequence[str]
    annotators: Sequence[str]
    task: Ints
    annotator: Ints
    answers: Answers

    def only(self, keep: Bools) -> AnswerTable:
        """Some entries, (E,), with all tasks and annotators."""
        at = np.flatnonzero(keep)
        return replace(self, task=self.task[at], annotator=self.annotator[at], answers=taken(self.answers, at))


@dataclass(frozen=True, slots=True)
class Known:
    """Known answers: `answers[m]` is right for task `task[m]`, (M,), an index of the table's tasks."""

    task: Ints
    answers: Answers

    def some(self, at: NDArray[Any]) -> Known:
        """Some of them, by index."""
        return Known(self.task[at], taken(self.answers, at))


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a method believes, as answers of the kind, one for each task.

    `confidence`: (n_tasks,) chance that the whole answer is right, nan where none can be told. `ties`: (n_tasks,) where
    another answer is believed as much. `belief`: the kind's own form. `details`: "chosen", and what else is told.
    """

    answers: Answers
    confidence: Floats
    ties: Bools
    belief: Any = None
    iterations: int = 1
    converged: bool = True
    details: dict[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """A kind of answer.

    `called`: what an answer is, in words. `form` and `field`: how a file holds its answers. `methods`: names for
    `infer`, the default first. `metrics`: what `score` returns, the one that baselines and curves show first. `parts`:
    a paid annotator may be asked about one variable of a task alone. `one_label`: tables hold an answer as one label;
    otherwise as marks. `in_text`: answers lie in the text, which inference then looks at. `fewest_labels`: so many
    there must be for a question to be one.
    """

    name: str
    called: str
    form: Form
    field: str
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    parts: bool
    one_label: bool
    in_text: bool
    fewest_labels: int

    def named(self, raw: Any) -> Sequence[str]:
        """The labels that a raw answer names, as they are written; none where it is no answer of this kind."""

    def respelled(self, raw: Any, names: Mapping[str, str]) -> Any:
        """The raw answer with its labels spelled as `names` says."""

    def meaning(self, occurring: Mapping[str, int], rules: Rules) -> Meaning:
        """Which spellings are one label; `occurring`: how often each named label occurs as it is written."""

    def space(self, meaning: Meaning, rules: Rules, texts: Mapping[str, str]) -> Space:
        """What can be answered: the label set of `rules`, else the labels that occur.

        Raises UnusableAnswer where that is no set of labels for this kind.
        """

    def read(self, raw: Any, space: Space, task: str = "") -> Any:
        """A raw answer (a cell, a list of cells, a JSON value) as an answer. Raises NoAnswer or UnusableAnswer.

        Labels in it are spelled as in `space`; a part of a list that is unusable makes the whole unusable.
        """

    def written(self, answer: Any, space: Space) -> list[Any]:
        """The cells (a JSON value for `line`) in which a file holds the answer: one for each of its rows."""

    def words(self, answer: Any, space: Space) -> str:
        """The answer as people read it."""

    def briefly(self, answer: Any, space: Space) -> str:
        """The answer in a few words, as on a button that undoes it."""

    def contrast(self, one: Any, other: Any, space: Space, task: str = "") -> str:
        """What two answers that are not alike differ on, in a few words."""

    def label_set(self, names: Sequence[str]) -> list[str]:
        """The labels that a question keeps, in their order, where these were named."""

    def overlapping(self, answer: Any) -> bool:
        """Whether parts of the answer lie over one another, which a question may forbid."""

    def differ(self, one: Any, other: Any, space: Space) -> float:
        """How far two answers are apart, from 0 for alike to 1."""

    def meets(self, answer: Any, condition: Any, space: Space) -> bool:
        """Whether an answer is what another question is asked after.

        `condition`: the position of the label; where the kind has not one label a list of positions, all of which the
        answer must have.
        """

    def to_marks(self, answer: Any, space: Space) -> Any:
        """The answer as a table holds it: a JSON value with labels by position, equal for equal answers.

        Where the kind has `one_label`, the position of that label.
        """

    def from_marks(self, marks: Any, space: Space, task: str = "") -> Any:
        """The answer that a table holds so."""

    def pack(self, answers: Sequence[Any], space: Space) -> Answers:
        """Answers as `read` returns them in the form of a table."""

    def infer(self, table: AnswerTable, method: str, known: Known | None, seed: int) -> Opinion:
        """What is right, by one of `methods`; `known` may be learned from."""

    def chances(self, opinion: Opinion, space: Space) -> list[list[float]]:
        """What is believed of each task, as a table holds it: `one_label`: of each label in order, sum 1.

        Otherwise of each part of the answer that could be wrong, in the order of the labels or of the marks.
        """

    def doubt(self, opinion: Opinion) -> Floats:
        """How uncertain each task is, in bits, (n_tasks,)."""

    def baselines(self, table: AnswerTable) -> dict[str, Answers]:
        """Plain answers to compare with, by name; one for each task."""

    def score(self, answers: Answers, gold: Answers, space: Space) -> dict[str, Any]:
        """Every one of `metrics` of equally many answers and right ones, and `accuracy`: the share wholly right.

        Where the first metric is no share of which more is better, `merit` is one.
        """

    def variables(self, table: AnswerTable) -> Votes:
        """The categorical unknowns inside the tasks and the votes on them, for screens of annotators."""

    def agreement(self, table: AnswerTable, seed: int) -> dict[str, Any]:
        """How far annotators agree beyond chance, with intervals: the kind's coefficients as plain values."""

    def traits(self, answers: Answers, space: Space) -> tuple[tuple[str, ...], Bools]:
        """What is said of answers with yes or no, by name, (n, P): which labels, which step, which types occur.

        Groups of tasks are compared by it.
        """

    def gains(self, opinion: Opinion, table: AnswerTable, annotator: int, known: Known) -> Floats:
        """How much an answer of `annotator` is worth on each task, (n_tasks,), or each variable, (n_tasks, parts).

        The skill is taken from its answers to known tasks. The unit is the kind's loss.
        """

    def part(self, answers: Answers, asked: Bools) -> Answers:
        """The answers with nothing said beside what was `asked`, (E, parts); only where the kind has `parts`."""

    def schema(self, space: Space) -> dict[str, Any]:
        """The JSON schema of a model's reply."""

    def from_reply(self, reply: Any, space: Space, task: str = "") -> Any:
        """The answer in a reply that fits `schema`. Raises NoAnswer or UnusableAnswer."""

    def as_reply(self, answer: Any, space: Space, task: str = "") -> Any:
        """The reply that `from_reply` reads as this answer."""

    def unread(self, reply: Any, space: Space, task: str = "") -> str:
        """What of a reply `from_reply` leaves out, as a sentence; empty where it reads all of it."""


def taken(answers: Answers, at: NDArray[Any]) -> Answers:
    """Some of many answers, by index."""
    return [answers[i] for i in at.tolist()] if isinstance(answers, list) else answers[at]


def joined(one: Answers, other: Answers) -> Answers:
    """Answers one after the other."""
    return [*one, *other] if isinstance(one, list) else np.concatenate([one, np.asarray(other)])
