"""Scripts without spaces: how firmly characters hold together in the batch, and where they stand between signs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from labeling.crowd.tagging.words import spaceless

FAR = 5
"""Characters to the next sign, and lengths of what stands between signs, are counted up to here."""
LONG = 9


class Bonds:
    """Pointwise mutual information of neighbouring characters, in steps; learned from texts without any answer."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        self._single: Counter[str] = Counter()
        self._pair: Counter[tuple[str, str]] = Counter()
        for text in texts:
            self._single.update(word for word in text if spaceless(word))
            self._pair.update(pair for pair in pairwise(text) if all(map(spaceless, pair)))
        self._total = max(sum(self._single.values()), 1)

    def between(self, left: str, right: str) -> str:
        """How firmly two neighbours hold together: a border, never seen, seen once, or steps of two bits."""
        if not (spaceless(left) and spaceless(right)):
            return "|"
        times = self._pair[left, right]
        if times < 2:
            return f"x{times}"
        bits = np.log2(times * self._total / (self._single[left] * self._single[right]))
        return str(int(np.clip(bits, 0, 11)) // 2)

    def along(self, words: Sequence[str]) -> list[str]:
        """The bonds before each word and behind the last, (words + 1); none in other scripts."""
        padded = ["", *words, ""]
        return [self.between(left, right) for left, right in pairwise(padded)]


def clauses(words: Sequence[str]) -> list[tuple[int, int, int]]:
    """Of each word how many characters stand before and behind it up to the next sign, and how many in all."""
    found: list[tuple[int, int, int]] = []
    begin = 0
    for at in range(len(words) + 1):
        if at < len(words) and spaceless(words[at]):
            continue
        size = at - begin
        found += [(min(n, FAR), min(size - 1 - n, FAR), min(size, LONG)) for n in range(size)]
        found += [(0, 0, 0)] if at < len(words) else []
        begin = at + 1
    return found
