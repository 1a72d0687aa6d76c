"""What a card asks: one question about one text, with the labels and the keys that choose them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from labeling.kinds import registry
from labeling.kinds.base import NoAnswer, Space, UnusableAnswer
from labeling.models import Label, Task
from labeling.models.question import space_of
from labeling.rounds.kind_answers import Said, Terms

KEYS = "1234567890adegijklmnopqrtvwxy"
"""Digits first, the tenth is 0; then the letters that no tool of the card has by habit."""


TEXT = ""
"""The name of the one text in a card's space."""


class Refused(ValueError):
    """What was sent is no answer to what was asked; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """One titled part of a text; `start` is the code point of the whole text at which it begins."""

    title: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Option:
    """A label and the key that chooses it, "" for none."""

    label: Label
    key: str


@dataclass(frozen=True)
class Asked:
    """A question about a text. `kind`: the name of its kind. `overlaps`: stretches may lie over each other."""

    kind: str
    wording: str
    labels: Sequence[Label]
    parts: Sequence[Part]
    space: Space
    overlaps: bool = False

    @cached_property
    def options(self) -> list[Option]:
        """The labels in order with their keys."""
        keys = KEYS.ljust(len(self.labels))
        return [Option(label, key.strip()) for label, key in zip(self.labels, keys, strict=False)]

    @cached_property
    def by_key(self) -> dict[int, Label]:
        """The labels by primary key."""
        return {label.pk: label for label in self.labels}

    @cached_property
    def by_name(self) -> dict[str, Label]:
        """The labels by name."""
        return {label.name: label for label in self.labels}

    def label(self, told: Any) -> Label:
        """The label that a form names by its key. Raises Refused for one of another question."""
        found = self.by_key.get(int(told)) if str(told).isdecimal() and len(str(told)) < 19 else None
        if found is None:
            raise Refused("One of the labels does not belong to this question; reload the page.")
        return found

    def named(self, told: Any) -> str | None:
        """The name of the label that a form names by its key; None where it names none of this question."""
        return next((label.name for label in self.labels if str(label.pk) == told), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as a vote holds it: a label, or `marks` where the kind has more than one."""

    label: Label | None = None
    marks: Any = None


def parts_of(told: Sequence[Sequence[str]]) -> list[Part]:
    """Titled texts with where each begins when all are joined by a line break."""
    parts, start = [], 0
    for title, text in told:
        parts.append(Part(title, text, start))
        start += len(text) + 1
    return parts


def asked_of(task: Task) -> Asked:
    """What is asked of a task; no query where the project's questions and their labels were read with it."""
    question = next(one for one in task.project.questions.all() if one.pk == task.question_id)
    labels = question.label_list()
    space = replace(space_of(labels), texts={TEXT: task.text})
    return Asked(question.kind, question.wording, labels, parts_of(task.parts), space, question.overlaps)


def terms_of(asked: Asked) -> Terms:
    """In which terms it is answered."""
    return Terms(registry.kind(asked.kind), asked.space)


def answer_of(raw: Any, asked: Asked) -> Answer:
    """A raw answer, read by its kind. Raises Refused, in one sentence, where it is none."""
    kind = registry.kind(asked.kind)
    try:
        marks = kind.to_marks(kind.read(raw, asked.space, TEXT), asked.space)
    except (NoAnswer, UnusableAnswer) as reason:
        raise Refused(f"This cannot be an answer: {reason}.") from reason
    return Answer(asked.labels[marks]) if kind.one_label else Answer(marks=marks)


def raw_of(said: Said | None, asked: Asked) -> Any:
    """A vote, a belief or a decision as the card shows it; None where it says nothing."""
    terms = terms_of(asked)
    answer = terms.answer(said) if said else None
    if answer is None:
        return None
    written = terms.kind.written(answer, asked.space)
    return list(filter(None, written)) if terms.kind.form == "cells" else written[0]
