"""Alarms on the overview: a manager has seen one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from labeling.checks import alarms
from labeling.people.access import Role, enter


@require_POST
def clear(request: HttpRequest, slug: str, alarm: int) -> HttpResponse:
    """Clear an alarm; what it had paused goes on."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(visit.project.alarms.standing(), pk=alarm)
    alarms.clear(found)
    messages.success(request, f"Cleared: {found.why}")
    return redirect("project", slug)
