"""From what a model wrote to a label, forgiving in form and strict in doubt: an unclear answer is no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from labeling.crowd.base import LabelSet
from labeling.crowd.mentions import Reader
from labeling.crowd.thoughts import without_thoughts

READ_CHARACTERS = 20_000
OBJECTS = 50
"""At most so many opening braces are tried as the start of a JSON object."""
KEYS = ("label", "answer", "category", "class")
_TAG = re.compile(r"</?[a-z][\w:-]{0,20}(?:\s[^<>]{0,100})?>", re.IGNORECASE)


def parse_label(raw: str, labels: LabelSet) -> int | None:
    """The index of the one label that `raw` names, or None.

    What a model thought aloud does not count (`thoughts`). The exact spelling comes first. A JSON object with the key
    "label" decides if there is one; otherwise prose may name the label in any case, quoting, numbering and Unicode
    punctuation, with spaces, hyphens or underscores alike where no two labels differ in them alone (`spelling`).
    Equal numbers are one label (1 and 1.0), signs count (-1, A+). None where no label is named, where several are,
    where the name is denied ("not positive", in many languages: `denials`) or asked about. Of names that contain one
    another the longest counts; very short ones and numbers count in prose only where they clearly are the answer.
    """
    text = without_thoughts(raw)[:READ_CHARACTERS]
    if text.strip() in labels.names:
        return labels.names.index(text.strip())
    reader = Reader.of(labels.names)
    said = list(_json_labels(text))
    if not said:
        return reader.read(text if any("<" in name for name in labels.names) else _TAG.sub(" ", text))
    found = {_from_json(value, reader) for value in said}
    return found.pop() if len(found) == 1 else None


def _json_labels(text: str) -> Iterator[Any]:
    """The values under "label" (or a word like it) of the JSON objects in `text`, also where a key stands twice.

    Numbers come as they are written.
    """
    decoder = json.JSONDecoder(object_pairs_hook=list, parse_float=str, parse_int=str, parse_constant=str)
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


def _from_json(value: Any, reader: Reader) -> int | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        value = str(value).lower()
    return reader.read(value) if isinstance(value, str) else None
