"""The guide while people work: fetched anew when it changes, and noted as read when it is opened."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from labeling.managing import guidelines
from labeling.people.access import enter
from reviewers.guide import guide
from reviewers.views import HtmxRequest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HtmxRequest, slug: str) -> HttpResponse:
    """The sign that the guide has changed, and the guide as it is now in the sheet; POST notes that it was read."""
    visit = enter(request, slug)
    if request.method == "POST":
        guidelines.note_read(visit.membership)
    if not request.htmx:
        return redirect("annotate", slug)
    context = {"visit": visit, "guide": guide(visit.project), "guide_news": guidelines.is_news(visit.membership)}
    return render(request, "reviewers/_guide_fetched.html", context)
