"""The page of estimates: what the checks say once it is counted how they were drawn."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairness.estimates import corrected
from fairness.views import batch_of
from labeling.models.grouping import Grouping
from labeling.people.access import Role, enter
from labeling.web.pages import show
from labeling.web.questions import asked


@require_safe
def estimates(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """Rates, true shares and distortion of a batch by group, and on how many checks each rests."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    grouped, about = Grouping.of(found, request.GET.get("by", "")), asked(visit.project, request)
    table, again = corrected.table_and_wait(found, grouped.by, about.question)
    chosen = table.choose(request.GET.get("measure", ""), request.GET.get("label", "")) if table else None
    context = {
        "visit": visit,
        "here": "batch",
        "asked": about,
        "manages": visit.may(Role.MANAGER),
        "batch": found,
        "grouping": grouped,
        "table": table,
        "choice": chosen,
        "measures": corrected.MEASURES,
        "again": again,
    }
    return show(request, "fairness/estimates.html", context, parts=("report",))
