"""Settled answers beside the checked ones, in the form of their kind: part by part, and as many numbers as it tells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labeling.checks.results import Checked, Numbers
from labeling.kinds.base import Answers, Space, taken
from labeling.models import Task
from labeling.models.question import space_of
from labeling.truth.votes import Bools, Ints


@dataclass(frozen=True, slots=True)
class Compared:
    """The checked tasks: what was answered and what is right, in the kind's form, (n,) each, and `weight`, (n,)."""

    given: Answers
    right: Answers
    weight: NDArray[np.float64]
    space: Space


def part_answers(found: Checked) -> tuple[tuple[str, ...], Bools, Bools]:
    """The traits of all settled answers by name, with a yes or no in each, (N, P), and what is true, (N, P).

    Where nothing was checked, `true` says nothing.
    """
    names, of = parts_of(found.numbers)
    return names, of[found.label], of[np.maximum(found.truth, 0)]


def parts_of(numbers: Numbers) -> tuple[tuple[str, ...], Bools]:
    """The traits by name, and which of them each answer has, by its number, (A, P)."""
    kind, space = numbers.question.answers, space_of(numbers.labels)
    if not numbers.labels:
        return (), np.zeros((1, 0), dtype=np.bool_)
    each = kind.pack([kind.from_marks(plain, space) for plain in numbers.answers], space)
    return kind.traits(each, space)


def compared(found: Checked, most: int) -> Compared:
    """The checked tasks side by side; of more than `most` an even part."""
    at = np.flatnonzero(found.checks)
    at = at[:: -(-len(at) // most) or 1]
    space = space_of(found.labels)
    if found.question.answers.in_text:
        space = replace(space, texts=_texts(found.task[at]))
    return Compared(
        _answers(found, found.label, at, space), _answers(found, found.truth, at, space), found.weight[at], space
    )


def _texts(tasks: NDArray[np.int64]) -> dict[str, str]:
    """The texts of some tasks by their keys."""
    return {str(task.pk): task.text for task in Task.objects.filter(pk__in=tasks.tolist())}


def _answers(found: Checked, numbers: Ints, at: NDArray[np.intp], space: Space) -> Answers:
    kind = found.question.answers
    rows = zip(found.task[at].tolist(), numbers[at].tolist(), strict=True)
    return kind.pack([kind.from_marks(found.answers[number], space, str(task)) for task, number in rows], space)


def resampled(side: Compared, at: NDArray[np.intp]) -> tuple[Answers, Answers]:
    """Both sides of some of the tasks."""
    return taken(side.given, at), taken(side.right, at)
