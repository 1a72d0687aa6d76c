"""What workers run for audits: an id in, one call out, safe to repeat."""

from __future__ import annotations

import logging

from django_tasks import task

from fairness.audit import asking
from fairness.models import Audit

log = logging.getLogger(__name__)


@task()
def ask(audit_id: int) -> None:
    """Put the next sentences to one annotator, and come back while there is more to do."""
    if asking.step(audit_id):
        ask.enqueue(audit_id)


def go_on(audit_id: int) -> None:
    """Wake a worker for an audit."""
    ask.enqueue(audit_id)


def wake_all() -> None:
    """Wake a worker for every audit that owes answers and that nobody holds; the sweep calls it."""
    wake_silent(list(Audit.objects.silent()))


def wake_silent(audits: list[Audit]) -> None:
    """Wake workers for audits that owe answers and that no worker holds: one that was killed left them so."""
    silent = set(Audit.objects.silent().filter(pk__in=[one.pk for one in audits]).values_list("pk", flat=True))
    for pk in silent:
        go_on(pk)
