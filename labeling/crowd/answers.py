"""From what a model wrote to a label, forgiving in form and strict in doubt: an unclear answer is no answer."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from labeling.crowd.base import LabelSet

READ_CHARACTERS = 20_000
OBJECTS = 50
"""At most so many opening braces are tried as the start of a JSON object."""
KEYS = ("label", "answer", "category", "class")

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_SPELLING = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "−": "-"})
_NEGATION = re.compile(r"\b(?:not|no|never|non|nor|neither|without|cannot|hardly|rather than|instead of)\b|n't\b")
_DENIED = re.compile(
    r"^\W*(?:\w+\s+)?(?:(?:is|are|was|does|would be)\s*(?:not\b|n't)|is (?:wrong|incorrect|false))|^\W{0,2}\?"
)
_DECLARED = r"(?:(?:the\s+|final\s+|my\s+)*(?:label|answer|category|class)\s*(?:is\b|:|=)?\s*)?"
WORDS_BEFORE = 5
DRESS = 60
"""At most so many characters may stand around a label that is all there is."""


def parse_label(raw: str, labels: LabelSet) -> int | None:
    """The index of the one label that `raw` names, or None.

    A JSON object with the key "label" decides if there is one; otherwise prose may name the label in
    any case, quoting, numbering, Unicode punctuation, with spaces, hyphens or underscores alike.
    None where no label is named, where several are, where the name is denied ("not positive") or asked
    about, and inside a <think> block. Of names that contain one another the longest counts.
    """
    text = _THOUGHT.sub(" ", raw[:READ_CHARACTERS])
    names = [_plain(name) for name in labels.names]
    if len(set(names)) < len(names):
        names = list(labels.names)  # labels that differ in punctuation alone: only their exact spelling counts
        return names.index(text.strip()) if text.strip() in names else None
    said = list(_json_labels(text))
    if not said:
        return _in_prose(text, names)
    found = {_from_json(value, names) for value in said}
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    """Case, quotes, dashes, underscores and spacing made alike; invisible characters removed."""
    visible = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cc") or char in "\n\t")
    alike = unicodedata.normalize("NFKC", visible).translate(_SPELLING).casefold()
    return " ".join(re.sub(r"[_\-\s]+", " ", alike).split())


def _json_labels(text: str) -> Iterator[Any]:
    """The values under "label" (or a word like it) of the JSON objects in `text`, also where a key stands twice."""
    decoder = json.JSONDecoder(object_pairs_hook=list)
    begin = -1
    for _ in range(OBJECTS):
        begin = text.find("{", begin + 1)
        if begin < 0:
            return
        try:
            pairs, end = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            continue
        said = [value for key, value in pairs if isinstance(key, str) and key.strip().casefold() in KEYS]
        begin = end - 1 if said else begin  # an object without the word may hold one that has it
        yield from said


def _from_json(value: Any, names: list[str]) -> int | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, (str, int)):
        return None
    return _in_prose(str(value), names)


def _in_prose(text: str, names: list[str]) -> int | None:
    said = _plain(text)
    for index, name in enumerate(names):
        if _is_all_there_is(said, name):
            return index
    mentions = list(_mention(names).finditer(said))
    found = {match[0] for match in mentions}
    if len(found) != 1 or _is_tiny(mentions[0][0]) or any(_denied(said, match) for match in mentions):
        return None
    return names.index(found.pop())


def _is_all_there_is(said: str, name: str) -> bool:
    """The text is the label, at most numbered, quoted or introduced by "the label is", and not asked."""
    if said == name:
        return True
    if len(said) > len(name) + DRESS or said.endswith("?"):
        return False
    return re.fullmatch(rf"\W*(?:\d+\s*[.):]\s*)?{_DECLARED}\W*{re.escape(name)}\W*", said) is not None


def _is_tiny(name: str) -> bool:
    """A letter or a word like "no" stands in prose for many reasons."""
    return name.isascii() and len(name) <= 2


def _mention(names: list[str]) -> re.Pattern[str]:
    """Any label as a word of its own, the longest where several begin alike."""
    ordered = sorted(names, key=len, reverse=True)
    return re.compile("|".join(f"{_edge(name[0], '<!')}{re.escape(name)}{_edge(name[-1], '!')}" for name in ordered))


def _edge(char: str, look: str) -> str:
    """No word character may follow or precede, but for scripts that write without spaces."""
    spaceless = not char.isalnum() or "\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0eff"
    return "" if spaceless else rf"(?{look}\w)"


def _denied(said: str, match: re.Match[str]) -> bool:
    """A negation stands shortly before the label in its sentence, or right behind it, or it is asked about."""
    sentence = re.split(r"[.;:!?\n]", said[: match.start()])[-1]
    before = " ".join(sentence.split()[-WORDS_BEFORE:])
    return bool(_NEGATION.search(before) or _DENIED.search(said[match.end() :]))
