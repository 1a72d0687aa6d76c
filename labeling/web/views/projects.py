"""Where everybody arrives: projects, a new one, the own account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from labeling.files.tables import UnusableFile
from labeling.managing import new_projects
from labeling.models import Invitation, Membership, Project
from labeling.people import passwords
from labeling.web.once import once
from labeling.web.project_forms import NewProjectForm
from labeling.web.question_forms import QuestionFormSet, one_more, wishes


@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """The projects one is a member of; straight on if it is only one."""
    joined = Membership.objects.filter(user_id=request.user.pk or 0, project__archived_at=None).order_by(
        "project__name"
    )
    mine = list(joined.select_related("project").prefetch_related("project__questions"))
    invitations = list(Invitation.objects.waiting_for(request.user).select_related("project", "invited_by"))
    if len(mine) == 1 and not invitations and "all" not in request.GET:
        return redirect(mine[0].home)
    may_make = new_projects.may_make(request.user)
    put_away = Project.objects.managed_by(request.user).exclude(archived_at=None)
    context = {"memberships": mine, "put_away": put_away, "may_make": may_make, "invitations": invitations}
    return render(request, "labeling/projects/projects.html", context)


MORE = "more"
"""Prefix of the questions after the first."""


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Who is signed in, a new password, and the way out."""
    refused = passwords.too_often(request) if request.method == "POST" else None
    if refused is not None:
        return refused
    form: Any = PasswordChangeForm(request.user, request.POST or None)  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, "Your password is changed.")
        return redirect("account")
    passwords.note_failure(request, form)
    return render(
        request, "labeling/people/account.html", {"form": form, "may_make": new_projects.may_make(request.user)}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@once
def new(request: HttpRequest) -> HttpResponse:
    """A new project, whose maker becomes its manager."""
    if not new_projects.may_make(request.user):
        raise PermissionDenied("New projects are made by people who manage one already, and by the server's staff.")
    told = request.POST if request.method == "POST" else None
    adds = told is not None and told.get("act") == "more"
    told = one_more(told, MORE) if adds else told
    form = NewProjectForm(told)
    several = told is not None and f"{MORE}-TOTAL_FORMS" in told
    more = QuestionFormSet(told if several else None, prefix=MORE)
    if told is not None and not adds and form.is_valid() and (not several or more.is_valid()):
        try:
            asked = wishes(form, form.cleaned_data["question"], list(more.forms) if several else [])
            return redirect("import", new_projects.make(form.save(commit=False), asked, request.user).slug)
        except UnusableFile as error:
            form.add_error("labels", str(error))
    return render(request, "labeling/projects/new.html", {"form": form, "more": more, "adds": adds})
