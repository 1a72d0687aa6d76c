"""The page where people label: one card, one press, the next card."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from labeling.managing import guidelines
from labeling.models import Annotator
from labeling.money import ledger
from labeling.people.access import Visit, enter
from reviewers import answers, desk, guide, sheets
from reviewers.cards.asked import asked_of
from reviewers.forms import AnswerForm
from reviewers.models import Assignment
from reviewers.notices import Notice
from reviewers.quality import progress
from reviewers.queue import answering, claiming, holding
from reviewers.views import HtmxRequest, newest


@never_cache
@require_GET
def page(request: HtmxRequest, slug: str) -> HttpResponse:
    """The next task, or with ?answer= one of one's last answers, open to be changed."""
    visit, annotator = _at_desk(request, slug)
    if "answer" in request.GET:
        return _show(request, visit, desk.look_back(_own(annotator, request.GET["answer"])))
    return _next(request, visit, annotator)


@require_POST
def submit(request: HtmxRequest, slug: str, assignment: int) -> HttpResponse:
    """Take a label, a skip or a flag; the answer is the next card."""
    visit, annotator = _at_desk(request, slug)
    own = _own(annotator, assignment)
    if "part" in request.POST:
        return _several(request, visit, own)
    form = AnswerForm(asked_of(own.escalation.task), request.POST)
    if not form.is_valid():
        return _again(request, visit, own, {own.escalation.task_id: form.kept}, form.fault)
    if form.cleaned_data["act"] == "rows":
        return _again(request, visit, own, {own.escalation.task_id: form.kept})
    try:
        notice = answers.give(own, form.cleaned_data)
        left = form.cleaned_data["act"] == "release"
        return HttpResponse(status=204) if left else _next(request, visit, annotator, notice)
    except answering.Conflict as reason:
        return _next(request, visit, annotator, answers.refused(form.cleaned_data, str(reason)), 409)


@require_POST
def undo(request: HtmxRequest, slug: str) -> HttpResponse:
    """Take back what was done last, or what `target` names."""
    visit, annotator = _at_desk(request, slug)
    target = _own(annotator, request.POST["target"]) if request.POST.get("target") else None
    try:
        return _next(request, visit, annotator, answers.take_back(annotator, target))
    except answering.Conflict as reason:
        return _next(request, visit, annotator, Notice("Nothing was taken back.", str(reason), bad=True), 409)


@require_POST
def keep(request: HtmxRequest, slug: str, assignment: int) -> HttpResponse:
    """A sign of work on a task or a case: it is this person's for a whole lease from now on."""
    visit = enter(request, slug)
    own = get_object_or_404(Assignment.objects.of(visit.user, visit.project).with_task(), pk=assignment)
    try:
        kept, why = holding.work_on(own), ""
    except ledger.Refused as reason:
        kept, why = None, str(reason)
    if not request.htmx:
        return redirect("cases" if own.annotator.kind == Annotator.Kind.EXPERT else "annotate", slug)
    if kept is None:
        return JsonResponse({"why": why}, status=409)
    return JsonResponse({"left": round(kept.seconds_left)})


@require_POST
def rest(request: HtmxRequest, slug: str) -> HttpResponse:
    """Nobody is at work on the page: what was handed out only to be looked at goes back to the queue."""
    visit = enter(request, slug)
    keys = _keys(request.POST.get("held", ""))
    mine = Assignment.objects.of(visit.user, visit.project).filter(pk__in=keys)
    holding.rest(mine.exclude(annotator__in=newest.shown_since(request)))
    return HttpResponse(status=204)


@never_cache
@require_GET
def pace(request: HtmxRequest, slug: str) -> HttpResponse:
    """How far this person is, and which of their tasks still count; asked for whenever the queue moves."""
    visit = enter(request, slug)
    annotator = visit.annotator()
    told = {"visit": visit, "progress": progress(annotator), "held": desk.still_held(annotator)}
    return render(request, "reviewers/annotate.html#pace", told)


def _at_desk(request: HtmxRequest, slug: str) -> tuple[Visit, Annotator]:
    """Who labels here, with the project's questions and labels fetched once for everything that needs them."""
    visit = enter(request, slug)
    prefetch_related_objects([visit.project], "questions__labels")
    return visit, visit.annotator()


def _own(annotator: Annotator, key: Any) -> Assignment:
    """What this person holds or held as annotator. Raises Http404 for anything else."""
    found = claiming.own(annotator, int(key)) if str(key).isdecimal() else None
    if found is None:
        raise Http404("No such answer.")
    return found


def _next(
    request: HtmxRequest, visit: Visit, annotator: Annotator, notice: Notice | None = None, status: int = 200
) -> HttpResponse:
    """The next card: as part of the page where scripts run, by way of a redirect where they do not."""
    if request.method == "POST" and not request.htmx:
        if notice:
            messages.add_message(request, messages.ERROR if notice.bad else messages.INFO, str(notice))
        return redirect("annotate", visit.project.slug)
    told = request.POST if request.method == "POST" else request.GET
    laid_out = desk.lay_out(
        annotator,
        ahead=holding.AHEAD if request.htmx else 0,
        at_work=request.method == "POST",
        known=_keys(told.get("have", "")),
        notice=notice,
    )
    return _show(request, visit, laid_out, status)


def _several(request: HtmxRequest, visit: Visit, own: Assignment) -> HttpResponse:
    """Take in what was sent from a card with several questions."""
    holds = claiming.on_card_of(own, sorted(_keys(" ".join(request.POST.getlist("part")))))
    if not holds:
        raise Http404("No such answer.")
    sheet = sheets.Sheet(sheets.with_waiting(holds, request.POST.getlist("follow")), request.POST)
    if not sheet.is_valid():
        return _again(request, visit, own, sheet.kept, sheet.fault)
    if sheet.act == "rows":
        return _again(request, visit, own, sheet.kept)
    try:
        notice = sheets.give(sheet)
        left = sheet.act == "release"
        return HttpResponse(status=204) if left else _next(request, visit, own.annotator, notice)
    except answering.Conflict as reason:
        told = answers.refused({"words": sheet.words}, str(reason))
        return _next(request, visit, own.annotator, told, 409)


def _again(request: HtmxRequest, visit: Visit, own: Assignment, kept: dict[int, Any], fault: str = "") -> HttpResponse:
    """The same card with what was chosen on it, and what is wrong; a page with scripts has the card still."""
    status, notice = (400, answers.refused({}, fault)) if fault else (200, None)
    if request.htmx:
        return _next(request, visit, own.annotator, notice, status)
    begun = desk.Begun(kept, request.POST.get("note", ""))
    laid_out = desk.lay_out(own.annotator, at_work=True, notice=notice, begun=begun)
    return _show(request, visit, laid_out, status)


def _keys(told: str) -> set[int]:
    """The assignments that a page names, as many as it can hold."""
    return {int(key) for key in told.split()[: 4 * holding.MOST] if key.isdecimal() and len(key) < 19}


def _show(request: HtmxRequest, visit: Visit, laid_out: desk.Desk, status: int = 200) -> HttpResponse:
    told: dict[str, Any] = {"visit": visit, "desk": laid_out, "held": laid_out.held}
    if request.htmx:
        return render(request, "reviewers/annotate.html#desk", told, status=status)
    newest.remember(request, laid_out.annotator.pk, laid_out.at)
    told |= {"guide": guide.guide(visit.project), "guide_news": guidelines.is_news(visit.membership)}
    return render(request, "reviewers/annotate.html", told, status=status)
