"""The page where people see what became of their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from labeling.people.access import enter
from reviewers import history
from reviewers.views import HtmxRequest

if TYPE_CHECKING:
    from labeling.models.vote import VoteQuerySet

PER_PAGE = 25
MOST_OVERRULED = 5
MOST_SET_ASIDE = 25


@require_GET
def page(request: HtmxRequest, slug: str) -> HttpResponse:
    """What an expert settled otherwise, what was skipped or flagged, then every answer, newest first."""
    visit = enter(request, slug)
    annotator = visit.annotator()
    shown = Paginator(history.given_by(annotator), PER_PAGE).get_page(request.GET.get("page"))
    overruled = history.overruled(annotator)
    aside = history.unanswered(annotator)
    told = {
        "aside": history.set_aside(aside[:MOST_SET_ASIDE]),
        "aside_count": aside.count(),
        "visit": visit,
        "here": "mine",
        "standing": history.standing(annotator),
        "overruled": history.outcomes(overruled[:MOST_OVERRULED]),
        "answers": history.outcomes(cast("VoteQuerySet", shown.object_list)),
        "page": shown,
    }
    return render(request, "reviewers/mine.html", told)
