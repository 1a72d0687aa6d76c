"""The page where experts settle cases: who said what side by side, one label, one reason."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from labeling.managing import guidelines
from labeling.models import Annotator, Escalation
from labeling.models.keys import whole
from labeling.people.access import Role, Visit, enter
from reviewers import answers, cases, guide
from reviewers.cards.asked import asked_of
from reviewers.forms import CaseForm
from reviewers.models import Assignment
from reviewers.notices import Notice
from reviewers.quality import progress
from reviewers.queue import answering, claiming
from reviewers.views import HtmxRequest, newest

EXPERT = Annotator.Kind.EXPERT


@never_cache
@require_GET
def page(request: HtmxRequest, slug: str) -> HttpResponse:
    """The next case, or the one that ?case= names."""
    visit = enter(request, slug, Role.EXPERT)
    wanted = _case(visit, request.GET["case"]) if "case" in request.GET else None
    taken = whole(request.GET["take"]) if "take" in request.GET else None
    return _show(request, visit, cases.open_bench(visit.annotator(EXPERT), wanted, taken=taken))


@require_POST
def settle(request: HtmxRequest, slug: str, assignment: int) -> HttpResponse:
    """Settle a case, put it off, send it back, or take back what was settled; the answer is the next case."""
    visit = enter(request, slug, Role.EXPERT)
    own = claiming.own(visit.annotator(EXPERT), assignment)
    if own is None:
        raise Http404("No such case.")
    form = CaseForm(asked_of(own.escalation.task), request.POST)
    if not form.is_valid():
        return _again(request, visit, own, form)
    try:
        return _next(request, visit, answers.settle(own, form.cleaned_data))
    except answering.Conflict as reason:
        return _next(request, visit, answers.refused(form.cleaned_data, str(reason)), 409)


@never_cache
@require_GET
def state(request: HtmxRequest, slug: str) -> HttpResponse:
    """Who is at work on what, and whether the case on the screen still waits; asked for whenever the queue moves."""
    visit = enter(request, slug, Role.EXPERT)
    expert = visit.annotator(EXPERT)
    told = {
        "visit": visit,
        "progress": progress(expert),
        "colleagues": cases.colleagues(expert),
        "fate": cases.fate(_case(visit, request.GET.get("case", "")), expert),
    }
    return render(request, "reviewers/cases.html#state", told)


def _case(visit: Visit, key: Any) -> Escalation:
    """A case of this project. Raises Http404 for anything else."""
    number = whole(str(key))
    if number is None:
        raise Http404("No such case.")
    found = (
        Escalation.objects.in_project(visit.project.pk)
        .to_experts()
        .select_related("task__batch", "task__project", "task__instance")
    )
    return get_object_or_404(found, pk=number)


def _next(request: HtmxRequest, visit: Visit, notice: Notice | None, status: int = 200) -> HttpResponse:
    """The next case: as part of the page where scripts run, by way of a redirect where they do not."""
    if not request.htmx:
        if notice:
            messages.add_message(request, messages.ERROR if notice.bad else messages.INFO, str(notice))
        return redirect("cases", visit.project.slug)
    return _show(request, visit, cases.open_bench(visit.annotator(EXPERT), at_work=True, notice=notice), status)


def _again(request: HtmxRequest, visit: Visit, own: Assignment, form: CaseForm) -> HttpResponse:
    """The same case with what was chosen on it, and what is wrong."""
    notice = answers.refused({}, form.fault)
    return _show(request, visit, cases.open_bench(own.annotator, own.escalation, notice=notice, begin=form.kept), 400)


def _show(request: HtmxRequest, visit: Visit, bench: cases.Bench, status: int = 200) -> HttpResponse:
    template = "reviewers/cases.html#bench" if request.htmx else "reviewers/cases.html"
    told: dict[str, Any] = {
        "visit": visit,
        "here": "cases",
        "bench": bench,
        "progress": bench.progress,
        "colleagues": bench.colleagues,
        "fate": bench.fate,
        "why": request.POST.get("note", "") if status >= 400 else "",
    }
    if not request.htmx:
        newest.remember(request, bench.expert.pk, bench.at)
        told |= {"guide": guide.guide(visit.project), "guide_news": guidelines.is_news(visit.membership)}
    return render(request, template, told, status=status)
