"""A project in full swing, made of the texts in this folder: three people, a batch, the embedded crowd, a case."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from labeling.files import imports
from labeling.files.guesses import fields_for
from labeling.models import Annotator, Batch, Escalation, Label, Membership, Project
from labeling.money import ledger
from labeling.people import recruiting
from labeling.rounds import settling, story

FOLDER = Path(__file__).parent
SLUG = "city-requests"
PEOPLE = (
    ("amira", "Amira", "Nasser", "annotator"),
    ("jonas", "Jonas", "Berg", "expert"),
    ("miriam", "Miriam", "Keller", "manager"),
)
FLAGGED = "R-0070"
NOTE = "Is it the trough that leaks, or the road that is icy? The guide has both."
VALIDATION = 120
BUDGET = 25_000_000
WAGE = 18_000_000


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way into the demo, shown once."""

    role: str
    username: str
    password: str


@transaction.atomic
def prepare() -> tuple[Project, list[SignIn], bool]:
    """The demo's project, fresh passwords for its three people, and whether it was made just now."""
    project = Project.objects.filter(slug=SLUG).first()
    made = project is None
    if project is None:
        project = _project()
        story.take_in(_batch(project))
        _flag(project)
    return project, [_person(project, *who) for who in PEOPLE], made


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


def _flag(project: Project) -> None:
    """A colleague has flagged one request already, so that an expert has something to settle at the first sign-in."""
    user, _ = User.objects.get_or_create(username="lea", defaults={"first_name": "Lea", "last_name": "Winter"})
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": Membership.Role.ANNOTATOR})
    lea = Annotator.of(project, user, Annotator.Kind.PERSON)
    task = project.tasks.get(instance__external_id=FLAGGED)
    asked = Escalation.objects.create(
        task=task, to=lea.kind, reason=Escalation.Reason.UNCERTAIN, why="The models have not voted yet."
    )
    settling.flag(asked, NOTE, lea)


def _person(project: Project, username: str, first: str, last: str, role: str) -> SignIn:
    """The person with a new random password; an old one does not work any more."""
    password = secrets.token_urlsafe(9)
    user, _ = User.objects.get_or_create(username=username, defaults={"first_name": first, "last_name": last})
    user.set_password(password)
    user.save()
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": role})
    return SignIn(role, username, password)
