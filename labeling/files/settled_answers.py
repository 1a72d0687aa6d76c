"""Settled answers out of the tables, in the form that writers of foreign formats take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from labeling.files import exports, picture_store
from labeling.files.answers import Asking
from labeling.files.foreign.settled import Asked, Settled, Shown
from labeling.models import Batch, Decision, Project

ROWS = 2000


def asked(asking: Asking) -> Asked:
    """A question as writers of foreign formats know it."""
    values = asking.space.values
    ends = (values[0], values[-1]) if values else None
    names = tuple(label.name for label in asking.labels)
    return Asked(asking.number, asking.question.wording, asking.question.kind, names, ends)


def settled(scope: Batch | Project, chosen: dict[int, Asking]) -> Iterator[Settled]:
    """One record for each instance about which something is settled, in the order in which they came."""
    forms = {key: asked(asking) for key, asking in chosen.items()}
    decisions = exports.decided(scope).filter(task__question__in=list(chosen))
    for _, rows in groupby(decisions.iterator(ROWS), key=lambda decision: decision.task.instance_id):
        yield _settled(list(rows), chosen, forms)


def _settled(decisions: Sequence[Decision], chosen: dict[int, Asking], forms: dict[int, Asked]) -> Settled:
    task = decisions[0].task
    keys = [decision.task.question_id for decision in decisions]
    answers = tuple((forms[key], chosen[key].cells(one)) for key, one in zip(keys, decisions, strict=True))
    images = tuple(Shown(one["title"], one["file"], partial(picture_store.read, one["file"])) for one in task.images)
    return Settled(task.external_id, task.text, answers, images, dict(task.groups))
