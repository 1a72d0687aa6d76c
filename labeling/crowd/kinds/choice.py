"""One label: the likeliest one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labeling.crowd import answers
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.crossfit import CrossFitted, Floats, rounded_chances
from labeling.crowd.kinds.base import Findings, Read, Ways, Wording

WORDS = Wording(
    "You label texts.",
    "Choose the one label that fits best:",
    '{"label": "<one of the labels>"}.',
    "Reply with the label alone.",
    'Your last reply named none of the labels. Reply with nothing but {"label": "..."}, naming one of them.',
)


def _one_label(content: str, brief: Brief, shown: Question) -> Read:
    label = answers.parse_label(content, brief.labels)
    return Read(label, label)


class ChoiceHead(CrossFitted):
    """One label: the most likely one."""

    def answers(self, questions: Sequence[Question], features: Any, digits: int) -> list[Answer]:
        rows = np.round(self.probabilities(questions, features), digits)
        return [choice_answer(row) for row in rows / rows.sum(axis=1, keepdims=True)]


def choice_answer(row: Floats) -> Answer:
    """The most likely label, (K,)."""
    return Answer(int(row.argmax()), tuple(row.tolist()))


class _Labels:
    whole = False

    def __init__(self, brief: Brief) -> None:
        self.continuations = brief.labels.names

    def answer(self, scores: Floats, digits: int) -> Answer:
        return choice_answer(rounded_chances(scores, digits))


def _of_classes(row: Floats, brief: Brief, threshold: float) -> Answer:
    total = row.sum()
    return choice_answer(row / total) if total > 0 else Answer(None)


def _most_findings(text: str, found: Findings, _count: int) -> Answer:
    """The label with the most different findings; none where several have as many."""
    different = {place: len({text[a:b].casefold() for a, b in spans}) for place, spans in found.items()}
    most = [place for place, count in different.items() if count == max(different.values())]
    return Answer(most[0] if len(most) == 1 else None)


WAYS = Ways(
    "choice",
    "any specialist, causal:, embedding:, pipeline: and chat:",
    wording=lambda space: WORDS,
    read=_one_label,
    head=ChoiceHead,
    scored=_Labels,
    by_likeness=choice_answer,
    by_classes=_of_classes,
    by_findings=_most_findings,
    form="one label",
)
