"""Invitations: the invited accept or decline, managers take them back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from labeling.models import Invitation
from labeling.people import members
from labeling.people.access import Role, enter


@require_POST
def withdraw(request: HttpRequest, slug: str, invitation: int) -> HttpResponse:
    """Take an invitation back."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Invitation, pk=invitation, project=visit.project)
    found.delete()
    messages.success(request, f"The invitation of {found.username} is withdrawn.")
    return redirect("people", slug)


@require_POST
def again(request: HttpRequest, slug: str, invitation: int) -> HttpResponse:
    """Ask somebody who has declined once more."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Invitation, pk=invitation, project=visit.project)
    members.invite_again(found, visit.user)
    messages.success(request, f"The invitation waits for {found.username} again.")
    return redirect("people", slug)


@require_POST
def answer(request: HttpRequest, invitation: int) -> HttpResponse:
    """Accept or decline what one was invited to."""
    waiting = Invitation.objects.waiting_for(request.user).select_related("project")
    found = get_object_or_404(waiting, pk=invitation)
    if request.POST.get("action") == "accept":
        members.accept(found, request.user)  # type: ignore[arg-type]
        return redirect("annotate" if found.role == Role.ANNOTATOR else "project", found.project.slug)
    if request.POST.get("action") == "decline":
        members.decline(found)
        messages.success(request, f"You do not join {found.project}.")
    return redirect("projects")
