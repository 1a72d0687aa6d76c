"""The watch of a batch: what is watched, what it has seen, what it has stopped, and what a manager does about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from fairness.views import batch_of
from fairness.watches import culprits, stories
from fairness.watches.form import WatchForm
from labeling.checks import draws, holds
from labeling.managing import answering_alarms
from labeling.managing.answering_alarms import CannotAnswer
from labeling.models import Alarm, AlarmAnswer, Batch, Watch
from labeling.models.keys import whole
from labeling.people.access import Role, Visit, enter
from labeling.web.once import once
from labeling.web.pages import show

CHECKS = 40
MOST_LISTED = 100
What = AlarmAnswer.What


@require_http_methods(["GET", "HEAD", "POST"])
def watch(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """The page of the watch; a manager changes what is watched."""
    visit = enter(request, slug, Role.MANAGER if request.method == "POST" else Role.EXPERT)
    found = batch_of(visit, batch)
    form = WatchForm(found, Watch.objects.in_effect(found), request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.made(visit.user)
        messages.success(request, "Saved. It counts from the next look on; alarms that stand stay until answered.")
        return redirect("watch", slug, batch)
    context = {**_context(visit, found), "form": form}
    return show(request, "fairness/watch.html", context, parts=("standing",), status=422 if form.errors else 200)


def _context(visit: Visit, batch: Batch) -> dict[str, Any]:
    watched = Watch.objects.in_effect(batch)
    alarms = list(batch.alarms.gaps().exclude(groups=[]).select_related("question").prefetch_related("answers__by"))
    standing = [one for one in alarms if one.cleared_at is None]
    return {
        "visit": visit,
        "here": "batch",
        "manages": visit.may(Role.MANAGER),
        "batch": batch,
        "watched": watched,
        "standing": [_told(one) for one in standing],
        "stopped": any(one.paused for one in standing),
        "held": len(holds.held_in(batch)),
        "lines": stories.now(batch, watched)[: stories.LISTED],
        "past": alarms[:MOST_LISTED],
        "changes": batch.project.watches.filter(batch__in=[batch.pk]) | batch.project.watches.filter(batch=None),
        "check_price": draws.price_of_one(batch),
        "checks": CHECKS,
    }


def _told(alarm: Alarm) -> dict[str, Any]:
    """One alarm that stands, with its story and who may be the cause."""
    assert alarm.question is not None
    settled = holds.within(alarm).decided()
    return {
        "alarm": alarm,
        "story": stories.of_alarm(alarm),
        "held": len(holds.keys_of(alarm)) if alarm.paused else 0,
        "suspects": culprits.suspects(alarm),
        "settled": settled.count(),
        "by_group": not alarm.question.answers.in_text,
    }


@require_POST
@once
def answer(request: HttpRequest, slug: str, alarm: int) -> HttpResponse:
    """Check more, mend the line, or let it go on for a reason."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(visit.project.alarms.standing().gaps(), pk=alarm, batch__isnull=False)
    assert found.batch is not None
    found.batch.project = visit.project
    act = ACTS.get(request.POST.get("what", ""))
    try:
        if act is None:
            raise CannotAnswer("Choose one of the ways to go on.")
        messages.success(request, act(found, request, visit))
    except CannotAnswer as error:
        messages.error(request, str(error))
    return redirect(reverse("watch", args=[slug, found.batch_id]))


def _check(alarm: Alarm, request: HttpRequest, visit: Visit) -> str:
    return answering_alarms.check_more(alarm, whole(request.POST.get("count", "")) or CHECKS, visit.user)


def _take_out(alarm: Alarm, request: HttpRequest, visit: Visit) -> str:
    chosen = visit.project.annotators.filter(pk=whole(request.POST.get("model", "")) or 0).first()
    if chosen is None:
        raise CannotAnswer("Choose the model that is to be paused.")
    return answering_alarms.take_out(alarm, chosen, visit.user, request.POST.get("why", ""))


def _override(alarm: Alarm, request: HttpRequest, visit: Visit) -> str:
    return answering_alarms.override(alarm, visit.user, request.POST.get("why", ""))


ACTS: dict[str, Callable[[Alarm, HttpRequest, Visit], str]] = {
    What.CHECK: _check,
    What.MODEL: _take_out,
    What.BY_GROUP: lambda alarm, request, visit: answering_alarms.weigh_by_group(alarm, visit.user),
    What.CROWD: lambda alarm, request, visit: answering_alarms.crowd_changed(alarm, visit.user),
    What.OVERRIDE: _override,
    What.SEEN: lambda alarm, request, visit: answering_alarms.seen(alarm, visit.user),
}
