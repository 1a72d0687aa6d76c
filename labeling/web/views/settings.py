"""What a project is about and how it works: question, guidelines, labels, policy."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labeling.managing import asked_after, guidelines
from labeling.models import GuidelineVersion
from labeling.people.access import Role, Visit, enter
from labeling.web.project_forms import LabelFormSet, SettingsForm
from labeling.web.question_forms import ConditionForm
from labeling.web.questions import asked

NUMBER = "question_number"
"""The form's field that says which question is changed; `question` is its wording."""


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a project and one of its questions. Labels keep their place; their names may change at any time."""
    visit = enter(request, slug, Role.MANAGER)
    about = asked(visit.project, request, posted=NUMBER)
    told = request.POST or None
    form = SettingsForm(told, instance=visit.project, question=about.question, several=about.several)
    labels = LabelFormSet(told, queryset=about.question.labels.all(), prefix="label")
    earlier = about.questions[: about.question.position]
    after = ConditionForm(told, question=about.question, earlier=earlier, prefix="asked") if earlier else None
    sound = form.is_valid() and labels.is_valid() and (after is None or after.is_valid())
    if request.method == "POST" and sound:
        words = _save(visit, form, labels, after)
        messages.success(request, f"Saved. Votes and labels that are there stay as they are.{words}")
        return redirect(f"{reverse('settings', args=[slug])}{about.query}")
    status = 422 if request.method == "POST" else 200
    visit.project.refresh_from_db(fields=["name", "guidelines", "guidelines_at"])
    unread = guidelines.must_know(visit.project)
    context = {"visit": visit, "here": "settings", "form": form, "labels": labels, "unread": unread}
    context |= {"asked": about, "after": after}
    return render(request, "labeling/projects/settings.html", context, status=status)


@transaction.atomic
def _save(visit: Visit, form: SettingsForm, labels: Any, after: ConditionForm | None) -> str:
    """Write everything, or nothing; returns what becomes of batches, as a further sentence."""
    GuidelineVersion.objects.keep(visit.project)
    form.save()
    labels.save()
    if {"guidelines", "own_guidelines"} & set(form.changed_data):
        guidelines.note_change(visit.project, visit.user)
    GuidelineVersion.objects.keep(visit.project, visit.user, "changed in the settings")
    if after is None:
        return ""
    again = asked_after.change(after.question, after.condition)
    if not again:
        return ""
    batches = "A batch that was done is" if again == 1 else f"{again:,} batches that were done are"
    return f" {batches} looked at again: what is asked now is opened."
