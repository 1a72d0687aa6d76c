"""Best-effort nudges to open pages: after commit, never a reason for a vote to fail."""

from __future__ import annotations

import asyncio
import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import Max

from labeling.models import Alarm, Batch, Chunk, Decision, Escalation, Vote

log = logging.getLogger(__name__)

QUEUE = "queue"
PROGRESS = "progress"
GUIDE = "guide"
ALARM = "alarm"
PATIENCE = 0.5
"""Seconds that a nudge may take; a transport that hangs must not hold up whoever answers."""


def group_of(project_id: int) -> str:
    """The channel group of everybody who looks at this project."""
    return f"project.{project_id}"


def announce(project_id: int, *what: str) -> None:
    """Tell the open pages of a project, once this transaction is committed, what changed. Carries no data."""
    transaction.on_commit(lambda: _send(project_id, what or (PROGRESS,)))


def _send(project_id: int, what: tuple[str, ...]) -> None:
    async def speak() -> None:
        sending = get_channel_layer().group_send(group_of(project_id), {"type": "live.event", "what": list(what)})
        await asyncio.wait_for(sending, PATIENCE)

    try:
        async_to_sync(speak)()
    except Exception as error:  # whatever the transport does, the vote is already safe
        log.warning("No live update for project %s: %s", project_id, error)


def alarms() -> tuple[object, ...]:
    """Changes whenever an alarm is raised or answered; one look at a small table."""
    found = Alarm.objects.aggregate(top=Max("pk"), cleared=Max("cleared_at"))
    return found["top"], found["cleared"]


def fingerprint() -> tuple[object, ...]:
    """Changes whenever votes, decisions, escalations or batches do; a few index look-ups, whatever the size."""
    votes = Vote.objects.aggregate(top=Max("pk"))["top"]
    decisions = Decision.objects.aggregate(top=Max("pk"))["top"]
    escalations = Escalation.objects.aggregate(top=Max("pk"), closed=Max("closed_at"))
    chunks = Chunk.objects.aggregate(done=Max("done_at"))["done"]
    batches = tuple(Batch.objects.order_by("-pk").values_list("stage", "rows_read", "paused_at")[:50])
    return votes, decisions, escalations["top"], escalations["closed"], chunks, batches
