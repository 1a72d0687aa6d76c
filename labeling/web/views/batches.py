"""What one does with a batch: pause it, go on, see what was skipped, take its labels out, compare methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import jobs
from labeling.files import exports
from labeling.live import nudges
from labeling.managing import leftovers
from labeling.models import Batch, Project, SkippedRow
from labeling.models.keys import whole
from labeling.money import ledger
from labeling.people.access import Role, Visit, enter
from labeling.reports.batch import comparison, replays
from labeling.reports.batch import rounds as round_history
from labeling.reports.batch.replayed import Wanted
from labeling.reports.money import bills
from labeling.truth.methods import NAMES
from labeling.web.forms import ReplayForm, in_dollars, in_microdollars
from labeling.web.pages import show
from labeling.web.questions import asked
from labeling.web.views import streams

PAGE = 100
UNDER_WAY = 10
"""Seconds after which a page that shows a round under way asks once more: the word of its end may be lost."""
Writer = Callable[[Batch | Project], Iterator[str]]
WRITERS: dict[str, Writer] = {"csv": exports.as_csv, "jsonl": exports.jsonl}


def batch_of(visit: Visit, batch: int) -> Batch:
    """A batch of this project. Raises Http404 for one of another."""
    found = get_object_or_404(Batch.objects.kept(), pk=batch, project=visit.project)
    found.project = visit.project
    return found


@require_POST
def control(request: HttpRequest, slug: str, batch: int) -> HttpResponseBase:
    """Pause, go on, try again after an error; ask people about what is left over, or accept it as it is."""
    visit = enter(request, slug, Role.MANAGER)
    found = batch_of(visit, batch)
    if found.archived_at:
        messages.error(request, f"{found.name} is put away; bring it back first.")
        return redirect("archive", slug)
    if request.POST.get("action") == "pause":
        found.stop("")
        messages.success(request, f"{found.name} is paused, for people as well; answers under way are still taken.")
    elif request.POST.get("action") == "resume":
        found.resume()
        jobs.start(found)
        messages.success(request, f"{found.name} goes on.")
    elif request.POST.get("action") == "ask":
        asked = leftovers.ask_people(found)
        messages.success(request, f"{asked:,} more {'task waits' if asked == 1 else 'tasks wait'} for people.")
    elif request.POST.get("action") == "accept":
        left = leftovers.of(found, exact=True)
        leftovers.accept(found)
        messages.success(request, accepted(left))
    nudges.announce(visit.project.pk, nudges.QUEUE, nudges.PROGRESS)
    return redirect(found)


def accepted(left: leftovers.Leftover) -> str:
    """What accepting did, and which checks come of it."""
    told = "The likeliest answers are settled as they are; the export marks each of them."
    if not left.checks:
        return told
    price = f", for about {ledger.dollars(left.check_price)}" if left.check_price else ""
    return f"{told} {left.checks:,} of them {'is' if left.checks == 1 else 'are'} drawn at random for a check{price}."


@require_safe
def rows(request: HttpRequest, slug: str, batch: int) -> HttpResponseBase:
    """The lines of a file that did not become tasks, each with its reason."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    skipped = found.skipped_rows.order_by("pk").filter(pk__gt=whole(request.GET.get("after", "")) or 0)
    kind = request.GET.get("kind", "")
    if kind in SkippedRow.Kind.values:
        skipped = skipped.filter(kind=kind)
    page = list(skipped[: PAGE + 1])
    after = page[PAGE - 1].pk if len(page) > PAGE else None
    context = {"visit": visit, "here": "batch", "batch": found, "rows": page[:PAGE], "after": after, "kind": kind}
    return render(request, "labeling/batch/rows.html", context)


@require_safe
def export(request: HttpRequest, slug: str, batch: int, kind: str) -> HttpResponseBase:
    """The settled labels of a batch with their provenance."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    return streams.attachment(_writer(kind)(found), f"{visit.project.slug}-batch-{found.pk}-labels", kind)


@require_safe
def export_project(request: HttpRequest, slug: str, kind: str) -> HttpResponseBase:
    """The settled labels of every batch."""
    visit = enter(request, slug, Role.EXPERT)
    return streams.attachment(_writer(kind)(visit.project), f"{visit.project.slug}-labels", kind)


def _writer(kind: str) -> Writer:
    if kind not in WRITERS:
        raise Http404("Labels are exported as csv or jsonl.")
    return WRITERS[kind]


@require_safe
def rounds(request: HttpRequest, slug: str, batch: int) -> HttpResponseBase:
    """Every round of a batch: what it believed, whom it asked, what that did cost, why it stopped."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    about = asked(visit.project, request)
    turns = round_history.turns(found, about.question)
    again = UNDER_WAY if turns and turns[0].seconds is None and not found.paused_at else 0
    context = {"visit": visit, "here": "batch", "batch": found, "turns": turns, "again": again, "asked": about}
    return show(request, "labeling/batch/rounds.html", context, parts=("standing",))


@require_safe
def replay(request: HttpRequest, slug: str, batch: int) -> HttpResponseBase:
    """The batch run once more on its own votes under another router, aggregator or budget; nothing changes."""
    visit = enter(request, slug, Role.EXPERT)
    found = batch_of(visit, batch)
    start = {
        "router": visit.project.router,
        "aggregator": visit.project.aggregator,
        "budget": in_dollars(bills.meter(found).cap),
    }
    about = asked(visit.project, request)
    if not about.question.votes_are_enough:
        start |= {"router": "value", "aggregator": "auto"}
    form = ReplayForm(about.question, request.GET if "router" in request.GET else start)
    context = {"visit": visit, "here": "batch", "batch": found, "form": form, "asked": about}
    if form.is_valid():
        told = form.cleaned_data
        wanted = Wanted(told["router"], told["aggregator"], in_microdollars(told["budget"]) or 0, about.question)
        context["found"], context["again"] = replays.compare_and_wait(found, wanted)
    status = 200 if form.is_valid() else 422
    return show(request, "labeling/batch/replay.html", context, parts=("standing", "report"), status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def methods(request: HttpRequest, slug: str, batch: int) -> HttpResponseBase:
    """Every truth inference method on this batch's votes, side by side; a manager may switch to another."""
    visit = enter(request, slug, Role.MANAGER if request.method == "POST" else Role.EXPERT)
    found = batch_of(visit, batch)
    name = request.POST.get("aggregator", "")
    if request.method == "POST" and name in NAMES:
        visit.project.weigh_by(name)
        messages.success(request, f"From the next round on, votes are weighed by {name.replace('_', ' ')}.")
        return redirect("batch_methods", slug, batch)
    context = {"visit": visit, "here": "batch", "batch": found, "manages": visit.may(Role.MANAGER), "names": NAMES}
    return _methods(request, found, {**context, "asked": asked(visit.project, request)})


def _methods(request: HttpRequest, batch: Batch, context: dict[str, Any]) -> HttpResponseBase:
    """The page, or with ?method= the row of a slow method, which runs then."""
    slow, question = request.GET.get("method", ""), context["asked"].question
    runs = slow in comparison.SLOW and slow in question.answers.methods
    line = comparison.run(batch, slow, question) if runs else None
    compared, again = comparison.compare_and_wait(batch, question)
    context = {**context, "found": compared, "line": line, "again": again}
    if line and request.headers.get("HX-Request"):
        return render(request, "labeling/batch/_method.html", context)
    return show(request, "labeling/batch/methods.html", context, parts=("report",))
