"""The list of tasks, and one task with its whole history."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from labeling.models import Decision, Task
from labeling.people.access import Role, enter
from labeling.reports.tasks import lists, story

PARTS = [(Task.Slice.VALIDATION.value, "teaches the methods"), (Task.Slice.AUDIT.value, "drawn for a check")]


@require_safe
def tasks(request: HttpRequest, slug: str) -> HttpResponse:
    """Tasks of the project, filtered, a page at a time."""
    visit = enter(request, slug, Role.EXPERT)
    context = {
        "visit": visit,
        "here": "tasks",
        "page": lists.page_of(visit.project, request.GET),
        "batches": visit.project.batches.listed(),
        "labels": visit.project.label_list(),
        "stages": Task.Stage.choices,
        "settlers": Decision.By.choices,
        "slices": PARTS,
    }
    return render(request, "labeling/tasks/tasks.html", context)


@require_safe
def task(request: HttpRequest, slug: str, task: int) -> HttpResponse:
    """Everything that ever happened to one task."""
    visit = enter(request, slug, Role.EXPERT)
    found = get_object_or_404(Task.objects.select_related("batch", "gold"), pk=task, project=visit.project)
    found.project = visit.project
    return render(request, "labeling/tasks/task.html", {"visit": visit, "here": "tasks", "story": story.story(found)})
