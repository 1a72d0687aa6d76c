"""From what a model wrote to an answer of the brief's kind, forgiving in form and strict in doubt.

JSON comes first, under the words that models use; where replies name several different answers, none is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from labeling.crowd import answers, prompts
from labeling.crowd.base import Brief, LabelSet, Question
from labeling.crowd.mentions import Reader
from labeling.crowd.steps import has_steps
from labeling.crowd.thoughts import without_thoughts
from labeling.kinds.base import NoAnswer, Space, UnusableAnswer
from labeling.kinds.cells import number

LISTS = ("labels", "label", "answers", "answer", "categories", "category", "classes", "tags")
VALUES = ("value", "rating", "score", "step", "answer", "label", "grade")
STRETCHES = ("spans", "entities", "annotations", "stretches", "quotes", "answer")
QUOTES, TYPES = ("quote", "text", "span", "entity", "words"), ("label", "type", "category", "entity_type", "tag")
NOTHING = frozenset(["none", "none of them", "no label", "no labels", "nothing", "n/a", "[]", "empty"])
_FENCE = re.compile(r"```\w*")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")


@dataclass(frozen=True, slots=True)
class Read:
    """`said`: the answer, in places of the text that was shown, or None; `label`: of one label its index.

    `note`: what of the reply was left out.
    """

    said: Any = None
    label: int | None = None
    note: str = ""


def read_answer(content: str, brief: Brief, shown: Question) -> Read:
    """The answer in what a model wrote to a question as it was shown; nothing is said where it cannot be read."""
    return _READERS[brief.kind](content, brief, shown)


def _one_label(content: str, brief: Brief, shown: Question) -> Read:
    label = answers.parse_label(content, brief.labels)
    return Read(label, label)


def _by_json(
    tidy: Callable[[Any, Brief], Any], plain: Callable[[str, Brief], Any]
) -> Callable[[str, Brief, Question], Read]:
    """Reads JSON that `tidy` brings into the form of the kind's schema, else words by `plain`; None is unreadable."""

    def read(content: str, brief: Brief, shown: Question) -> Read:
        text = without_thoughts(content)[: answers.READ_CHARACTERS]
        found = [reply for value in _values(text) if (reply := tidy(value, brief)) is not None]
        words = None if found else plain(_FENCE.sub(" ", text).strip(), brief)
        found = [words] if words is not None else found
        if not found or any(reply != found[0] for reply in found[1:]):
            return Read()
        return _checked(found[0], brief, shown)

    return read


def _checked(reply: Any, brief: Brief, shown: Question) -> Read:
    kind, task = brief.answers, shown.task
    space = Space(brief.space.labels, brief.space.values, {task: prompts.shown_text(shown)})
    lost = reply.pop("lost", 0)
    try:
        said = kind.from_reply(reply, space, task)
        notes = [
            kind.unread(reply, space, task),
            f"{lost} marked with a type that is none were left out." if lost else "",
        ]
        return Read(said, note=" ".join(filter(None, notes)))
    except (NoAnswer, UnusableAnswer):
        return Read()


def _values(text: str) -> Iterator[Any]:
    """The outermost JSON objects and lists in a text; numbers in objects come as they are written."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    place = 0
    for _ in range(answers.OBJECTS):
        begin = re.compile(r"[{\[]").search(text, place)
        if begin is None:
            return
        try:
            value, place = decoder.raw_decode(text, begin.start())
            yield value
        except (ValueError, RecursionError):
            place = begin.end()


def _under(value: Any, keys: tuple[str, ...]) -> Any:
    """What stands under the first of the keys that the object has; a list stands for itself."""
    if not isinstance(value, dict):
        return value if isinstance(value, list) else None
    folded = {str(key).strip().casefold(): one for key, one in value.items()}
    return next((folded[key] for key in keys if key in folded), None)


def _tidy_labels(value: Any, brief: Brief) -> Any:
    told = _under(value, LISTS)
    told = [told] if isinstance(told, str) else told
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        return None
    if len(told) == 1 and told[0].strip().casefold() in NOTHING and _name(told[0], brief) is None:
        return {"labels": []}
    names = [_name(one, brief) for one in told]
    return None if None in names else {"labels": sorted(set(filter(None, names)), key=brief.labels.names.index)}


def _plain_labels(text: str, brief: Brief) -> Any:
    """Labels with commas or line ends between, and nothing else."""
    if text.casefold().strip(" .") in NOTHING:
        return {"labels": []}
    pieces = [_BULLET.sub("", piece).strip(" .\"'`*") for piece in re.split(r"[,;\n]", text.partition(":")[2] or text)]
    return _tidy_labels([piece for piece in pieces if piece], brief) if text else None


def _tidy_value(value: Any, brief: Brief) -> Any:
    told = _under(value, VALUES)
    told = told[0] if isinstance(told, list) and len(told) == 1 else told
    return _plain_value(told, brief) if isinstance(told, str) else None


def _plain_value(text: str, brief: Brief) -> Any:
    """A step as `answers` reads a label; of a scale of numbers the one number that there is."""
    space = brief.space
    if number(text.strip()) is not None and number(space.labels[0]) is not None:
        return {"value": text.strip()}
    if has_steps(space):
        step = answers.parse_label(text, LabelSet(space.labels))
        return None if step is None else {"value": space.labels[step]}
    found = re.findall(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?![\w%])", text)
    return {"value": found[0]} if len(found) == 1 else None


def _tidy_stretches(value: Any, brief: Brief) -> Any:
    told = _under(value, STRETCHES)
    if told is None and isinstance(value, dict) and _under(value, QUOTES) is not None:
        told = [value]
    if not isinstance(told, list) or not all(isinstance(item, dict) for item in told):
        return None
    items = [_tidy_stretch(item, brief) for item in told]
    kept = [item for item in items if item is not None]
    return None if told and not kept else {"spans": kept, "lost": len(items) - len(kept)}


def _tidy_stretch(item: dict[str, Any], brief: Brief) -> dict[str, Any] | None:
    quote, named = _under(item, QUOTES), _under(item, TYPES)
    named = brief.labels.names[0] if named is None and len(brief.labels) == 1 else named
    label = _name(named, brief) if isinstance(named, str) else None
    if not isinstance(quote, str) or not quote.strip() or label is None:
        return None
    tidy: dict[str, Any] = {"quote": quote, "label": label}
    which = str(item.get("occurrence", ""))
    return {**tidy, "occurrence": int(which)} if which.isdigit() and len(which) < 7 else tidy


def _plain_stretches(text: str, brief: Brief) -> Any:
    """One stretch a line, as "quote | type"."""
    if text.casefold().strip(" .") in NOTHING:
        return {"spans": []}
    rows = [line.rpartition("|") for line in text.splitlines() if line.strip()]
    if not rows or not all(middle for _, middle, _ in rows):
        return None
    items = [{"quote": _BULLET.sub("", quote).strip(" \"'“”`"), "label": label.strip()} for quote, _, label in rows]
    return _tidy_stretches(items, brief)


def _name(text: str, brief: Brief) -> str | None:
    """The label that a piece of a reply names."""
    names = brief.labels.names
    if text in names:
        return text
    index = Reader.of(names).read(text)
    return None if index is None else names[index]


_READERS: dict[str, Callable[[str, Brief, Question], Read]] = {
    "choice": _one_label,
    "choices": _by_json(_tidy_labels, _plain_labels),
    "scale": _by_json(_tidy_value, _plain_value),
    "spans": _by_json(_tidy_stretches, _plain_stretches),
}
