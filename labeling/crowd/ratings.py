"""Ratings as people write them: "4/5", "4 out of 5", "3 stars", "★★★☆☆" on a scale of numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from labeling.crowd import spelling

FEWEST = 3
"""Of two numbers "0/1" may as well mean "one of the two"."""
_NUMBER = r"(?<![\w.,+\-/])(\d+(?:\.\d+)?)"
_UNITS = (
    r"(?:stars?|points?|pts|sternen?|punkten?|punkte?|estrellas?|puntos?|étoiles?|stelle|stella|punti|estrelas?|pontos?"
    r"|sterren|punten|stjärnor|stjerner|poäng|poeng|gwiazdk\w{1,2}|punkt\w{1,3}|зв[её]зд\w{0,2}|балл\w{0,2})(?!\w)"
    r"|[星点分顆颗별점]"
)
_OF = (
    r"[/\u2044]|(?:out )?of (?:a (?:possible|maximum|total) (?:of )?)?|von (?:maximal )?|sur|sobre|de|su|van(?: de)?"
    r"|av|z|из|on (?:a|the) scale (?:of|from) \d+ ?(?:to|-|through) ?|auf (?:einer|der) skala von \d+ ?(?:bis|-) ?"
)
_STARS = re.compile(r"^\W*?([★⭐🌟]{1,10})([☆✩]{0,9})\W*$")


@dataclass(frozen=True, slots=True)
class Ratings:
    """How a rating on one scale is written. `most`: its largest number, which stands behind "out of"."""

    values: Collection[Decimal]
    most: Decimal
    part: re.Pattern[str]
    counted: re.Pattern[str]

    @classmethod
    def of(cls, names: Sequence[str], values: Collection[Decimal]) -> Ratings | None:
        """For labels that are at least three numbers from zero up, beside which no name holds a digit; else None."""
        others = [name for name in names if spelling.number(name) is None]
        if len(values) < FEWEST or min(values) < 0 or any(re.search(r"\d", name) for name in others):
            return None
        most = max(values)
        top = rf"{most.normalize():f}(?:\.0+)?"
        unit = rf"(?:[ \-]?(?:{_UNITS}))?"
        behind = r"(?![\w%/\u2044]|[.,]\d)"
        part = rf"{_NUMBER}{unit} ?\(? ?(?:{_OF}) ?{top}{unit}{behind}\)?"
        return cls(values, most, re.compile(part), re.compile(rf"{_NUMBER}[ \-]?(?:{_UNITS})(?! ?:)"))

    def plain(self, said: str) -> str:
        """The folded text with its ratings as plain numbers; what stood with "out of" is marked as the answer: "= 4".

        "4.5/5", "4/10" and "8 stars" stay as they are where the scale has no such number. Where several differ, each is
        marked as an answer of its own, so that none is the answer.
        """
        stars = _STARS.match(said.replace("\ufe0f", "").replace(" ", ""))
        if stars and self._drawn(len(stars[1]), len(stars[2])):
            return str(len(stars[1]))
        many = len({Decimal(found) for found in self.part.findall(said)}) > 1
        said = self.part.sub(lambda found: self._marked(found, ";" if many else ""), said)
        return self.counted.sub(self._alone, said)

    def _drawn(self, full: int, hollow: int) -> bool:
        return Decimal(full) in self.values and (not hollow or Decimal(full + hollow) == self.most)

    def _marked(self, found: re.Match[str], end: str) -> str:
        return f"= {found[1]}{end}" if Decimal(found[1]) in self.values else found[0]

    def _alone(self, found: re.Match[str]) -> str:
        return found[1] if Decimal(found[1]) in self.values else found[0]
