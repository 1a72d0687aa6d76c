"""What a writer of a foreign format gets: instances with the answers that were settled about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: `kind` by its name, `labels` in their order, `number` from 1, `ends` of a scale."""

    number: int
    wording: str
    kind: str
    labels: tuple[str, ...]
    ends: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """A name of plain letters for columns and the like."""
        return "label" if self.number == 1 else f"label_{self.number}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture: its title, where it is kept, its ending, and how to read it."""

    title: str
    file: str
    read: Callable[[], bytes]

    @property
    def ending(self) -> str:
        return self.file.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Settled:
    """One instance. `text`: the one that offsets of stretches count in, code points.

    `answers`: for each question that was settled, the cells in which a file of ours holds the answer, as
    `labeling.kinds` writes them: a list of one label, of labels, of one number, or of one list of [start, end, type].
    """

    task: str
    text: str
    answers: tuple[tuple[Asked, Sequence[Any]], ...]
    images: tuple[Shown, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)


class Unsuited(ValueError):
    """A format has no form for what was asked; the message is one sentence that names those that have."""


class Told(Counter[str]):
    """How often a format could not hold something as it is, by the half of a sentence that says what was done."""

    def sentences(self) -> list[str]:
        """Each with its number, the most frequent first."""
        return [f"{what}: {times:,}." for what, times in self.most_common() if times]


def labels_of(cells: Sequence[Any]) -> list[str]:
    """The labels in the cells of an answer, none where the cell is empty."""
    return [str(cell) for cell in cells if cell != ""]


def spans_of(cells: Sequence[Any]) -> list[Span]:
    """The stretches in the one cell of an answer, in the order of the text."""
    return sorted((int(start), int(end), str(label)) for start, end, label in cells[0])


def only_question(asked: Sequence[Asked], kinds: Sequence[str], called: str) -> Asked:
    """The one question of a kind that the format has a form for. Raises Unsuited where there is none, or several."""
    fitting = [one for one in asked if one.kind in kinds]
    if not fitting:
        raise Unsuited(f"{called} has no form for these answers; choose csv, jsonl, label-studio or hf.")
    if len(fitting) > 1:
        raise Unsuited(
            f"{called} holds the answers to one question; say which with --question, 1 to {asked[-1].number}."
        )
    return fitting[0]
