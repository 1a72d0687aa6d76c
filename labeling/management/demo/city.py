"""A project in full swing, made of the texts in this folder: three people, a batch, the embedded crowd, a case."""

from __future__ import annotations

import json
from pathlib import Path

from django.db import transaction

from labeling.files import imports
from labeling.files.guesses import fields_for
from labeling.management.demo import people
from labeling.management.demo.people import SignIn
from labeling.models import Batch, Label, Project
from labeling.money import ledger
from labeling.people import recruiting
from labeling.rounds import story

FOLDER = Path(__file__).parent
SLUG = "city-requests"
FLAGGED = "R-0070"
NOTE = "Is it the trough that leaks, or the road that is icy? The guide has both."
VALIDATION = 120
BUDGET = 25_000_000
WAGE = 18_000_000


@transaction.atomic
def prepare() -> tuple[Project, list[SignIn], bool]:
    """The demo's project, fresh passwords for its three people, and whether it was made just now."""
    project = Project.objects.filter(slug=SLUG).first()
    made = project is None
    if project is None:
        project = _project()
        story.take_in(_batch(project))
        people.flag(project, FLAGGED, NOTE)
    return project, people.sign_ins(project), made


def latest_batch(project: Project) -> Batch:
    return project.batches.latest("pk")


def _project() -> Project:
    told = json.loads((FOLDER / "project.json").read_text(encoding="utf-8"))
    project = Project.objects.create(
        name=told["name"],
        slug=SLUG,
        guidelines=told["guideline"],
        group_name="Part of town",
        language="en",
        wage_microdollars_per_hour=WAGE,
    )
    question = project.first_question
    question.wording = told["question"]
    question.save()
    Label.objects.bulk_create(
        Label(
            question=question,
            position=position,
            name=label["name"],
            short=label["short"],
            hint=label["hint"],
            description=label["description"],
        )
        for position, label in enumerate(told["labels"])
    )
    recruiting.add_models(project, recruiting.embedded_crowd(1))
    return project


def _batch(project: Project) -> Batch:
    path = str(FOLDER / "city_requests.jsonl")
    fields = fields_for(path, ["text"], "gold", ["part"], "id", ["district", "channel", "received"])
    batch = imports.open_batch(project, path, fields, name="March requests", validation=VALIDATION, seed=1)
    ledger.open_purse(batch, BUDGET)
    return batch
