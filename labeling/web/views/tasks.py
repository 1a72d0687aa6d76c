"""The list of tasks, and one task with its whole history."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labeling.managing import mending, stuck
from labeling.models import Annotator, Decision, Task
from labeling.models.grouping import attributes
from labeling.people.access import Role, Visit, enter
from labeling.reports.tasks import lists, story
from labeling.web.once import once
from labeling.web.questions import Asked, asked

LONGEST_NOTE = 2000
FASTER = "Nothing is stuck any more; somebody was faster."
PARTS = [(Task.Slice.VALIDATION.value, "teaches the methods"), (Task.Slice.AUDIT.value, "drawn for a check")]


@require_safe
def tasks(request: HttpRequest, slug: str) -> HttpResponse:
    """Tasks of the project, filtered, a page at a time."""
    visit = enter(request, slug, Role.EXPERT)
    about = asked(visit.project, request)
    context = {
        "visit": visit,
        "here": "tasks",
        "page": lists.page_of(visit.project, request.GET),
        "batches": visit.project.batches.listed(),
        "asked": about,
        "labels": _names(about),
        "stages": _stages(about),
        "settlers": Decision.By.choices,
        "slices": PARTS,
        "groups_called": visit.project.group_name if len(attributes(visit.project)) < 2 else "Group",
    }
    return render(request, "labeling/tasks/tasks.html", context)


def _stages(about: Asked) -> list[tuple[str, str]]:
    """The stages that tasks can be in here: only follow-up questions wait for another, or are not asked."""
    follow = any(one.asked_after_id for one in about.questions)
    of_follow_ups = (Task.Stage.WAITING, Task.Stage.NOT_ASKED)
    return [(stage.value, str(stage.label)) for stage in Task.Stage if follow or stage not in of_follow_ups]


def _names(about: Asked) -> list[str]:
    """What the labels of all questions are called, each name once."""
    return list(dict.fromkeys(label.name for one in about.questions for label in one.label_list()))


@require_safe
def task(request: HttpRequest, slug: str, task: int) -> HttpResponse:
    """Everything that ever happened to one task."""
    visit = enter(request, slug, Role.EXPERT)
    found = get_object_or_404(
        Task.objects.kept().select_related("batch", "gold", "question"), pk=task, project=visit.project
    )
    found.project = visit.project
    return render(request, "labeling/tasks/task.html", {"visit": visit, "here": "tasks", "story": story.story(found)})


@require_POST
@once
def mend(request: HttpRequest, slug: str, task: int) -> HttpResponse:
    """Settle a task otherwise, ask one more person about it, or make it a case."""
    visit = enter(request, slug, Role.EXPERT)
    found = get_object_or_404(Task.objects.kept().select_related("batch", "question"), pk=task, project=visit.project)
    found.project = found.batch.project = visit.project
    expert, act = visit.annotator(Annotator.Kind.EXPERT), request.POST.get("act", "")
    note = request.POST.get("note", "").replace("\0", "").strip()[:LONGEST_NOTE]
    choice = found.question.label_list() if found.question.one_label else []
    label = next((one for one in choice if str(one.pk) == request.POST.get("label")), None)
    if act == "mend" and label is None:
        messages.error(request, "Choose the label that is right, then settle.")
    elif act == "mend" and label is not None:
        mending.mend(found, expert, label, note)
        messages.success(request, f"Settled as {label}. Whoever is overruled reads the reason under their work.")
    elif act == "again":
        mending.ask_again(found, expert, note)
        messages.success(request, "One more person is asked, and reads your words first.")
    elif act == "case":
        mending.make_case(found, expert, note)
        messages.success(request, "It is a case for the experts now.")
    return redirect(found)


@require_POST
def ask_experts(request: HttpRequest, slug: str) -> HttpResponse:
    """Make cases of the tasks that nobody is left to answer, or hand the checks by lot of that sort to experts."""
    visit = enter(request, slug, Role.MANAGER)
    if request.POST.get("act") == "check":
        return _check_by_experts(request, visit)
    count = stuck.ask_experts(visit.project, visit.annotator(Annotator.Kind.EXPERT))
    if count:
        messages.success(
            request, f"{count:,} {'task is a case' if count == 1 else 'tasks are cases'} for the experts now."
        )
    else:
        messages.info(request, FASTER)
    return redirect("project", slug)


def _check_by_experts(request: HttpRequest, visit: Visit) -> HttpResponse:
    count = stuck.checks_to_experts(visit.project)
    if count:
        messages.success(request, f"{count:,} {'check waits' if count == 1 else 'checks wait'} for the experts now.")
    else:
        messages.info(request, FASTER)
    return redirect("project", visit.project.slug)
