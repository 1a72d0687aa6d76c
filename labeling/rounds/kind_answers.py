"""What votes, beliefs and decisions of a task say, in the terms of its question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from labeling.models import Label, Task
from labeling.models.question import space_of

if TYPE_CHECKING:
    from labeling.kinds.base import Kind, Space  # with numpy, which tables and forms do without


class Said(Protocol):
    """A row that says an answer: a vote, a belief, a decision."""

    @property
    def label(self) -> Label | None: ...

    @property
    def marks(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """In which terms a task is answered: its kind, and what can be said, with its text."""

    kind: Kind
    space: Space

    @classmethod
    def of(cls, task: Task) -> Terms:
        """The terms of a task. One query for the labels where they are not at hand."""
        question = task.question
        return cls(question.answers, replace(space_of(question.label_list()), texts={"": task.text}))

    def answer(self, said: Said) -> Any:
        """The answer as the kind knows it; None for an abstention."""
        held = said.marks if said.label is None else said.label.position
        return None if held is None else self.kind.from_marks(held, self.space)

    def briefly(self, said: Said) -> str:
        """The answer in a few words, "" for an abstention."""
        answer = self.answer(said)
        return "" if answer is None else self.kind.briefly(answer, self.space)

    def apart(self, one: Said, other: Said) -> float:
        """How far two answers are apart, from 0 to 1."""
        return self.kind.differ(self.answer(one), self.answer(other), self.space)

    def contrast(self, one: Said, other: Said) -> str:
        """What two answers differ on."""
        return self.kind.contrast(self.answer(one), self.answer(other), self.space)
