"""What a causal model scores for each kind of answer, and how the scores become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from labeling.crowd.base import Answer, Brief
from labeling.crowd.crossfit import Floats, log_softmax
from labeling.crowd.heads import choice_answer, choices_answer
from labeling.crowd.steps import Steps, has_steps


class Scored(Protocol):
    """`continuations`: what the prompt may go on with. `whole`: their log-probabilities are compared in all, not on
    average of their tokens."""

    continuations: tuple[str, ...]
    whole: bool

    def answer(self, scores: Floats, digits: int) -> Answer:
        """The answer by the scores of the continuations; chances are rounded."""


def scored(brief: Brief) -> Scored:
    """What is scored for the brief's kind."""
    return _SCORED[brief.kind](brief)


class _Labels:
    whole = False

    def __init__(self, brief: Brief) -> None:
        self.continuations = brief.labels.names

    def answer(self, scores: Floats, digits: int) -> Answer:
        return choice_answer(_chances(scores, digits))


class _YesOrNo:
    """Both lines of a label end alike but for one word, so their whole log-probabilities are compared."""

    whole = True

    def __init__(self, brief: Brief) -> None:
        self.continuations = tuple(f"{name}: {word}" for name in brief.labels.names for word in ("yes", "no"))

    def answer(self, scores: Floats, digits: int) -> Answer:
        lead = np.clip(scores[0::2] - scores[1::2], -30, 30)
        return choices_answer(np.round(1 / (1 + np.exp(-lead)), digits))


class _Steps:
    whole = False

    def __init__(self, brief: Brief) -> None:
        self._steps, space = Steps.plain(brief.space), brief.space
        numbers = tuple(f"{value:g}" for value in self._steps.values)
        self.continuations = space.labels if has_steps(space) else numbers

    def answer(self, scores: Floats, digits: int) -> Answer:
        return self._steps.answer(_chances(scores, digits))


def _chances(scores: Floats, digits: int) -> Floats:
    row = np.round(np.exp(log_softmax(scores[None])[0]), digits)
    chances: Floats = row / row.sum()
    return chances


_SCORED: dict[str, Callable[[Brief], Scored]] = {"choice": _Labels, "choices": _YesOrNo, "scale": _Steps}
