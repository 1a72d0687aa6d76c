"""Sentences that differ in one thing, out of a file: a table of sentences, templates with slots, or pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from labeling.files.tables import UnusableFile, open_table, open_text
from labeling.kinds.cells import NO_NAME, clean
from labeling.routing.lots import lot

MOST = 4000
"""Sentences of one audit."""
SLOT = re.compile(r"\{([^{}]+)\}|<([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One wording: `frame` is what it shares with its counterparts, `variant` the value of what was changed."""

    frame: str
    variant: str
    text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a table of sentences has: the `text`, what `vary`, and what stays the `same` within a frame."""

    text: str = ""
    vary: str = ""
    same: tuple[str, ...] = ()


def read(path: str, columns: Columns | None = None, most: int = MOST, seed: str = "") -> tuple[Sentence, ...]:
    """The sentences of a file; of too many the frames drawn by lot, whole ones. Raises UnusableFile.

    Told by its header: `first,second[,pair]` are pairs; `template,slot,variant,text` are templates and, in rows without
    a template, what to put in a slot for which variant; anything else needs `columns`.
    """
    header = _header(path)
    if not any(header):
        raise UnusableFile(f"{path} is empty; it needs a header line, such as first,second.")
    if {"first", "second"} <= set(header):
        found = list(_pairs(path, "pair" in header))
    elif {"template", "slot", "variant", "text"} <= set(header):
        found = list(_filled(path))
    else:
        found = list(_table(path, header, columns or Columns()))
    kept = _comparable(found)
    if not kept:
        raise UnusableFile(f"{path} has no two sentences that differ in one thing alone; see docs/fairness.md.")
    return _some(kept, most, seed)


def _header(path: str) -> list[str]:
    with open_text(path) as stream:
        first = next((line for line in stream if line.strip()), "")
    return [clean(name).strip('"').lower() for name in re.split("[,;\t]", first)]


def _pairs(path: str, named: bool) -> Iterator[Sentence]:
    with open_table(path, ("first", "second"), ("pair",) if named else ()) as table:
        for at, row in enumerate(table.rows):
            first, second, pair = clean(row[0]), clean(row[1]), clean(row[2]) if named else ""
            names = [part.strip() for part in pair.split("/")] if pair.count("/") == 1 else ["first", "second"]
            if first and second:
                yield Sentence(f"pair {at}", names[0], first)
                yield Sentence(f"pair {at}", names[1], second)


def _filled(path: str) -> Iterator[Sentence]:
    """Every template with every filling of its slots; the slot that varies names the variant, others make frames."""
    with open_table(path, ("template", "slot", "variant", "text")) as table:
        rows = [[clean(cell) for cell in row] for row in table.rows]
    templates = [row[0] for row in rows if row[0]]
    slots: dict[str, list[tuple[str, str]]] = {}
    for _, slot, variant, text in rows:
        if slot and text:
            slots.setdefault(slot, []).append((variant, text))
    for template in templates:
        names = list(dict.fromkeys(one or other for one, other in SLOT.findall(template)))
        missing = [name for name in names if name not in slots]
        if missing:
            raise UnusableFile(f"{path}: nothing is given for the slot {missing[0]!r} of {template!r}.")
        for filling in product(*(slots[name] for name in names)):
            words = dict(zip(names, (text for _, text in filling), strict=True))
            variants = [variant for variant, _ in filling if variant]
            frame = [template, *(f"{name}={text}" for name, (variant, text) in zip(names, filling, strict=True)
                                 if not variant)]  # fmt: skip
            if variants:
                yield Sentence(" | ".join(frame), " and ".join(dict.fromkeys(variants)), _put_in(template, words))


def _put_in(template: str, words: dict[str, str]) -> str:
    text = SLOT.sub(lambda found: words[found.group(1) or found.group(2)], template)
    return text[:1].upper() + text[1:]


def _table(path: str, header: Sequence[str], columns: Columns) -> Iterator[Sentence]:
    if not columns.text or not columns.vary:
        raise UnusableFile(
            f"{path} has the columns {', '.join(header[:12])}: say which one holds the text and which one varies."
        )
    with open_table(path, (columns.text, columns.vary, *columns.same)) as table:
        for row in table.rows:
            text, variant, *same = map(clean, row)
            if text and variant and variant.lower() not in NO_NAME:
                yield Sentence(" | ".join(same), variant, text)


def _comparable(found: Sequence[Sentence]) -> list[Sentence]:
    """Sentences of frames that have two variants and two texts at least, each text of a frame and variant once."""
    variants: dict[str, set[str]] = {}
    texts: dict[str, set[str]] = {}
    for one in found:
        variants.setdefault(one.frame, set()).add(one.variant)
        texts.setdefault(one.frame, set()).add(one.text)
    return [one for one in dict.fromkeys(found) if len(variants[one.frame]) > 1 and len(texts[one.frame]) > 1]


def _some(found: list[Sentence], most: int, seed: str) -> tuple[Sentence, ...]:
    """At most so many, whole frames by lot; of one large frame its first sentences of each variant."""
    if len(found) <= most:
        return tuple(found)
    frames: dict[str, list[Sentence]] = {}
    for one in found:
        frames.setdefault(one.frame, []).append(one)
    chosen: list[Sentence] = []
    for name in sorted(frames, key=lambda frame: lot(f"frames-{seed}", frame)):
        room = most - len(chosen)
        if len(frames[name]) <= room:
            chosen += frames[name]
    if not chosen:
        raise UnusableFile(f"One frame alone has more than {most:,} sentences; name more columns that stay the same.")
    return tuple(chosen)
