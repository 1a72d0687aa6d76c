"""A second project of the demo: a drawn picture and a short report each, with three questions about the two."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction

from labeling.files import imported_votes, imports
from labeling.files.rows import Fields
from labeling.management.demo import people
from labeling.management.demo.street_reports import OBJECT, PLACE, Report, reports
from labeling.management.demo.street_scenes import THINGS
from labeling.managing import new_projects
from labeling.managing.new_projects import Wished
from labeling.models import Batch, Project
from labeling.money import ledger
from labeling.rounds import story

SLUG = "street-reports"
NAME = "Street reports"
GUIDELINES = """Say what the **picture** shows, not what the report claims.

- Urgent is what may hurt somebody today: 5. What only looks bad: 1 or 2.
- Mark the words that name a **place** or the broken **object**, with their article."""
ASKED = (
    Wished("scale", "How urgent is it, from 1 (no hurry) to 5 (today)?", tuple("12345")),
    Wished("choices", "What does the picture show?", THINGS),
    Wished("spans", "Which words of the report name the place or the object?", (PLACE, OBJECT)),
)
VALIDATION, BUDGET, SEED = 40, 10_000_000, 11
CROWD = {"careful eyes": 0.05, "quick eyes": 0.12, "tired eyes": 0.22, "night owl": 0.15}
"""Simulated voters, and how often each is wrong about one thing by day."""
AT_NIGHT = 2.0
"""By night all but the last of them err so many times as often."""
FLAGGED, NOTE = "S-014", "Three things at once: is the hole deep enough to be urgent?"


@transaction.atomic
def prepare() -> tuple[Project, bool]:
    """The project, and whether it was made just now."""
    project = Project.objects.filter(slug=SLUG).first()
    if project is not None:
        return project, False
    manager = User.objects.get(username=people.PEOPLE[-1][0])
    made = new_projects.make(Project(name=NAME, guidelines=GUIDELINES, language="en"), ASKED, manager)
    people.join(made)
    told = list(reports())
    with tempfile.TemporaryDirectory() as folder:
        batch = _batch(made, told, Path(folder))
        story.take_in(batch)
        imported_votes.take_in(made, _votes(told, Path(folder)))
    people.flag(made, FLAGGED, NOTE)
    return made, True


def _batch(project: Project, told: Sequence[Report], folder: Path) -> Batch:
    """A batch of rows and pictures in a folder, with what is right about half of them."""
    with (folder / "reports.jsonl").open("w", encoding="utf-8") as lines:
        for number, one in enumerate(told):
            (folder / f"{one.id}.png").write_bytes(one.picture)
            row = {
                "id": one.id,
                "report": one.text,
                "picture": f"{one.id}.png",
                "picture_alt": f"a street by {one.light}",
            }
            known = {"seen": list(one.seen), "urgent": one.urgent, "marks": one.marks} if number % 2 else {}
            groups = {"district": one.district, "light": one.light}
            lines.write(json.dumps(row | known | groups) + "\n")
    fields = Fields(
        ("report",),
        "urgent",
        ("district", "light"),
        "id",
        images=("picture",),
        pictures=str(folder),
        golds=("seen", "marks"),
    )
    path = str(folder / "reports.jsonl")
    batch = imports.open_batch(project, path, fields, name="First week", validation=VALIDATION, seed=1)
    ledger.open_purse(batch, BUDGET)
    return batch


def _votes(told: Sequence[Report], folder: Path) -> str:
    """A file with the answers of the simulated voters to all three questions."""
    generator = np.random.default_rng(SEED)
    path = folder / "votes.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("task", "worker", "label", "question"))
        for worker, often in CROWD.items():
            for one in told:
                out.writerows((one.id, worker, *answer) for answer in _answers(one, worker, often, generator))
    return str(path)


def _answers(one: Report, worker: str, often: float, generator: np.random.Generator) -> Iterator[tuple[str, int]]:
    """What a voter says of a report: cells with the number of their question."""
    worse = AT_NIGHT if one.light == "night" and worker != tuple(CROWD)[-1] else 1.0
    seen = [thing for thing in THINGS if (thing in one.seen) != (generator.random() < often * worse)]
    yield from ((thing, 2) for thing in seen or [""])
    yield str(int(np.clip(one.urgent + round(generator.normal(0, 5 * often)), 1, 5))), 1
    marks = [_moved(mark, generator) if generator.random() < often else mark for mark in one.marks]
    kept = [mark for mark in marks if generator.random() >= often]
    yield json.dumps(kept), 3


def _moved(mark: tuple[int, int, str], generator: np.random.Generator) -> tuple[int, int, str]:
    """A mark that leaves out an article, or names the other type."""
    start, end, kind = mark
    if generator.random() < 0.5 and end - start > 6:
        return start + 2, end, kind
    return start, end, PLACE if kind == OBJECT else OBJECT
