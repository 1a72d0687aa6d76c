"""Alarms: those that stand, at the top of every page, and one that a manager has seen."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labeling.checks import alarms
from labeling.models import Alarm
from labeling.people.access import Role, enter


@require_safe
def standing(request: HttpRequest, slug: str) -> HttpResponse:
    """The lines that are stopped, for the top of an open page."""
    visit = enter(request, slug, Role.EXPERT)
    return render(request, "includes/_stopped.html", {"visit": visit})


@require_POST
def clear(request: HttpRequest, slug: str, alarm: int) -> HttpResponse:
    """Clear an alarm; what it had paused goes on. One about groups is answered on the page of its watch."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(visit.project.alarms.standing(), pk=alarm)
    if found.kind == Alarm.Kind.GAP and found.question_id is not None and found.batch_id is not None:
        return redirect("watch", slug, found.batch_id)
    alarms.clear(found)
    messages.success(request, f"Cleared: {found.why}")
    return redirect("project", slug)
