"""How far spellings may differ and still be the same label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal

Fold = Callable[[str], str]
_ALIKE = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "−": "-"})
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{1,40})?|\.\d{1,40})")
_SIGNS = "+-#"
TINY = 2
"""A letter, a digit or a word like "no" stands in prose for many reasons."""


def fold_for(names: Sequence[str]) -> Fold:
    """The most forgiving spelling under which all names still differ.

    Case, quotes, dashes, underscores and spacing are alike where they can be; hyphens are kept where they may be
    signs (-1, A-), and where names differ in such marks alone; at last only the exact spelling counts.
    """
    folds = (close, exact) if _differ_in_marks(names) else (signed, close, exact) if signs_count(names) else _FORGIVING
    return next((fold for fold in folds if _distinct(names, fold)), exact)


def signs_count(names: Sequence[str]) -> bool:
    """Whether a plus or minus beside a name makes it another one: with numbers, grades and single letters."""
    plain = [close(name) for name in names]
    return any(number(name) is not None or len(name) <= TINY or _bears_a_sign(name) for name in plain if name)


def _bears_a_sign(name: str) -> bool:
    return name[0] in _SIGNS or name[-1] in _SIGNS


def number(text: str) -> Decimal | None:
    """The value of a plain number, so that 1, 1.0 and +1 are one; None for anything else."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def is_tiny(name: str) -> bool:
    """Whether a folded name is so short that it counts only where it clearly is the answer; numbers always are.

    Two characters are a whole word in Chinese, Japanese and Korean, and a letter with a sign (A-, C#) is no word.
    """
    whole = is_spaceless(name[0]) or is_hangul(name[0]) or _bears_a_sign(name)
    return len(name) == 1 or (len(name) <= TINY and not whole) or number(name) is not None


def is_hangul(char: str) -> bool:
    """Whether it is a Korean syllable; endings follow a word without a space."""
    return "\uac00" <= char <= "\ud7a3"


def is_spaceless(char: str) -> bool:
    """Whether a character belongs to a script that is written without spaces."""
    return "\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0eff"


def forgiving(text: str) -> str:
    return _spaced(re.sub(r"[_\-]+", " ", close(text)))


def signed(text: str) -> str:
    """As `forgiving`, but a hyphen counts unless it joins two words."""
    return _spaced(re.sub(r"(?<=\w)-+(?=\w)", " ", close(text).replace("_", " ")))


def close(text: str) -> str:
    """Case, quotes, kinds of dashes and spacing alike; invisible characters removed; lines are kept."""
    visible = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cf", "Cc"))
    return _spaced(unicodedata.normalize("NFKC", visible).translate(_ALIKE).casefold())


def exact(text: str) -> str:
    return text.strip()


def _spaced(text: str) -> str:
    return "\n".join(line for line in (" ".join(line.split()) for line in text.splitlines()) if line)


def _distinct(names: Sequence[str], fold: Fold) -> bool:
    folded = [fold(name) for name in names]
    return all(folded) and len(set(folded)) == len(folded)


def _differ_in_marks(names: Sequence[str]) -> bool:
    return not _distinct(names, signed if signs_count(names) else forgiving)


_FORGIVING = (forgiving, close, exact)
