"""Money: what was spent, held and is free, every cap, every call; stopping and allowing, settling what is unknown."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labeling.managing import budgets
from labeling.models import Batch, Reservation
from labeling.models.keys import whole
from labeling.money import ledger
from labeling.people.access import Role, Visit, enter
from labeling.reports import kept
from labeling.reports.money import bills, calls, costs, outlook, ways
from labeling.reports.money import caps as all_caps
from labeling.web.forms import CapForm, FailurePolicyForm, ReconcileForm, in_microdollars
from labeling.web.once import once
from labeling.web.pages import show

PAGE = 50
PARTS = ("standing", "ahead", "bill", "costs")
"""What of the page follows by itself; a form stands in none but the choice of a batch."""


@require_safe
def money(request: HttpRequest, slug: str) -> HttpResponse:
    """The money of a project at a glance, with everything a manager may change about it."""
    return _page(request, enter(request, slug, Role.MANAGER))


def _page(request: HttpRequest, visit: Visit, refused: dict[str, str] | None = None) -> HttpResponse:
    """The page; `refused`: a sentence by the scope or the call that it is about."""
    found, again = ways.ways_and_wait(visit.project)
    ahead, later = _outlook(visit, request.GET.get("batch", ""))
    by, soon = costs.costs(visit.project.first_question, request.GET.get("by", ""))
    context = {
        "visit": visit,
        "here": "money",
        "money": bills.meter(visit.project),
        "caps": [(cap, (refused or {}).get(cap.scope, "")) for cap in all_caps.caps(visit.project)],
        "models": calls.paid_models(visit.project),
        "policy": FailurePolicyForm(instance=visit.project),
        "unknown": [(one, (refused or {}).get(f"call-{one.pk}", "")) for one in _unknown(visit)],
        "unknown_count": ledger.unreconciled(visit.project).count(),
        "found": found,
        **ahead,
        "costs": by,
        "costs_of": visit.project.first_question,
        "again": kept.soonest(again, later, soon),
        "lines": bills.by_annotator(visit.project),
        "sent": request.POST,
    }
    return show(request, "labeling/money/money.html", context, parts=PARTS, status=422 if refused else 200)


def _outlook(visit: Visit, wanted: str) -> tuple[dict[str, Any], int]:
    """What more money buys for the batch that was chosen, else the newest with a forecast; the wait for newer words."""
    batches = list(visit.project.batches.listed().filter(rounds__isnull=False).distinct())
    chosen = [batch for batch in batches if str(batch.pk) == wanted] or batches
    for batch in batches:
        batch.project = visit.project
    found, again = outlook.newest_and_wait(chosen)
    shown = found[0] if found else next(iter(chosen), None)
    told = {"batches": batches, "batch": shown, "forecast": found[1] if found else None}
    several = visit.project.questions.count() > 1
    return told | {"foretold": outlook.foretold(visit.project), "several": several}, again


def _unknown(visit: Visit) -> list[Reservation]:
    return list(calls.unknown_outcomes(visit.project)[:PAGE])


@require_POST
def caps(request: HttpRequest, slug: str) -> HttpResponse:
    """Raise or lower the cap of the project, of each day, or of a batch, also while work goes on."""
    visit = enter(request, slug, Role.MANAGER)
    form = CapForm(request.POST)
    scope = request.POST.get("scope", "")
    if not form.is_valid():
        return _page(request, visit, {scope: first_error(form)})
    try:
        messages.success(request, _set_cap(visit, scope, in_microdollars(form.cleaned_data["budget"])))
    except ledger.Refused as refusal:
        return _page(request, visit, {scope: str(refusal)})
    return redirect("money", slug)


def first_error(form: Any) -> str:
    return next(str(sentence) for sentences in form.errors.values() for sentence in sentences)


def _set_cap(visit: Visit, scope: str, cap: int | None) -> str:
    """Set it and say so. Raises ledger.Refused, and Http404 for a batch of another project."""
    if scope == all_caps.DAY:
        budgets.cap_days(visit.project, cap)
        return (
            f"Each day may cost {ledger.dollars(cap)} from today on." if cap is not None else "No cap on days any more."
        )
    assert cap is not None
    if scope == all_caps.PROJECT:
        budgets.cap_project(visit.project, cap)
        return f"The whole project may cost {ledger.dollars(cap)}."
    batch = get_object_or_404(Batch.objects.kept().select_related("project"), pk=int(scope), project=visit.project)
    budgets.cap_batch(batch, cap)
    return f"{batch.name} may now spend {ledger.dollars(cap)}."


@require_POST
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop all paid calls, or allow them again."""
    visit = enter(request, slug, Role.MANAGER)
    if request.POST.get("action") == "stop":
        budgets.stop_calls(visit.project)
        messages.success(request, "No new paid call is made from now on; what is under way is still booked.")
    elif request.POST.get("action") == "allow":
        budgets.allow_calls(visit.project)
        messages.success(request, "Paid calls are allowed again; batches that waited go on.")
    return redirect("money", slug)


@require_POST
@once
def reconcile(request: HttpRequest, slug: str, call: int) -> HttpResponse:
    """Book what the provider's bill says about a call that was cut off."""
    visit = enter(request, slug, Role.MANAGER)
    held = get_object_or_404(Reservation.objects.select_related("annotator"), pk=call, task__project=visit.project)
    form = ReconcileForm(request.POST)
    if not form.is_valid():
        return _page(request, visit, {f"call-{call}": first_error(form)})
    charged, before = form.charged(), held.held_for_the_call
    try:
        budgets.book(held, charged, form.cleaned_data["note"] or f"Looked up by {visit.user}.")
    except ledger.Refused as refusal:
        return _page(request, visit, {f"call-{call}": str(refusal)})
    told = "given back" if charged is None else f"booked at {ledger.dollars(charged)}"
    more = (charged or 0) > before
    tail = f", more than was held for it; {held.annotator} is paused until you have compared the prices" if more else ""
    messages.success(request, f"The call to {held.annotator} is {told}{tail}.")
    return redirect("money", slug)


@require_POST
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """What the questions to a paid model do while it keeps failing."""
    visit = enter(request, slug, Role.MANAGER)
    form = FailurePolicyForm(request.POST, instance=visit.project)
    if form.is_valid():
        form.save()
        messages.success(
            request, f"While a paid model keeps failing, its questions {form.instance.get_when_model_fails_display()}."
        )
    return redirect("money", slug)


@require_safe
def log(request: HttpRequest, slug: str) -> HttpResponse:
    """Every paid answer, newest first, with what was held and what it did cost."""
    visit = enter(request, slug, Role.MANAGER)
    page = calls.page_of(visit.project, request.GET)
    context = {"visit": visit, "here": "money", "page": page, "states": Reservation.State.choices}
    return render(request, "labeling/money/calls.html", context)


@require_safe
def entries(request: HttpRequest, slug: str) -> HttpResponse:
    """Every movement of money between accounts, newest first."""
    visit = enter(request, slug, Role.MANAGER)
    movements, before = bills.movements(visit.project, whole(request.GET.get("before", "")), PAGE)
    context = {"visit": visit, "here": "money", "movements": movements, "before": before}
    return render(request, "labeling/money/ledger.html", context)
