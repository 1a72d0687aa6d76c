"""The page that asks before somebody leaves a project."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from labeling.models import Annotator, Membership
from labeling.people import members
from labeling.people.access import Role, enter
from reviewers.models import Assignment
from reviewers.queue import holding


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str, member: int) -> HttpResponse:
    """What leaving means for this person's open cards and answers; after the question, the end of the membership."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Membership.objects.select_related("user"), pk=member, project=visit.project)
    theirs = list(Annotator.objects.filter(project=visit.project, user=found.user))
    if request.method == "POST":
        try:
            members.remove(found)
            back = holding.clear(theirs)
            cards = f" {back} open card{' is' if back == 1 else 's are'} back in the queue." if back else ""
            messages.success(request, f"{found.user} is out; what they answered stays.{cards}")
        except members.Unwise as reason:
            messages.error(request, str(reason))
        return redirect("people", slug) if found.user != request.user else redirect("projects")
    held = Assignment.objects.live().filter(annotator__in=theirs).count()
    given = sum(one.votes.current().count() for one in theirs)
    told = {"visit": visit, "here": "people", "member": found, "held": held, "given": given}
    return render(request, "reviewers/leaving.html", told)
