"""What waits for a manager of a project, and the rows of its overview."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Min
from django.urls import reverse
from django.utils.timesince import timesince

from fairness.reports import Answers
from labeling.managing import stuck
from labeling.models import Alarm, Annotator, Batch, Escalation, Reservation
from labeling.money import ledger
from labeling.people.access import Visit
from labeling.reports.batch.standing import Standing


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing that waits: what, a quiet word about it, and where to go or what to send.

    `url` with `verb` is a link; with `fields` it is a form that posts them.
    """

    strong: str
    text: str
    quiet: str
    url: str
    verb: str
    fields: tuple[tuple[str, str], ...] = ()


def todos(visit: Visit, standings: list[Standing], found: Answers) -> list[Todo]:
    """Everything that waits for a manager or an expert, the most pressing first."""
    manages = visit.may("manager")
    batches = [one.batch for one in standings]
    waiting = [*_stopped(visit, batches, manages), *_alarms(visit, manages)]
    waiting += [*_cases(visit), *_for_people(visit, standings)]
    waiting += _stuck(visit) + _left_over(visit, standings) if manages else []
    waiting += _unknown_money(visit) + _failing(visit)
    waiting += _skipped(visit, batches) + _unchecked(visit, found, batches, manages)
    return waiting


def _stopped(visit: Visit, batches: list[Batch], manages: bool) -> list[Todo]:
    return [
        Todo(
            batch.name,
            "has stopped",
            batch.error,
            reverse("batch_control", args=[visit.project.slug, batch.pk]),
            "Try again",
            (("action", "resume"),),
        )
        if manages
        else Todo(batch.name, "has stopped", batch.error, batch.get_absolute_url(), "Look")
        for batch in batches
        if batch.paused_at and batch.error
    ]


def _alarms(visit: Visit, manages: bool) -> list[Todo]:
    """Alarms that stand: a gap between groups, a model that changed, a person who fails."""
    found: list[Todo] = []
    for one in visit.project.alarms.standing().select_related("batch__project", "question"):
        place = one.get_absolute_url() if one.batch else reverse("crowd", args=[visit.project.slug])
        told = f"{one.why} What it concerns is paused." if one.paused else one.why
        if one.question_id and one.batch:
            verb, address, fields = _decides(one, manages)
        elif manages:
            verb, fields = "Seen, go on", (("action", "clear"),)
            address = reverse("alarm_clear", args=[visit.project.slug, one.pk])
        else:
            verb, address, fields = "Look", place, ()
        found.append(Todo(one.about, f"raised an alarm: {one.get_kind_display()}", told, address, verb, fields))
    return found


def _decides(one: Alarm, manages: bool) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """An alarm about groups is answered on the page of its watch, where the evidence is."""
    assert one.batch is not None
    return "Decide" if manages else "Look", reverse("watch", args=[one.batch.project.slug, one.batch.pk]), ()


def _cases(visit: Visit) -> list[Todo]:
    if not visit.cases:
        return []
    waiting = Escalation.objects.in_project(visit.project.pk).open().to_experts().listed()
    oldest = waiting.aggregate(oldest=Min("created_at"))["oldest"]
    noun, verb = ("case", "needs") if visit.cases == 1 else ("cases", "need")
    told = f"the oldest since {timesince(oldest, depth=1)}" if oldest else ""
    return [
        Todo(f"{visit.cases} {noun}", f"{verb} an expert", told, reverse("cases", args=[visit.project.slug]), "Settle")
    ]


def _for_people(visit: Visit, standings: list[Standing]) -> list[Todo]:
    count = sum(one.asked.get("person", 0) for one in standings)
    if not count:
        return []
    noun, verb = ("task", "waits") if count == 1 else ("tasks", "wait")
    address = reverse("annotate", args=[visit.project.slug])
    return [Todo(f"{count:,} {noun}", f"{verb} for a person", "anybody of the project can answer", address, "Label")]


def _stuck(visit: Visit) -> list[Todo]:
    """Tasks and checks that everybody skips: without an expert's word they stay open for ever."""
    found, address = stuck.count(visit.project), reverse("tasks_stuck", args=[visit.project.slug])
    return [
        Todo(
            f"{count:,} {one if count == 1 else many}",
            f"{'is' if count == 1 else 'are'} stuck",
            f"everybody who labels skipped {'it' if count == 1 else 'them'}, or has answered already",
            address,
            "Ask an expert",
            (("act", act),),
        )
        for count, one, many, act in (
            (found.tasks, "task", "tasks", "case"),
            (found.checks, "check at random", "checks at random", "check"),
        )
        if count
    ]


def _left_over(visit: Visit, standings: list[Standing]) -> list[Todo]:
    """Tasks below the threshold that nobody is asked about: people can be asked, or their labels accepted."""
    return [
        Todo(
            f"{one.unasked:,} {'task' if one.unasked == 1 else 'tasks'}",
            f"of {one.batch.name} {'is' if one.unasked == 1 else 'are'} not sure enough, and nobody is asked",
            "ask people, or accept less than the project does",
            f"{one.batch.get_absolute_url()}#left",
            "Decide",
        )
        for one in standings
        if one.unasked and not one.batch.paused_at
    ]


def _unknown_money(visit: Visit) -> list[Todo]:
    unknown = Reservation.objects.filter(task__project=visit.project, state=Reservation.State.UNKNOWN)
    count = unknown.filter(call=None).count()
    if not count or not visit.may("manager"):
        return []
    held = ledger.dollars(sum(unknown.values_list("reserved_microdollars", flat=True)))
    address = reverse("money", args=[visit.project.slug])
    return [
        Todo(f"{held}", "is held for calls whose outcome nobody knows", f"{count} calls were cut off", address, "Look")
    ]


def _failing(visit: Visit) -> list[Todo]:
    """Voters that fail, or were stopped; those that merely sit out a kind of task are listed with the crowd."""
    ours = Annotator.objects.filter(project=visit.project).exclude(error="")
    address = reverse("crowd", args=[visit.project.slug])
    halted = [Todo(one.name, "was stopped", one.error, address, "Look") for one in ours.exclude(paused_at=None)]
    failing = ours.filter(failures__gt=0, paused_at=None)
    return halted + [Todo(one.name, "does not answer", one.error, address, "Look") for one in failing]


def _skipped(visit: Visit, batches: list[Batch]) -> list[Todo]:
    return [
        Todo(
            f"{batch.rows_bad:,} {'line' if batch.rows_bad == 1 else 'lines'}",
            f"of {batch.name} could not be read",
            f"the other {batch.rows_new + batch.rows_duplicate:,} are in",
            reverse("batch_rows", args=[visit.project.slug, batch.pk]),
            "See them",
        )
        for batch in [one for one in batches if one.rows_bad and one.stage != Batch.Stage.DONE][:2]
    ]


def _unchecked(visit: Visit, found: Answers, batches: list[Batch], manages: bool) -> list[Todo]:
    """Groups that cannot be compared for want of checks; the newest batch that has enough of them can draw some."""
    if found.fair is None:
        return []
    lacking = [row for row in found.fair.table.groups if not row.accuracy.estimable and row.n >= 30]
    address = batches[0].get_absolute_url() if batches else ""
    return [
        Todo(
            row.group,
            "cannot be compared",
            f"{row.n_checked} of 30 checked" + _pending(found.fair.pending.get(row.group, 0)),
            f"{address}#fair",
            "Look" if not manages else "Check more",
        )
        for row in lacking[:3]
    ]


def _pending(count: int) -> str:
    return f", {count} wait for a person" if count else ""
