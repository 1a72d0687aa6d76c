"""The pages of audits: candidates side by side, and the same sentence with one thing changed."""

from __future__ import annotations

from pathlib import Path

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from fairness.audit import jobs, making, rows, sentences, told
from fairness.audit.forms import AuditForm, ChecksForm
from fairness.models import Audit
from labeling.files import uploads
from labeling.files.tables import UnusableFile
from labeling.models.grouping import Grouping
from labeling.money.ledger import Refused
from labeling.people.access import Role, Visit, enter
from labeling.web.once import once
from labeling.web.pages import show
from labeling.web.questions import Asked, asked


@require_http_methods(["GET", "HEAD", "POST"])
@once
def lineup(request: HttpRequest, slug: str) -> HttpResponse:
    """Every model and person on the same checked tasks: how right, how fair, at what price and pace.

    Managers let further models answer copies of these tasks here.
    """
    visit = enter(request, slug, Role.MANAGER)
    form = ChecksForm(visit.project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            chosen = list(form.cleaned_data["annotators"])
            asked_now = asked(visit.project, request).question
            made = making.begin_checks(asked_now, chosen, visit.user, form.cap_microdollars())
        except making.CannotAudit as error:
            form.add_error("annotators", str(error))
        except Refused as error:
            form.add_error("cap", str(error))
        else:
            messages.success(request, f"{made.batch.rows_new:,} checked tasks are put to {_who(made)}.")
            return redirect("audit", slug, made.pk)
    grouped, about = Grouping.of(visit.project, request.GET.get("by", "")), asked(visit.project, request)
    found, again = rows.lineup_and_wait(about.question, grouped.by)
    context = {
        "visit": visit,
        "here": "crowd",
        "asked": about,
        "manages": True,
        "grouping": grouped,
        "found": found,
        "again": again,
        "form": form,
    }
    return show(request, "fairness/lineup.html", context, parts=("report",), status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@once
def audits(request: HttpRequest, slug: str) -> HttpResponse:
    """The audits of a project; managers put a file of sentences to models here."""
    visit = enter(request, slug, Role.MANAGER)
    about = asked(visit.project, request)
    form = AuditForm(visit.project, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = _begin(request, visit, about, form)
        except (UnusableFile, making.CannotAudit) as error:
            form.add_error("file", str(error))
        except Refused as error:
            form.add_error("cap", str(error))
        else:
            messages.success(request, f"{made.batch.rows_new:,} sentences are put to {_who(made)}.")
            return redirect("audit", slug, made.pk)
    found = list(
        Audit.objects.filter(project=visit.project)
        .select_related("question", "batch")
        .prefetch_related("members__annotator")
    )
    context = {"visit": visit, "here": "crowd", "asked": about, "manages": True, "form": form, "audits": found}
    return show(request, "fairness/audits.html", context, status=422 if form.errors else 200)


def _begin(request: HttpRequest, visit: Visit, about: Asked, form: AuditForm) -> Audit:
    """Raises UnusableFile, CannotAudit, Refused."""
    upload = uploads.keep(form.cleaned_data["file"], visit.project.pk, request.session)
    try:
        found = sentences.read(str(upload.path), form.columns())
    except UnusableFile as error:
        raise UnusableFile(upload.told(error)) from error
    finally:
        uploads.forget(upload, request.session)
    name = Path(form.cleaned_data["file"].name).stem
    chosen = list(form.cleaned_data["annotators"])
    return making.begin(about.question, name, found, chosen, visit.user, form.cap_microdollars())


def _who(audit: Audit) -> str:
    names = [member.annotator.name for member in audit.members.select_related("annotator")]
    return names[0] if len(names) == 1 else f"{len(names)} models"


@require_http_methods(["GET", "HEAD", "POST"])
def audit(request: HttpRequest, slug: str, audit: int) -> HttpResponse:
    """What one audit has found; those that were left can be asked again."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Audit.objects.select_related("question", "batch"), pk=audit, project=visit.project)
    found.question.project = visit.project
    if request.method == "POST":
        making.again(found)
        messages.success(request, "They are asked again.")
        return redirect("audit", slug, audit)
    jobs.wake_silent([found])
    report, again = told.told_and_wait(found)
    context = {
        "visit": visit,
        "here": "crowd",
        "manages": True,
        "audit": found,
        "found": report,
        "again": again or (3 if report.working else 0),
        "noun": found.question.measures.noun,
    }
    return show(request, "fairness/audit.html", context, parts=("report",))
