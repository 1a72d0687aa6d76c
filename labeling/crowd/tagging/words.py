"""Where words begin and end, in any script, and stretches as tags of words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from labeling.truth.spans.marks import Answer

READ_CHARACTERS = 100_000
"""A tagger reads this much of a text."""
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_MARKS = (
    "\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"
    "\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
)
"""Signs that stand on the character before them: vowels and tones of Thai, Lao, Burmese and Khmer."""
_STACKED = "\u1039[\u1000-\u102a]|\u17d2[\u1780-\u17b3]"
"""A consonant under another one, in Burmese and Khmer."""
_WORD = re.compile(rf"[{_SPACELESS}](?:{_STACKED}|[{_MARKS}])*|[^\W_{_SPACELESS}]+|[^\w\s]|_")


_NO_SPACES = re.compile(rf"[{_SPACELESS}]")


def spaceless(word: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    return _NO_SPACES.match(word) is not None


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text: `edges` are (start, end) of each; `text` the whole."""

    text: str
    edges: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.edges)

    @property
    def strings(self) -> list[str]:
        """The words as they are written."""
        return [self.text[start:end] for start, end in self.edges]


def words_of(text: str) -> Words:
    """Words, single signs, and of scripts without spaces single characters as a reader sees them, marks and all.

    Those scripts are Chinese, Japanese, Thai, Lao, Burmese and Khmer.
    """
    return Words(text, tuple(match.span() for match in _WORD.finditer(text[:READ_CHARACTERS])))


def tags_of(words: Words, spans: Answer) -> list[int]:
    """A tag for each word: 0 outside, 1 + 2 t where a stretch of type t begins, 2 + 2 t inside it.

    A word belongs to a stretch that covers any of it; of overlapping stretches the first counts.
    """
    tags = [0] * len(words)
    for start, end, label in spans:
        inside = [i for i, (begin, stop) in enumerate(words.edges) if begin < end and stop > start]
        if inside and not any(tags[i] for i in inside):
            for i in inside:
                tags[i] = 2 + 2 * label
            tags[inside[0]] = 1 + 2 * label
    return tags


def spans_of(words: Words, tags: Sequence[int]) -> Answer:
    """The stretches that tags mark: from each beginning over what goes on inside it."""
    found: list[tuple[int, int, int]] = []
    before = 0
    for (start, end), tag in zip(words.edges, tags, strict=True):
        if not tag:
            before = 0
            continue
        label, begins = (tag - 1) // 2, tag % 2 == 1
        if begins or not found or not before or found[-1][2] != label:
            found.append((start, end, label))
        else:
            found[-1] = (found[-1][0], end, label)
        before = tag
    return tuple(found)
