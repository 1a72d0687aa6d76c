"""The page of what can be done about a gap."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from fairness.mitigation import plan, sending
from fairness.models import ThresholdPolicy
from fairness.views import batch_of
from labeling.checks import draws
from labeling.files.exports import Line, as_cells
from labeling.models import Batch
from labeling.models.grouping import By, Grouping, chosen
from labeling.people.access import Role, enter
from labeling.web.once import once
from labeling.web.pages import show
from labeling.web.questions import Asked, asked
from labeling.web.views import streams


@require_http_methods(["GET", "HEAD", "POST"])
@once
def mitigation(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """Each step against a gap with its before and after; a manager takes the first ones from here."""
    visit = enter(request, slug, Role.MANAGER)
    found, about = batch_of(visit, batch), asked(visit.project, request)
    if request.method == "POST":
        by = chosen(found, request.POST.get("by", ""))
        messages.success(request, _act(request.POST.get("act", ""), found, by, about))
        return redirect(f"{reverse('mitigation', args=[slug, batch])}{about.query}")
    grouped = Grouping.of(found, request.GET.get("by", ""))
    told, again = plan.plan_and_wait(found, grouped.by, about.question)
    policies = told.policies if told else {}
    label = request.GET.get("label", "")
    label = label if label in policies else next(iter(policies), "")
    context = {
        "visit": visit,
        "here": "batch",
        "asked": about,
        "manages": True,
        "batch": found,
        "grouping": grouped,
        "plan": told,
        "label": label,
        "policy": policies.get(label, ()),
        "again": again,
    }
    return show(request, "fairness/mitigation.html", context, parts=("report",))


def _act(act: str, batch: Batch, by: By, about: Asked) -> str:
    """Do what was asked for; a sentence about what was done."""
    told = plan.plan(batch, by, about.question)
    if told is None:
        return "There are no groups with checks any more; nothing was done."
    if act == "checks":
        drawn = sum(
            draws.draw(batch, line.more, group=line.group, by=by, question=about.question)
            for line in told.quota
            if line.more
        )
        return f"{drawn:,} tasks, drawn at random within their groups, wait for a check."
    if act == "people":
        sent = sending.to_people(batch, told.tasks)
        who = "task waits" if sent == 1 else "tasks wait"
        return f"{sent:,} {who} for a person; the labels they had stay in their history."
    return "Nothing was chosen, so nothing was done."


POLICY_COLUMNS = ("task", "group", "label", "chance", "threshold", "label_by_policy", "reason")


@require_POST
def policy_file(request: HttpRequest, slug: str, batch: int) -> HttpResponseBase:
    """Write down that a policy was approved, and hand over its file: each label as it is, the policy's beside it."""
    visit = enter(request, slug, Role.MANAGER)
    found, about = batch_of(visit, batch), asked(visit.project, request)
    reason, label = request.POST.get("reason", "").strip()[:300], request.POST.get("label", "")
    by = chosen(found, request.POST.get("by", ""))
    told = plan.propose(found, by, about.question, label) if reason else None
    if told is None:
        why = (
            "There are too few checks for this policy."
            if reason
            else "Say who approved the policy, and on what ground."
        )
        messages.error(request, why)
        return redirect(f"{reverse('mitigation', args=[slug, batch])}{about.query}#w5")
    ThresholdPolicy.objects.create(
        batch=found,
        question=about.question,
        label=label,
        by=list(by),
        thresholds=told.thresholds,
        reason=reason,
        approved_by=visit.user,
    )
    name = f"{visit.project.slug}-batch-{found.pk}-policy"
    return streams.attachment(_policy_lines(told, reason), name, "csv")


def _policy_lines(told: plan.Proposal, reason: str) -> Iterator[str]:
    writer = csv.writer(Line())
    yield writer.writerow(POLICY_COLUMNS)
    for task, group, label, chance, given in told.rows:
        row = (task, group, label, chance, round(told.thresholds[group], 6), given, reason)
        yield writer.writerow(as_cells(row))
