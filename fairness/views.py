"""Pages of numbers: the overview of a project, the report of a batch, and the buttons on them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from fairness import findings, groups, label_gaps, overview, reports
from labeling.checks import draws
from labeling.managing import leftovers
from labeling.models import Batch
from labeling.models.grouping import Grouping, chosen
from labeling.models.keys import whole
from labeling.people.access import Role, Visit, enter
from labeling.reports.batch.at_work import at_work
from labeling.reports.batch.resting import resting
from labeling.reports.batch.standing import Standing, standing, standings
from labeling.reports.money import bills, outlook
from labeling.web.once import once
from labeling.web.pages import show
from labeling.web.questions import Asked, asked


@require_safe
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """The overview of a project: what moves, what waits, how good, how fair, how far, how much."""
    visit = enter(request, slug, Role.EXPERT)
    return show(
        request, "fairness/project.html", _overview(visit, asked(visit.project, request)), parts=("standing", "todo")
    )


def _overview(visit: Visit, about: Asked) -> dict[str, object]:
    found, (answers, again) = standings(visit.project), reports.answers_and_wait(visit.project, about.question)
    waiting = sum(sum(one.asked.values()) for one in found)
    batches = [one.batch for one in found] if visit.may(Role.MANAGER) else []
    ahead, later = outlook.newest_and_wait(batches)
    return {
        "visit": visit,
        "here": "overview",
        "asked": about,
        "manages": visit.may(Role.MANAGER),
        "said": findings.of_project(found, answers.good, visit.cases, about.question),
        "standings": found,
        "put_away": not found and visit.project.batches.kept().exists(),
        "moving": [one for one in found if one.moving],
        "finished": [one for one in found if not one.moving],
        "good": answers.good,
        "fair": answers.fair,
        "settled": sum(one.settled for one in found),
        "total": sum(one.total for one in found),
        "rows": sum(one.batch.rows_new for one in found),
        "far": f"{waiting:,} wait for an answer" if waiting else "",
        "money": bills.meter(visit.project),
        "todos": overview.todos(visit, found, answers),
        "working": at_work(visit.project),
        "again": again or later,
        "outlook": ahead,
    }


def batch_of(visit: Visit, batch: int) -> Batch:
    """A batch of this project. Raises Http404 for one of another."""
    found = get_object_or_404(Batch.objects.kept().select_related("project"), pk=batch, project=visit.project)
    found.project = visit.project
    return found


@require_safe
def batch(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """The report of a batch, and its progress while it is under way."""
    visit = enter(request, slug, Role.EXPERT)
    if batch in request.session.get("started", []) and not Batch.objects.filter(pk=batch).exists():
        return _nothing_came_of_it(request, slug)
    found = batch_of(visit, batch)
    grouped = Grouping.of(found, request.GET.get("by", ""))
    context = {**_report(visit, found, grouped, asked(visit.project, request)), "choice": None}
    fair = context["report"].fair
    if fair is not None:
        context["choice"] = groups.choose(fair, request.GET.get("measure", ""), request.GET.get("label", ""))
        context["gaps"] = groups.gap_lines(fair)
        context["by_label"] = label_gaps.by_label(fair, context["choice"])
    return show(request, "fairness/batch.html", context, parts=("standing", "report"))


def _nothing_came_of_it(request: HttpRequest, slug: str) -> HttpResponse:
    """A batch that was started here and whose file, once read, brought nothing, is gone; say so where files are."""
    messages.error(request, "No row of that file became a task, so no batch was made; look at the file once more.")
    answer = redirect("import", slug)
    if request.headers.get("HX-Request"):
        answer.status_code, answer["HX-Redirect"] = 200, answer["Location"]
    return answer


def _report(visit: Visit, found: Batch, grouped: Grouping, about: Asked) -> dict[str, Any]:
    report, again = reports.report_and_wait(found, grouped.by, about.question)
    now, money = standing(found), bills.meter(found)
    return {
        "visit": visit,
        "here": "batch",
        "asked": about,
        "manages": visit.may(Role.MANAGER),
        "batch": found,
        "now": now,
        "settled": now.settled,
        "total": now.total,
        "rows": found.rows_new,
        "far": waiting_words(now),
        "money": money,
        "report": report,
        "grouping": grouped,
        "good": report.good,
        "fair": report.fair,
        "said": findings.of_batch(report, now, money, about.question),
        "measures": groups.MEASURES,
        "neighbours": neighbours(found),
        "left": leftovers.of(found),
        "resting": resting(found),
        "again": again,
    }


def waiting_words(now: Standing) -> str:
    """Who the open tasks wait for, in a few words."""
    person, expert = now.asked.get("person", 0), now.asked.get("expert", 0)
    parts = [f"{person:,} wait for a person"] if person else []
    parts += [f"{expert:,} for an expert"] if expert else []
    return ", ".join(parts)


def neighbours(found: Batch) -> dict[str, Batch | None]:
    """The batches before and after this one."""
    others = Batch.objects.listed().filter(project=found.project).exclude(pk=found.pk)
    return {"older": others.filter(pk__lt=found.pk).first(), "newer": others.filter(pk__gt=found.pk).last()}


@require_POST
@once
def check_more(request: HttpRequest, slug: str, batch: int) -> HttpResponse:
    """Send some settled tasks, of one group or of all, to people for a check."""
    visit = enter(request, slug, Role.MANAGER)
    found = batch_of(visit, batch)
    count, group = request.POST.get("count", ""), request.POST.get("group")
    by = chosen(found, request.POST.get("by", ""))
    about = asked(visit.project, request)
    drawn = draws.draw(found, whole(count) or 0, group=group or None, by=by, question=about.question)
    if drawn:
        messages.success(request, draws.words(found, drawn, group or ""))
    else:
        messages.error(request, "No settled task is left that could be checked; settle or import more of them first.")
    return redirect(f"{found.get_absolute_url()}{about.query}#fair")
