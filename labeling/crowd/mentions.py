"""Finding the one label that prose names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from labeling.crowd import spelling
from labeling.crowd.denials import has_negation, is_denied
from labeling.crowd.ratings import Ratings
from labeling.crowd.spelling import Fold

DRESS = 60
"""At most so many characters may stand around a label that is all there is."""
LINES = 200
NEAR = 80
_NOUNS = (
    "label|answer|category|class|option|choice|verdict|decision|classification|grade|score|rating|prediction"
    "|antwort|kategorie|klasse|etikett|respuesta|etiqueta|categoría|clase|réponse|étiquette|catégorie|classe"
    "|risposta|etichetta|categoria|resposta|rótulo|antwoord|ответ|метка|答案|标签|回答|ラベル"
)
_IS = "is|was|would be|should be|ist|lautet|es|est|è|é|är|er|:|="
_DECLARED = rf"(?:(?:the|final|my|correct|best)\s+)*(?:{_NOUNS})\s*(?:(?:{_IS})(?!\w)|:|=)?\s*"
_BEFORE = re.compile(
    rf"(?:^|[\n\"'`*(\[{{<:=,;.!?/|>•→。、]|-\s|(?<!\w)(?:{_NOUNS}|{_IS}|be|say|choose|pick|select|with"
    r"|(?:give|rate) (?:it|this)(?: an?)?|or|and|either"
    r"|oder|und|so|thus|hence|therefore))\s*[\"'`*(\[{$]*$"
)
_BEHIND = re.compile(
    r"^[\"'`*)\]}]*(?:$|\s*[\n.,;:!?/|)\]}\"'`*<。、]|\s+-|\s+(?:because|since|as|due|given|for|or|and"
    r"|weil|da|denn|oder|und|car|parce|ou|porque|perché|omdat)(?!\w))"
)
_ABBREVIATED = re.compile(r"^\.\s*\d")
_DIGITS = r"(?<![\w.,+\-])(?:[+-]\s?)?(?:\d+(?:[.,]\d+)*|\.\d+)(?![\w%])"


@dataclass(frozen=True, slots=True)
class Mention:
    """A label that stands in the text, or a number that is none or may be one of two (`label` is None then).

    `sure`: it is long enough to mean itself, or stands where an answer stands.
    """

    label: int | None
    begin: int
    end: int
    sure: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one label set in prose. `names` are folded, `values` are the numbers among them, `ratings` their scale."""

    names: tuple[str, ...]
    values: dict[Decimal, int]
    fold: Fold
    pattern: re.Pattern[str]
    signs: bool
    ratings: Ratings | None

    @staticmethod
    @lru_cache(maxsize=64)
    def of(names: tuple[str, ...]) -> Reader:
        fold, signs = spelling.fold_for(names), spelling.signs_count(names)
        folded = tuple(fold(name) for name in names)
        numbers = [spelling.number(name) for name in folded]
        values = {value: k for k, value in enumerate(numbers) if value is not None and numbers.count(value) == 1}
        pattern = _pattern(folded, signs, bool(values))
        return Reader(folded, values, fold, pattern, signs, Ratings.of(folded, values))

    def read(self, text: str) -> int | None:
        """The index of the one label that the text names, or None."""
        said = self.fold(text)
        said = self.ratings.plain(said) if self.ratings else said
        alone = self._alone(said)
        if alone is not None:
            return alone
        line = self._line_of_its_own(said)
        return self._mentioned(said) if line is None else line

    def _alone(self, said: str) -> int | None:
        """The label that is all there is, at most numbered, quoted or introduced by "the label is", and not asked."""
        if said in self.names:
            return self.names.index(said)
        if said.endswith("?"):
            return None
        found = {mention.label for mention in self._mentions(said) if self._dressed(said, mention)}
        return found.pop() if len(found) == 1 else None

    def _dressed(self, said: str, mention: Mention) -> bool:
        if len(said) > mention.end - mention.begin + DRESS:
            return False
        marks = r"[^\w+#\-]*" if self.signs else r"\W*"
        bullet = r"(?:[-+*]\s+)?" if not self.values else ""
        numbered = r"(?:\d+\s*[.):]\s*(?!\d))?" if not self.values else ""
        before = rf"{bullet}{marks}{numbered}(?:{_DECLARED})?{marks}"
        return bool(re.fullmatch(before, said[: mention.begin]) and re.fullmatch(marks, said[mention.end :]))

    def _line_of_its_own(self, said: str) -> int | None:
        """The label on the first or last line, where it is all that stands there, and on no other line another one."""
        lines = said.split("\n")[:LINES]
        if len(lines) < 2 or has_negation(lines[-2]):
            return None
        labels = [self._alone(line) for line in lines]
        found = {label for label in labels if label is not None}
        return found.pop() if len(found) == 1 and (labels[0], labels[-1]) != (None, None) else None

    def _mentioned(self, said: str) -> int | None:
        sure = [mention for mention in self._mentions(said) if mention.sure]
        if len({mention.label for mention in sure}) != 1:
            return None
        if any(is_denied(said[: mention.begin], said[mention.end :]) for mention in sure):
            return None
        return sure[0].label

    def _mentions(self, said: str) -> Iterator[Mention]:
        for match in self.pattern.finditer(said):
            meant = self._label(match[0])
            label = meant[0] if len(meant) == 1 else None
            tiny = label is None or spelling.is_tiny(self.names[label])
            yield Mention(label, match.start(), match.end(), sure=not tiny or _stands_as_answer(said, match))

    def _label(self, found: str) -> tuple[int, ...]:
        """The labels that a match can mean: one, or none for a number that is no label; two for "- 1"."""
        name = " ".join(found.split())
        if name in self.names:
            return (self.names.index(name),)
        meant = {spelling.number(name.replace(" ", "")), spelling.number(name.lstrip("+- ")) if " " in name else None}
        return tuple(self.values[value] for value in meant if value is not None and value in self.values)


def _stands_as_answer(said: str, match: re.Match[str]) -> bool:
    """A short label counts at the beginning, after "the answer is" or a sign, and before a sign or a reason."""
    behind = said[match.end() : match.end() + NEAR]
    if match[0] == "no" and _ABBREVIATED.search(behind):
        return False
    return bool(_BEFORE.search(said[max(match.start() - NEAR, 0) : match.start()]) and _BEHIND.search(behind))


def _pattern(names: tuple[str, ...], signs: bool, numbers: bool) -> re.Pattern[str]:
    """Any label as a word of its own, the longest where several begin alike, and any number where some are numbers."""
    words = sorted((name for name in names if not numbers or spelling.number(name) is None), key=len, reverse=True)
    return re.compile("|".join([*(_whole(name, signs) for name in words), *([_DIGITS] if numbers else [])]))


def _whole(name: str, signs: bool) -> str:
    return _before(name[0], signs) + re.escape(name).replace(r"\ ", r"\s") + _behind(name[-1], signs)


def _before(char: str, signs: bool) -> str:
    """No word character may precede, but for scripts that write without spaces; nor a sign where signs count."""
    if char in "+-#":
        return r"(?<![\w+#\-])"
    if not char.isalnum() or spelling.is_spaceless(char):
        return ""
    return r"(?<![\w+#\-])" if signs else r"(?<!\w)"


def _behind(char: str, signs: bool) -> str:
    """As `_before`."""
    if char in "+-#":
        return r"(?![\w+#\-])"
    if not char.isalnum() or spelling.is_spaceless(char) or spelling.is_hangul(char):
        return ""
    return r"(?![\w+#\-])" if signs else r"(?!\w)"
