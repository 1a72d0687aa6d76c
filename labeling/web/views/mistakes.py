"""Mistakes that recur are judged here; they are shown on the page of the crowd."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from labeling.managing import mistakes
from labeling.people.access import Role, enter
from labeling.reports.crowd import mistakes as found_mistakes
from labeling.web.once import once
from labeling.web.questions import asked


@require_POST
@once
def judge(request: HttpRequest, slug: str) -> HttpResponse:
    """Accept a mistake as a lesson, with a sentence for the guidelines, or reject it."""
    visit = enter(request, slug, Role.MANAGER)
    about = asked(visit.project, request)
    found = found_mistakes.named(about.question, request.POST.get("mistake", ""))
    if found is None:
        messages.info(request, "That mistake is no longer there: more answers have come in since.")
    elif request.POST.get("verdict") == "accept":
        made = mistakes.accept(about.question, found, request.POST.get("sentence", ""), visit.user)
        told = f"; the guidelines are version {made.guideline.number}" if made.guideline else ""
        messages.success(request, f"{found.cell.cases} cases teach from now on{told}.")
    elif request.POST.get("verdict") != "reject":
        messages.error(request, "Accept the mistake or reject it; nothing was changed.")
    else:
        mistakes.reject(about.question, found, visit.user)
        messages.success(request, "Rejected; it comes back once it has twice as many cases.")
    return redirect(f"{reverse('crowd', args=[slug])}{about.query}#mistakes")
