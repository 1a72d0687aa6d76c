"""A third project of the demo: short reports from the web and from the telephone, whose transcripts spoil one word.

Models that know lamps by their usual names miss them in the transcripts, so one label is found less often there: the
watch sees it while the batch is settled, and stops the line.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction

from labeling.files import imported_votes, imports
from labeling.files.rows import Fields
from labeling.management.demo import people
from labeling.management.demo.street_reports import DISTRICTS, worded
from labeling.management.demo.street_scenes import LAMP, THINGS
from labeling.managing import new_projects
from labeling.managing.new_projects import Wished
from labeling.models import Batch, Project, Watch
from labeling.money import ledger
from labeling.rounds import story

SLUG, NAME = "hotline", "Hotline"
GUIDELINES = """Say what is **reported**, however it is spelt: reports by telephone are written down by a machine.

- A *ramp* or a *lamb post* in a street is a **lamp** that was misheard."""
ASKED = Wished("choices", "What is reported?", THINGS)
CHANNEL, WEB, PHONE = "channel", "web", "telephone"
REPORTS, KNOWN, VALIDATION, SEED, BUDGET = 700, 0.8, 60, 5, 10_000_000
BY_PHONE = 0.45
MISHEARD = {
    "the street lamp": "the street ramp",
    "a bent lamp post": "a bent lamb post",
    "the broken light": "the broken line",
    "a smashed lantern": "a smashed land turn",
}
CROWD = {"careful reader": (0.01, 0.55), "quick reader": (0.03, 0.85), "word list": (0.02, 0.9)}
"""Simulated voters: how often each is wrong about one thing, and how often it misses a lamp that was misheard."""
MARGIN, LEAST, SURE = 0.1, 15, 0.65
"""The gap that matters here, known lamps of a group before the first look, and when the crowd settles alone."""


@dataclass(frozen=True, slots=True)
class Call:
    """One report. `seen`: which of THINGS it tells of. `misheard`: its lamp is spelt as something else."""

    id: str
    text: str
    way: str
    district: str
    seen: tuple[str, ...]

    @property
    def misheard(self) -> bool:
        return self.way == PHONE and LAMP in self.seen


@transaction.atomic
def prepare() -> tuple[Project, bool]:
    """The project, and whether it was made just now."""
    project = Project.objects.filter(slug=SLUG).first()
    if project is not None:
        return project, False
    manager = User.objects.get(username=people.PEOPLE[-1][0])
    made = new_projects.make(Project(name=NAME, guidelines=GUIDELINES, language="en"), (ASKED,), manager)
    Project.objects.filter(pk=made.pk).update(accept_confidence=SURE, wage_microdollars_per_hour=18_000_000)
    people.join(made)
    told = list(calls())
    with tempfile.TemporaryDirectory() as folder:
        batch = _batch(made, told, Path(folder))
        asked = {"measure": "found", "margin": MARGIN, "minimum": LEAST, "when_alarmed": "pause"}
        Watch.objects.create(project=made, batch=batch, changed_by=manager, **asked)
        story.take_in(batch)
        imported_votes.take_in(made, _votes(told, Path(folder)))
    return made, True


def calls(count: int = REPORTS, seed: int = SEED) -> Iterator[Call]:
    """So many reports, the same ones for the same seed; no two have the same words."""
    generator, there = np.random.default_rng(seed), set[str]()
    while len(there) < count:
        seen = tuple(thing for thing in THINGS if generator.random() < 0.34)
        way = PHONE if generator.random() < BY_PHONE else WEB
        text = worded(seen, int(generator.integers(1, 6)), generator)
        if way == PHONE:
            for right, wrong in MISHEARD.items():
                text = text.replace(right, wrong)
        if text in there:
            text = f"{text} House number {int(generator.integers(1, 200))}."
        if text not in there:
            there.add(text)
            district = DISTRICTS[int(generator.integers(len(DISTRICTS)))]
            yield Call(f"H-{len(there):03d}", text, way, district, seen)


def _batch(project: Project, told: Sequence[Call], folder: Path) -> Batch:
    """A batch of the reports, with what is right about most of them."""
    known = np.random.default_rng(SEED).random(len(told)) < KNOWN
    path = folder / "calls.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        for one, is_known in zip(told, known, strict=True):
            row = {"id": one.id, "report": one.text, CHANNEL: one.way, "district": one.district}
            lines.write(json.dumps(row | ({"seen": list(one.seen)} if is_known else {})) + "\n")
    fields = Fields(("report",), "seen", (CHANNEL,), "id", shown=("district",))
    batch = imports.open_batch(project, str(path), fields, name="Second week", validation=VALIDATION, seed=1)
    ledger.open_purse(batch, BUDGET)
    return batch


def _votes(told: Sequence[Call], folder: Path) -> str:
    """A file with the answers of the simulated voters."""
    generator, path = np.random.default_rng(SEED + 1), folder / "votes.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("task", "worker", "label"))
        for worker, (often, misses) in CROWD.items():
            for one in told:
                out.writerows((one.id, worker, thing) for thing in _answer(one, often, misses, generator) or [""])
    return str(path)


def _answer(one: Call, often: float, misses: float, generator: np.random.Generator) -> list[str]:
    """What a voter reads in a report."""
    seen = [thing for thing in THINGS if (thing in one.seen) != (generator.random() < often)]
    deaf = one.misheard and generator.random() < misses
    return [thing for thing in seen if not (deaf and thing == LAMP)]
