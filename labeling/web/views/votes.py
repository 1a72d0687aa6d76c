"""Votes out of a project and recorded votes into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from labeling.files import exported_votes, uploads
from labeling.files.tables import UnusableFile
from labeling.managing import recorded_votes
from labeling.models import Batch, Project
from labeling.people.access import Role, enter
from labeling.web.import_forms import VotesForm
from labeling.web.views import streams
from labeling.web.views.batches import batch_of

Writer = Callable[[Batch | Project, int | None], Iterator[str]]
WRITERS: dict[str, Writer] = {"csv": exported_votes.votes_as_csv, "jsonl": exported_votes.votes_as_jsonl}


@require_safe
def export(request: HttpRequest, slug: str, batch: int, kind: str) -> HttpResponseBase:
    """Every vote on a batch that stands, with who gave it, at what price, and by which prompt."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    lines = _writer(kind)(found, None)
    return streams.attachment(lines, f"{visit.project.slug}-batch-{found.pk}-votes", kind)


@require_safe
def export_project(request: HttpRequest, slug: str, kind: str) -> HttpResponseBase:
    """Every vote of a project that stands."""
    visit = enter(request, slug, Role.EXPERT)
    return streams.attachment(_writer(kind)(visit.project, None), f"{visit.project.slug}-votes", kind)


def _writer(kind: str) -> Writer:
    if kind not in WRITERS:
        raise Http404("Votes are exported as csv or jsonl.")
    return WRITERS[kind]


def told(new: int, known: int) -> str:
    """What came of a file of votes, in a sentence."""
    if not new:
        one = known == 1
        return f"Nothing has changed: the file’s {known:,} {'vote was' if one else 'votes were'} there already."
    return f"Taken in: {new:,} new {'vote' if new == 1 else 'votes'}; {known:,} were there already."


@require_POST
def take_in(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Recorded votes of a file become votes of named annotators; all of them, or none with the reason."""
    visit = enter(request, slug, Role.MANAGER)
    form = VotesForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose a file of votes: CSV or JSON by line, with task, worker and label.")
        return redirect("import", slug)
    try:
        upload = uploads.keep(form.cleaned_data["file"], visit.project.pk, request.session)
    except UnusableFile as error:
        messages.error(request, str(error))
        return redirect("import", slug)
    try:
        taken = recorded_votes.take_in(visit.project, str(upload.path), form.people())
        messages.success(request, told(taken.new, taken.known))
    except UnusableFile as error:
        messages.error(request, upload.told(error))
    finally:
        uploads.forget(upload, request.session)
    return redirect("import", slug)
