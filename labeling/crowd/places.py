"""Answers with places in a text, between the text as it is and the text as it leaves this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from labeling.crowd import tracing
from labeling.crowd.base import Brief, Example, Question
from labeling.crowd.prompts import cleaning, shown_text
from labeling.crowd.redaction import Outgoing
from labeling.kinds.stretches import Stretches

Move = Callable[[int, int, Sequence[tracing.Pass]], tuple[int, int]]


def original(said: Any, brief: Brief, question: Question, sent: Outgoing) -> Any:
    """An answer about the text as it was shown as one about the question's own text.

    A placeholder stands for all that it hides.
    """
    return _MOVERS[brief.kind](said, question, sent, False)


def as_sent(example: Example, brief: Brief, sent: Outgoing) -> Example:
    """A known answer with its question as they are shown."""
    return replace(
        example, question=sent.question, said=_MOVERS[brief.kind](example.said, example.question, sent, True)
    )


def _unmoved(said: Any, question: Question, sent: Outgoing, outwards: bool) -> Any:
    return said


def _moved(said: Any, question: Question, sent: Outgoing, outwards: bool) -> Any:
    if said is None:
        return None
    shown = [shown_text(replace(sent.question, parts=(part,))) for part in sent.question.parts]
    passes = [[*changed, *cleaning(text)] for changed, (_, text) in zip(sent.passes, sent.question.parts, strict=True)]
    inside, outside = _begins([text for _, text in question.parts]), _begins(shown)
    here, there = (inside, outside) if outwards else (outside, inside)
    move: Move = tracing.forth if outwards else tracing.back
    spans = []
    for start, end, label in said.spans:
        part = max(n for n, begin in enumerate(here) if begin <= start)
        begins, ends = move(start - here[part], end - here[part], passes[part])
        if begins < ends:
            spans.append((begins + there[part], ends + there[part], label))
    whole = sum(map(len, shown)) + len(shown) - 1 if outwards else len(question.text)
    return Stretches(tuple(sorted(set(spans))), whole)


def _begins(texts: Sequence[str]) -> list[int]:
    """Where each text begins when they stand one under the other."""
    return [0, *accumulate(len(text) + 1 for text in texts)][: max(len(texts), 1)]


_MOVERS: dict[str, Callable[[Any, Question, Outgoing, bool], Any]] = {
    "choice": _unmoved,
    "choices": _unmoved,
    "scale": _unmoved,
    "spans": _moved,
}
