"""A project in full swing, made of the texts in this folder: three people, a batch, the embedded crowd."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from labeling.files import imports
from labeling.files.guesses import fields_for
from labeling.models import Batch, Label, Membership, Project
from labeling.money import ledger
from labeling.people import recruiting

FOLDER = Path(__file__).parent
SLUG = "city-requests"
PEOPLE = (
    ("amira", "Amira", "Nasser", "annotator"),
    ("jonas", "Jonas", "Berg", "expert"),
    ("miriam", "Miriam", "Keller", "manager"),
)
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
        _batch(project)
    return project, [_person(project, *who) for who in PEOPLE], made


def latest_batch(project: Project) -> Batch:
    return project.batches.latest("pk")


def _project() -> Project:
    told = json.loads((FOLDER / "project.json").read_text(encoding="utf-8"))
    project = Project.objects.create(
        name=told["name"],
        slug=SLUG,
        question=told["question"],
        guidelines=told["guideline"],
        group_name="District",
        language="en",
        wage_microdollars_per_hour=WAGE,
    )
    Label.objects.bulk_create(
        Label(
            project=project,
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
    fields = fields_for(path, ["text"], "gold", "district", "id", ["channel", "received"])
    batch = imports.open_batch(project, path, fields, name="March requests", validation=VALIDATION, seed=1)
    ledger.open_purse(batch, BUDGET)
    return batch


def _person(project: Project, username: str, first: str, last: str, role: str) -> SignIn:
    """The person with a new random password; an old one does not work any more."""
    password = secrets.token_urlsafe(9)
    user, _ = User.objects.get_or_create(username=username, defaults={"first_name": first, "last_name": last})
    user.set_password(password)
    user.save()
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": role})
    return SignIn(role, username, password)
