"""The people of the demo: three who sign in, and a colleague who has flagged a task already."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User

from labeling.models import Annotator, Escalation, Membership, Project, Task
from labeling.rounds import settling

PEOPLE = (
    ("amira", "Amira", "Nasser", "annotator"),
    ("jonas", "Jonas", "Berg", "expert"),
    ("miriam", "Miriam", "Keller", "manager"),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way into the demo, shown once."""

    role: str
    username: str
    password: str


def sign_ins(project: Project) -> list[SignIn]:
    """The three as members, each with a new random password; an old one does not work any more."""
    return [_person(project, *who) for who in PEOPLE]


def join(project: Project) -> None:
    """The three as members of one more project."""
    for username, first, last, role in PEOPLE:
        _member(project, username, first, last, role)


def _person(project: Project, username: str, first: str, last: str, role: str) -> SignIn:
    user = _member(project, username, first, last, role)
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save()
    return SignIn(role, username, password)


def _member(project: Project, username: str, first: str, last: str, role: str) -> User:
    user, _ = User.objects.get_or_create(username=username, defaults={"first_name": first, "last_name": last})
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": role})
    return user


def flag(project: Project, name: str, note: str, place: int = 0) -> None:
    """A colleague has flagged a task already, so that an expert has something to settle at the first sign-in.

    `place`: of the question, from 0.
    """
    user, _ = User.objects.get_or_create(username="lea", defaults={"first_name": "Lea", "last_name": "Winter"})
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": Membership.Role.ANNOTATOR})
    lea = Annotator.of(project, user, Annotator.Kind.PERSON)
    task = Task.objects.get(project=project, instance__external_id=name, question__position=place)
    asked = Escalation.objects.create(
        task=task, to=lea.kind, reason=Escalation.Reason.UNCERTAIN, why="The models have not voted yet."
    )
    settling.flag(asked, note, lea)
