"""From features to answers: the head of the brief's kind, where enough is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labeling.crowd.base import Brief, Question
from labeling.crowd.crossfit import Fit
from labeling.crowd.errors import NeedsExamples
from labeling.crowd.kinds.base import Head as Head
from labeling.crowd.kinds.registry import ways


def head(
    fit: Fit, view: Callable[[Sequence[Question]], Any], questions: Sequence[Question], brief: Brief, name: str
) -> Head:
    """The head for the brief's kind. Raises NeedsExamples where too little is known."""
    needs(brief, name)
    made = ways(brief.kind).head
    assert made is not None, "members are asked in kinds that they can answer alone"
    return made(fit, view(questions), brief, name)


def needs(brief: Brief, name: str) -> None:
    """Raises NeedsExamples where the known answers do not differ, or belong to one text."""
    texts = {example.question.content for example in brief.examples}
    answers = {brief.written(example) for example in brief.examples}
    if len(texts) < 2 or len(answers) < 2:
        raise NeedsExamples(
            f"{name} learns from tasks whose label is known and needs at least two of different labels, but there "
            f"are {len(brief.examples)} of {len(answers)}; give more known labels or leave {name} out of the crowd."
        )
