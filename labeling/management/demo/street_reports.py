"""Reports of a street: a drawn picture, a few sentences, and what is right about both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from labeling.management.demo.street_scenes import HOLE, LAMP, RUBBISH, THINGS, WATER, draw

REPORTS, SEED = 120, 7
STREETS = ("Mill Lane", "Castle Road", "Harbour Street", "Linden Row", "Kiln Close", "Chapel Hill", "Weaver Street")
SPOTS = ("the school", "the bakery", "the bus stop", "the old bridge", "the library", "number 14", "the corner shop")
DISTRICTS = ("Old Town", "Riverside", "Northfield")
WORDS = {
    HOLE: ("a deep hole", "a pothole", "a broken kerbstone", "a crater"),
    LAMP: ("the street lamp", "a bent lamp post", "the broken light", "a smashed lantern"),
    RUBBISH: ("bin bags", "a heap of rubbish", "torn sacks", "dumped bags"),
    WATER: ("a wide puddle", "standing water", "a flooded lane", "a blocked drain"),
}
"""How people call what they see; each name is marked as an object."""
NOTHING = ("All looks fine at [{street}] today.", "Nothing to see near [{spot}], please close my old report.")
OPENINGS = (
    "I see {{{thing}}} in [{street}].",
    "Please look at {{{thing}}} near [{spot}].",
    "I walked past [{spot}] and saw {{{thing}}}.",
    "Once more {{{thing}}} on [{street}], close to [{spot}].",
)
MORE = ("Also {{{thing}}} next to it.", "And {{{thing}}} a few steps on.")
PRESSING = {
    1: ("No hurry at all.", "Whenever you have time."),
    2: ("Would be nice to have it done this month.", "It is ugly, but we manage."),
    3: ("Please come this week.", "It has been like this for days."),
    4: ("My neighbour nearly fell over it.", "Children pass here every morning, so please be quick."),
    5: ("A cyclist is hurt, come at once!", "Somebody could die here, send help today!"),
}
PLACE, OBJECT = "Place", "Object"
MARKED = re.compile(r"\[([^\]]+)\]|\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Report:
    """`seen`: which of THINGS the picture shows. `urgent`: 1 to 5. `marks`: [start, end, type] in the text."""

    id: str
    text: str
    picture: bytes
    district: str
    light: str
    seen: tuple[str, ...]
    urgent: int
    marks: tuple[tuple[int, int, str], ...]


def reports(count: int = REPORTS, seed: int = SEED) -> Iterator[Report]:
    """So many reports, the same ones for the same seed."""
    generator = np.random.default_rng(seed)
    for number in range(1, count + 1):
        night = bool(generator.random() < 0.4)
        seen = tuple(thing for thing in THINGS if generator.random() < 0.34)
        urgent = _urgency(seen, night, generator)
        text, marks = _text(seen, urgent, generator)
        district = DISTRICTS[int(generator.integers(len(DISTRICTS)))]
        picture = draw(seen, night, generator)
        light = "night" if night else "day"
        yield Report(f"S-{number:03d}", text, picture, district, light, seen, urgent, marks)


def _urgency(seen: Sequence[str], night: bool, generator: np.random.Generator) -> int:
    base = 1 + len(seen) * 0.8 + (LAMP in seen and night) + (HOLE in seen) * 0.7
    return int(np.clip(round(base + generator.normal(0, 0.5)), 1, 5)) if seen else 1


def _text(
    seen: Sequence[str], urgent: int, generator: np.random.Generator
) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    """The sentences, and where places and objects are named in them."""

    def one(of: Sequence[str]) -> str:
        return of[int(generator.integers(len(of)))]

    sentences = [one(OPENINGS if seen else NOTHING), *(one(MORE) for _ in seen[1:]), one(PRESSING[urgent])]
    things = [*(one(WORDS[thing]) for thing in seen), "", ""]
    filled = [
        sentence.format(thing=thing, street=one(STREETS), spot=one(SPOTS))
        for sentence, thing in zip(sentences, things, strict=False)
    ]
    return unmarked(" ".join(filled))


def worded(seen: Sequence[str], urgent: int, generator: np.random.Generator) -> str:
    """A report in words alone, of what is seen and how pressing it is from 1 to 5."""
    return _text(seen, urgent, generator)[0]


def unmarked(text: str) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    """A text without its brackets, [place] and {object}, and where they stood."""
    plain, marks, behind = "", [], 0
    for found in MARKED.finditer(text):
        plain += text[behind : found.start()]
        words = found[1] or found[2]
        marks.append((len(plain), len(plain) + len(words), PLACE if found[1] else OBJECT))
        plain, behind = plain + words, found.end()
    return plain + text[behind:], tuple(marks)
