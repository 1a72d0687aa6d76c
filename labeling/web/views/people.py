"""Who belongs to a project, and in which role."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from labeling.live import nudges
from labeling.models import Membership
from labeling.people import members, pauses
from labeling.people.access import Role, enter
from labeling.reports.people import work
from labeling.web.forms import MemberForm
from labeling.web.questions import asked


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """The members; somebody with an account is invited by sign-in name, a new person gets an account and a password."""
    visit = enter(request, slug, Role.MANAGER)
    form, welcome = MemberForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            welcome = members.add(visit.project, told["username"], told["role"], told["full_name"], visit.user)
            form = MemberForm()
            if welcome is None:
                messages.success(request, f"An invitation waits for {told['username']}, if somebody has that name.")
                return redirect("people", slug)
        except members.Unwise as reason:
            form.add_error("username", str(reason))
    found = visit.project.memberships.select_related("user").order_by("user__username")
    context = {"visit": visit, "here": "people", "form": form, "members": found, "welcome": welcome}
    context |= {"invitations": visit.project.invitations.all(), "names": members.may_make_names(visit.user)}
    context["paused"] = pauses.paused(visit.project)
    about = asked(visit.project, request)
    context |= {"asked": about, "work": work.people(visit.project, about.question)}
    response = render(request, "labeling/people/people.html", {**context, "roles": Role.choices}, status=_status(form))
    response["Cache-Control"] = "no-store"
    return response


def _status(form: MemberForm) -> int:
    return 422 if form.errors else 200


@require_POST
def member(request: HttpRequest, slug: str, member: int) -> HttpResponse:
    """Change a member's role; letting somebody go has a page of its own, which asks first."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Membership.objects.select_related("user"), pk=member, project=visit.project)
    role = request.POST.get("role", "")
    try:
        if role in Role.values:
            members.change(found, role)
            messages.success(request, f"{found.user} is now {role}.")
    except members.Unwise as reason:
        messages.error(request, str(reason))
    return redirect("people", slug) if _still_in(visit.project.pk, request) else redirect("projects")


@require_POST
def pause(request: HttpRequest, slug: str, member: int) -> HttpResponse:
    """Give a member no more cards, or let them go on."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Membership.objects.select_related("user", "project"), pk=member, project=visit.project)
    if request.POST.get("action") == "pause":
        pauses.pause(found, visit.user)
        messages.success(request, f"{found.user} is paused and told by whom; what they answered stays.")
    elif request.POST.get("action") == "resume":
        pauses.let_go_on(found)
        messages.success(request, f"{found.user} gets cards again.")
    nudges.announce(visit.project.pk, nudges.QUEUE, nudges.PROGRESS)
    return redirect("people", slug)


def _still_in(project_id: int, request: HttpRequest) -> bool:
    mine = Membership.objects.filter(project=project_id, user_id=request.user.pk or 0, role=Role.MANAGER)
    return mine.exists()
