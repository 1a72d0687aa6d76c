"""The page of agreement: label by label, over time, and whether a model may stand in for a person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairness.agreement import depth
from fairness.views import batch_of
from labeling.people.access import Role, enter
from labeling.web.pages import show
from labeling.web.questions import asked


@require_safe
def agreement(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """How far people and models agree in a batch; managers see names of people, so nobody else does."""
    visit = enter(request, slug, Role.MANAGER)
    found, about = batch_of(visit, batch), asked(visit.project, request)
    told, again = depth.depth_and_wait(found, about.question, _epsilon(request.GET.get("epsilon", "")))
    context = {
        "visit": visit,
        "here": "batch",
        "asked": about,
        "manages": True,
        "batch": found,
        "found": told,
        "epsilons": depth.EPSILONS,
        "again": again,
    }
    return show(request, "fairness/agreement.html", context, parts=("report",))


def _epsilon(text: str) -> float:
    """The cost advantage that an address names, one of those offered."""
    return next((one for one in depth.EPSILONS if f"{one:g}" == text), depth.EPSILON)
