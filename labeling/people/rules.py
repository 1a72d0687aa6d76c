"""Who may join the crowd from a page: what only the server's staff may name stays out of reach of managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from labeling.crowd import registry
from labeling.crowd.errors import Misconfigured
from labeling.models import Annotator, Project
from labeling.people import recruiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STAFF_ONLY = (
    "{what} can be named by the server's staff only: in the file that CONCORD_ANNOTATORS points to, from which you "
    "choose by name, or when they are signed in themselves."
)


def named() -> dict[str, str]:
    """The annotators that the server's staff prepared, by name."""
    return registry.read_annotators(settings.ANNOTATORS_FILE) if settings.ANNOTATORS_FILE else {}


PRICED = "priced"
"""What a manager chooses for a model that votes on every task for money."""


def join(project: Project, kind: str, spec: str, user: User) -> Annotator:
    """Let a voter join: a model, a paid one, or `PRICED`. Raises CrowdError with one sentence that says what to do."""
    prepared = named()
    line = prepared.get(spec, spec)
    if line == spec and settings.PRODUCTION and not user.is_staff:
        refuse_reach(spec)
    vouched = line != spec or user.is_staff
    voter = registry.build(line)
    if voter.outside and project.local_only:
        raise Misconfigured(
            f"{voter.name} sends texts away, and no text of this project may leave; choose a local one."
        )
    if kind == Annotator.Kind.PAID:
        return recruiting.add_paid(project, line, vouched=vouched)
    return recruiting.add_models(project, [line], priced=kind == PRICED, vouched=vouched)[0]


def refuse_reach(line: str) -> None:
    """Raise Misconfigured for a line whose settings reach for something of the server: a key, a file, its network."""
    for what in registry.reach(line):
        raise Misconfigured(STAFF_ONLY.format(what=what))


def check_reach(annotator: Annotator) -> None:
    """Raise Misconfigured where an annotator would use something of the server that its staff never allowed it.

    Looked at whenever it is made ready: a row may have been written by a version that did not check.
    """
    if not settings.PRODUCTION or annotator.vouched:
        return
    prepared = named()
    if annotator.spec in prepared or annotator.spec in prepared.values():
        return
    for what in registry.reach(annotator.spec):
        raise Misconfigured(
            f"{annotator} uses what only the server's staff may allow ({what}); ask them to sign in and press Go on "
            "beside it on the page of the crowd."
        )


def open_to(line: str, user: User) -> bool:
    """Whether this user may let the voter of this line join."""
    return not settings.PRODUCTION or user.is_staff or not registry.reach(line)


def pause(annotator: Annotator) -> None:
    """Ask this voter nothing more until it goes on; what it said stays."""
    Annotator.objects.filter(pk=annotator.pk, paused_at=None).update(paused_at=timezone.now(), error="")


def go_on(annotator: Annotator, user: User | None = None) -> None:
    """Ask again, with a clean slate for its failures; if the server's staff say so, it may use what the server has."""
    vouch = {"vouched": True} if user is not None and user.is_staff else {}
    mine = Annotator.objects.filter(pk=annotator.pk)
    mine.update(paused_at=None, failures=0, retry_at=None, error="", **vouch)
