"""Every cap of a project with what is spent and held under it: the whole project, the day, each batch."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from labeling.models import Project, Purse
from labeling.reports.money import bills
from labeling.reports.money.bills import Meter

PROJECT, DAY = "project", "day"


@dataclass(frozen=True, slots=True)
class Cap:
    """One line of the budgets. `scope`: project, day, or a batch's key. `meter` is None where no such cap is set."""

    scope: str
    name: str
    about: str
    url: str
    meter: Meter | None


def caps(project: Project) -> list[Cap]:
    """The caps that cover everything, then those of the batches, newest first."""
    return [_of_project(project), _of_today(project), *_of_batches(project)]


def _of_project(project: Project) -> Cap:
    purse = Purse.objects.filter(project=project, batch=None, day=None).first()
    told = "all batches together" if purse else "no cap; each batch has its own"
    return Cap(PROJECT, "Whole project", told, "", bills.of_purse(purse) if purse else None)


def _of_today(project: Project) -> Cap:
    """Today's purse is made with the first reservation; until then nothing is spent or held today."""
    cap, today = project.day_cap_microdollars, timezone.now().date()
    if cap is None:
        return Cap(DAY, "Each day", "no cap", "", None)
    purse = Purse.objects.filter(project=project, day=today).first()
    return Cap(DAY, "Each day", f"today, {today:%-d %b}, UTC", "", bills.of_purse(purse) if purse else Meter(cap, 0, 0))


def _of_batches(project: Project) -> list[Cap]:
    return [
        Cap(
            str(purse.batch_id),
            purse.batch.name,
            "paused" if purse.batch.paused_at else str(purse.batch.get_stage_display()),
            purse.batch.get_absolute_url(),
            bills.of_purse(purse),
        )
        for purse in bills.batch_purses(project)
        if purse.batch is not None and purse.batch.deleted_at is None
    ]
