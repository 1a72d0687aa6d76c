"""What a project is about and how it works: question, guidelines, labels, policy."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from labeling.managing import guidelines
from labeling.models import GuidelineVersion
from labeling.people.access import Role, enter
from labeling.web.project_forms import LabelFormSet, SettingsForm


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a project. Labels keep their place; their names may change at any time."""
    visit = enter(request, slug, Role.MANAGER)
    form = SettingsForm(request.POST or None, instance=visit.project)
    labels = LabelFormSet(request.POST or None, queryset=visit.project.first_question.labels.all(), prefix="label")
    sound = form.is_valid() and labels.is_valid()
    if request.method == "POST" and sound:
        with transaction.atomic():
            GuidelineVersion.objects.keep(visit.project)
            form.save()
            labels.save()
            if "guidelines" in form.changed_data:
                guidelines.note_change(visit.project, visit.user)
            GuidelineVersion.objects.keep(visit.project, visit.user, "changed in the settings")
        messages.success(request, "Saved. Votes and labels that are there stay as they are.")
        return redirect("settings", slug)
    status = 422 if request.method == "POST" else 200
    visit.project.refresh_from_db(fields=["name", "guidelines", "guidelines_at"])
    unread = guidelines.must_know(visit.project)
    context = {"visit": visit, "here": "settings", "form": form, "labels": labels, "unread": unread}
    return render(request, "labeling/projects/settings.html", context, status=status)
