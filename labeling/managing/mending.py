"""A settled task is mended, asked about once more, or made a case: history stays, decisions are superseded."""

from __future__ import annotations

from django.db import transaction

from labeling.live import nudges
from labeling.models import Annotator, Escalation, Label, Task, Vote
from labeling.rounds import decisions, settling, story

Kind = Annotator.Kind
Reason = Escalation.Reason


@transaction.atomic
def mend(task: Task, expert: Annotator, label: Label, why: str) -> Vote:
    """An expert gives a task another final label; whoever is overruled reads the reason under their work.

    Every call is a new vote that corrects the expert's earlier one, and a new decision that supersedes the last.
    """
    task.lock()
    case = task.escalations.open().to_experts().first() or _case(task, f"{expert} mends the label.")
    earlier = Vote.objects.filter(task=task, annotator=expert).order_by("pk").last()
    vote = Vote.objects.create(task=task, annotator=expert, label=label, raw=why, corrects=earlier)
    settling.settle(case, vote)
    story.finish(task.batch)
    return vote


@transaction.atomic
def ask_again(task: Task, expert: Annotator, note: str) -> Escalation:
    """Open a task again and ask one more person, who reads the note; nobody is asked who has answered it."""
    task.lock()
    decisions.reopen(task)
    told = f": “{note}”" if note else "."
    slot = Escalation.objects.free_slot(task, Kind.PERSON)
    why = f"{expert} asks for one more opinion{told}"
    asked = Escalation.objects.create(task=task, to=Kind.PERSON, slot=slot, reason=Reason.SENT_BACK, why=why)
    nudges.announce(task.project_id, nudges.QUEUE, nudges.PROGRESS)
    return asked


@transaction.atomic
def make_case(task: Task, expert: Annotator, note: str) -> Escalation:
    """Open a task again as an expert's case, unless it is one already."""
    task.lock()
    told = f": “{note}”" if note else "."
    case = task.escalations.open().to_experts().first() or _case(task, f"{expert} flagged it{told}")
    decisions.reopen(task)
    nudges.announce(task.project_id, nudges.QUEUE, nudges.PROGRESS)
    return case


def _case(task: Task, why: str) -> Escalation:
    return Escalation.objects.create(task=task, to=Kind.EXPERT, reason=Reason.FLAGGED, why=why)
