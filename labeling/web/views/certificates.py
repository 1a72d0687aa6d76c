"""The certificate of a batch: ask for one, see what it says and rests on, draw the checks it lacks, take it away."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from labeling.checks import certificates, draws, evidence, part_bounds
from labeling.checks.certificates import CannotCertify
from labeling.checks.compared import parts_of
from labeling.checks.results import Numbers
from labeling.models import Batch, Certificate, Escalation, Question, grouping
from labeling.models.grouping import By, Grouping
from labeling.models.keys import whole
from labeling.people.access import Role, Visit, enter
from labeling.reports import kept
from labeling.reports.batch.prevalence import Prevalence, prevalence
from labeling.web.forms import CertificateForm
from labeling.web.once import once
from labeling.web.pages import show
from labeling.web.questions import Asked, asked
from labeling.web.views.batches import batch_of

LISTED = 50


@require_http_methods(["GET", "HEAD", "POST"])
@once
def certificate(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """What is certified about a batch, and how common its labels are; managers ask for certificates and checks."""
    visit = enter(request, slug, Role.MANAGER if request.method == "POST" else Role.EXPERT)
    found = batch_of(visit, batch)
    about = asked(visit.project, request)
    if request.method == "POST" and "draw" in request.POST:
        return _draw(request, found, about)
    form = CertificateForm(found, about.question, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(certificates.issue(found, form.target(), visit.user, about.question))
        except CannotCertify as error:
            form.add_error(None, str(error))
    context = {**_context(visit, found, request, about), "form": form}
    parts, status = ("standing", "statistics"), 422 if form.errors else 200
    return show(request, "labeling/batch/certificate.html", context, parts=parts, status=status)


def _draw(request: HttpRequest, batch: Batch, about: Asked) -> HttpResponse:
    """Send so many more settled tasks out for a check."""
    drawn = draws.draw(batch, whole(request.POST.get("draw", "")) or 0, question=about.question)
    if drawn:
        messages.success(request, draws.words(batch, drawn))
    else:
        messages.error(request, "No settled task is left that could be checked; settle or import more of them first.")
    return redirect(f"{reverse('certificate', args=[batch.project.slug, batch.pk])}{about.query}")


def _context(visit: Visit, batch: Batch, request: HttpRequest, about: Asked) -> dict[str, Any]:
    mine = batch.certificates.filter(question=about.question)
    listed = list(mine.listed()[:LISTED])
    wanted = whole(request.GET.get("shown", ""))
    newest = listed[0].pk if listed else 0
    shown = mine.filter(pk=wanted or newest).first() if listed else None
    grouped = Grouping.of(batch, request.GET.get("by", ""))
    statistics, again = _statistics(batch, request.GET.get("label", ""), grouped.by, about.question)
    audits = Escalation.objects.in_batch(batch.pk).filter(reason=Escalation.Reason.AUDIT, task__question=about.question)
    return {
        "asked": about,
        "visit": visit,
        "here": "batch",
        "manages": visit.may(Role.MANAGER),
        "batch": batch,
        "shown": shown,
        "outlook": kept.keep(f"outlook.{shown.pk}", shown.digest, partial(certificates.outlook, shown))
        if shown
        else [],
        "parts": kept.keep(f"parts.{shown.pk}", shown.digest, partial(part_bounds.by_part, shown)) if shown else (),
        "others": evidence.without_label(shown.evidence, shown.threshold) if shown else 0,
        "answered": shown is not None and evidence.answered(shown.evidence),
        "known": evidence.known_from_file(shown.evidence) if shown else 0,
        "listed": listed,
        "drawn": batch.tasks.filter(question=about.question, check_probability__isnull=False).count(),
        "waiting": audits.open().count(),
        "since": audits.filter(closed_at__gt=shown.created_at, vote__isnull=False).count() if shown else 0,
        "price": draws.price_of_one(batch),
        "statistics": statistics,
        "grouping": grouped,
        "again": again,
    }


def _statistics(batch: Batch, label: str, by: By, question: Question) -> tuple[Prevalence, int]:
    """How common labels are, and in how many seconds newer numbers are to be had; 0 where these are current."""
    names, _ = parts_of(Numbers(question, question.label_list()))
    place = names.index(label) if label in names else ""
    of = f"{batch.pk}.{batch.created_at.timestamp()}.{question.position}"
    name = f"prevalence.{of}.{place}.{grouping.shortened(by)}"
    return kept.keep_and_tell(name, kept.version(), lambda: prevalence(batch, label, by, question))


@require_safe
def certificate_file(request: HttpRequest, slug: str, batch: int, number: int) -> HttpResponse:
    """A certificate with all it rests on, for anybody to recompute."""
    visit = enter(request, slug, Role.EXPERT)
    found = get_object_or_404(Certificate, pk=number, batch=batch_of(visit, batch))
    name = f"{slug}-batch-{found.batch_id}-certificate-{found.pk}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(certificates.as_file(found), content_type="application/json; charset=utf-8", headers=headers)
