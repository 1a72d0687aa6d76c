"""The answer of `spans`, on its own for whoever makes one: it loads no more than this."""

from __future__ import annotations

from dataclasses import dataclass, field

from labeling.truth.spans.marks import Answer


@dataclass(frozen=True, slots=True)
class Stretches:
    """An answer: (start, end, index of the type), in the order of the text. `length`: code points of the text, 0 where
    it is not at hand; it is no part of the answer."""

    spans: Answer
    length: int = field(default=0, compare=False)
