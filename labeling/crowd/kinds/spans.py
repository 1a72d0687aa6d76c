"""Stretches of text: asked for as quotes, and found again in the text as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from labeling.crowd import tracing
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.cleaning import cleaning, shown_text
from labeling.crowd.kinds.base import Findings, Ways, Wording
from labeling.crowd.kinds.reading import BULLET, NOTHING, by_json, label_named, under
from labeling.crowd.redaction import Outgoing
from labeling.kinds.stretches import Stretches

Move = Callable[[int, int, Sequence[tracing.Pass]], tuple[int, int]]
STRETCHES = ("spans", "entities", "annotations", "stretches", "quotes", "answer")
QUOTES, TYPES = ("quote", "text", "span", "entity", "words"), ("label", "type", "category", "entity_type", "tag")
WORDS = Wording(
    "You mark stretches of text.",
    "Mark every stretch that is of one of these types:",
    '{"spans": [{"quote": "<words copied exactly from the text>", "label": "<type>"}]}, '
    "the stretches in the order of the text, an empty list where there is nothing to mark. Copy each quote letter by "
    "letter, no more of it than the stretch. A quote that is listed twice means its first two occurrences; to mark a "
    'later occurrence alone, add its number, for example "occurrence": 2.',
    'Reply with one stretch a line, as "words copied exactly from the text | type", or with: nothing.',
    'Your last reply could not be read. Reply with nothing but {"spans": [{"quote": "...", "label": "..."}]}, with '
    "quotes copied exactly from the text.",
    "Spans",
)


def _tidy_stretches(value: Any, brief: Brief) -> Any:
    told = under(value, STRETCHES)
    if told is None and isinstance(value, dict) and under(value, QUOTES) is not None:
        told = [value]
    if not isinstance(told, list) or not all(isinstance(item, dict) for item in told):
        return None
    items = [_tidy_stretch(item, brief) for item in told]
    kept = [item for item in items if item is not None]
    return None if told and not kept else {"spans": kept, "lost": len(items) - len(kept)}


def _tidy_stretch(item: dict[str, Any], brief: Brief) -> dict[str, Any] | None:
    quote, named = under(item, QUOTES), under(item, TYPES)
    named = brief.labels.names[0] if named is None and len(brief.labels) == 1 else named
    label = label_named(named, brief) if isinstance(named, str) else None
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
    items = [{"quote": BULLET.sub("", quote).strip(" \"'“”`"), "label": label.strip()} for quote, _, label in rows]
    return _tidy_stretches(items, brief)


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


def _all_stretches(text: str, found: Findings, _count: int) -> Answer:
    """Every finding; of those that overlap the longest."""
    spans = sorted(((a, b, place) for place, each in found.items() for a, b in each), key=lambda one: one[0] - one[1])
    kept: list[tuple[int, int, int]] = []
    for a, b, place in spans:
        if all(b <= begin or a >= end for begin, end, _ in kept):
            kept.append((a, b, place))
    return Answer(None, said=Stretches(tuple(sorted(kept)), len(text)))


WAYS = Ways(
    "spans",
    "span_logistic and the other span_ specialists, pipeline: with a model of tokens, and chat:",
    wording=lambda space: WORDS,
    read=by_json(_tidy_stretches, _plain_stretches),
    move=_moved,
    tagged=True,
    by_findings=_all_stretches,
    form="a list of [start, end, type]",
)
