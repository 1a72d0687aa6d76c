"""What is put away, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from labeling.managing import archives, deleting
from labeling.models import Annotator, Batch, Project
from labeling.people.access import Role, enter
from labeling.reports.money import bills
from labeling.web.views.batches import batch_of


@require_safe
def archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Batches, voters and the project itself, each with the way into the archive or back."""
    visit = enter(request, slug, Role.MANAGER)
    machines = visit.project.annotators.machines()
    names = machines.called()
    context = {
        "visit": visit,
        "here": "settings",
        "again": request.GET.get("again", ""),
        "batches": visit.project.batches.kept(),
        "deleted": [(one, bills.meter(one).spent) for one in _deleted(visit.project)],
        "voters": [(one, names[one.pk]) for one in machines.order_by("name", "pk")],
    }
    return render(request, "labeling/projects/archive.html", context)


def _deleted(project: Project) -> QuerySet[Batch]:
    return project.batches.exclude(deleted_at=None)


@require_POST
def archive_batch(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """Put a batch away, restore it, or delete it for good where its name is typed."""
    visit = enter(request, slug, Role.MANAGER)
    found = batch_of(visit, batch)
    if request.POST.get("action") == "delete":
        try:
            deleting.delete_batch(found, request.POST.get("name", ""))
            messages.success(request, f"{found.name} is deleted; what it cost stays in the ledger.")
        except deleting.CannotDelete as refusal:
            return _refused(request, slug, refusal, str(found.pk))
    elif request.POST.get("action") == "restore":
        archives.restore_batch(found)
        messages.success(request, f"{found.name} is back, paused; let it go on from its page.")
    else:
        archives.put_away_batch(found)
        messages.success(request, f"{found.name} is put away; its labels stay.")
    return redirect("archive", slug)


@require_POST
def archive_voter(request: HttpRequest, slug: str, voter: int) -> HttpResponse:
    """Put a voter away, or restore it."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Annotator.objects.machines(), pk=voter, project=visit.project)
    if request.POST.get("action") == "restore":
        archives.restore_voter(found)
        messages.success(request, f"{found.name} is back and votes from the next batch on.")
    else:
        archives.put_away_voter(found)
        messages.success(request, f"{found.name} is put away; what it said stays and counts.")
    return redirect("archive", slug)


@require_POST
def archive_project(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the project away, restore it, or delete it for good where its name is typed."""
    visit = enter(request, slug, Role.MANAGER)
    if request.POST.get("action") == "delete":
        return _delete_project(request, visit.project)
    if request.POST.get("action") == "restore":
        archives.restore_project(visit.project)
        messages.success(request, f"{visit.project} is back. Its batches are paused, and paid calls are stopped.")
        return redirect(visit.project)
    archives.put_away_project(visit.project)
    messages.success(request, f"{visit.project} is put away; only its managers can open it.")
    return redirect("archive", slug)


def _delete_project(request: HttpRequest, project: Project) -> HttpResponse:
    slug, name = project.slug, project.name
    try:
        deleting.delete_project(project, request.POST.get("name", ""))
    except deleting.CannotDelete as refusal:
        return _refused(request, slug, refusal, "project")
    messages.success(request, f"{name} is deleted.")
    return redirect("projects")


def _refused(request: HttpRequest, slug: str, refusal: deleting.CannotDelete, what: str) -> HttpResponse:
    """Back to the archive, where what was to be deleted stays open for another try."""
    messages.error(request, str(refusal))
    return redirect(f"{reverse('archive', args=[slug])}?again={what}")
