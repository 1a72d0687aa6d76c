"""The datasheet of a batch on a page and as files, and the form for what no log can know."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from fairness.disclosure import asked, files
from fairness.disclosure.forms import AboutDataForm
from fairness.disclosure.sections import sections, title
from fairness.disclosure.sheet import sheet
from fairness.views import batch_of
from labeling.models import Alarm, AlarmAnswer, Batch, LedgerEntry
from labeling.models.guideline import digest_of, told_now
from labeling.people.access import Role, enter
from labeling.reports import kept


@require_safe
def datasheet(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """All that the rows know about how the labels came to be, to read, print and take away."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    answered = asked.answers(visit.project)
    told, again = kept.keep_and_tell(_name(found, answered), _state(found), lambda: (timezone.now(), sheet(found)))
    context = {
        "visit": visit,
        "here": "batch",
        "batch": found,
        "manages": visit.may(Role.MANAGER),
        "title": title(told[1]),
        "sections": sections(told[1]),
        "unanswered": len(asked.unanswered(answered)),
        "now": told[0],
        "again": again,
    }
    return render(request, "fairness/datasheet/sheet.html", context)


def _name(batch: Batch, answered: asked.Answers) -> str:
    """Where the sheet is kept; another place with every word that a person says, who then wants to read it."""
    said = tuple((one.key, one.words, tuple(one.chosen)) for one in answered.values())
    told = digest_of({**told_now(batch.project), "said": repr(said), "accepts": batch.accept_confidence})
    return f"datasheet.{batch.pk}.{batch.created_at.timestamp()}.{told}"


def _state(batch: Batch) -> object:
    """Changes with whatever else a sheet tells; the page may be some seconds behind, files are always made anew."""
    tops = [rows.aggregate(top=Max("pk"))["top"] for rows in (batch.certificates.all(), batch.rounds.all())]
    tops += [model.objects.aggregate(top=Max("pk"))["top"] for model in (LedgerEntry, Alarm, AlarmAnswer)]
    return kept.version(), tops, batch.stage, batch.paused_at, batch.error


@require_safe
def download(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """The datasheet as a file: ?format=html, md, json or croissant, which is a ZIP with the data."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    form = request.GET.get("format", "")
    if form not in files.FORMATS:
        raise Http404("A datasheet is html, md, json or croissant.")
    made = files.FORMATS[form](found)
    data = files.packed(made) if len(made) > 1 else made[""]
    name = f"{slug}-batch-{found.pk}-{'croissant' if form == 'croissant' else 'datasheet'}.{files.ENDINGS[form]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(data, content_type=files.TYPES[form], headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def about_data(request: HttpRequest, slug: str) -> HttpResponse:
    """What only people know about the data of a project; it stands in every datasheet of it."""
    visit = enter(request, slug, Role.MANAGER if request.method == "POST" else Role.EXPERT)
    form = AboutDataForm(visit.project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(visit.user)
        messages.success(request, "Saved; it stands in every datasheet of this project.")
        return redirect("about_data", slug)
    context = {
        "visit": visit,
        "form": form,
        "manages": visit.may(Role.MANAGER),
        "batch": visit.project.batches.kept().first(),
        "left": len(asked.unanswered(asked.answers(visit.project))),
        "of": len(asked.QUESTIONS),
    }
    status = 422 if form.errors else 200
    return render(request, "fairness/datasheet/about_data.html", context, status=status)
