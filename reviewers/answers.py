"""From what a person sent to what becomes of it, told as a notice; None where it simply went well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labeling.models import Annotator
from reviewers import guide
from reviewers.models import Assignment
from reviewers.notices import Notice, kept_as_extra, not_saved, of_a_change
from reviewers.queue import answering, holding, undoing

State = Assignment.State


def give(assignment: Assignment, told: dict[str, Any]) -> Notice | None:
    """Take a label, skip, flag or return of a task in. Raises Conflict where it contradicts what is stored."""
    if told["act"] == "skip":
        answering.skip(assignment)
    elif told["act"] == "release":
        holding.put_back(assignment)
    elif told["act"] == "flag":
        answering.flag(assignment, told["note"])
    else:
        given = submit(assignment, told)
        return of_a_change(given) or kept_as_extra(given)
    return None


def settle(assignment: Assignment, told: dict[str, Any]) -> Notice | None:
    """Take an expert's word on a case in. Raises Conflict where it contradicts what is stored."""
    if told["act"] == "later":
        answering.skip(assignment)
    elif told["act"] == "back":
        answering.send_back(assignment, told["note"])
        return Notice("Sent back.", "Somebody who has not answered it yet is asked, and reads your words first.")
    elif told["act"] == "undo":
        return take_back(assignment.annotator, assignment)
    else:
        took = _seconds(assignment, told)
        given = _take(answering.submit, assignment, told, took)
        if told["guide"] and told["note"]:
            question, label = assignment.escalation.task.question, told["answer"].label
            guide.add(question, label, told["note"], assignment.annotator.user)
        return kept_as_extra(given)
    return None


def take_back(annotator: Annotator, assignment: Assignment | None) -> Notice | None:
    """Undo what this person did last, or the act behind `assignment`. Raises Conflict where somebody has it now."""
    if undoing.undo(annotator, assignment) is None:
        return Notice("Nothing was taken back.", "It was undone before, or an expert has settled it since.")
    return None


def refused(told: dict[str, Any], reason: str) -> Notice:
    """An act that was refused, with the reason."""
    return not_saved(told.get("words", ""), reason)


def submit(assignment: Assignment, told: dict[str, Any]) -> answering.Given:
    """Take a first answer in, or a change of an earlier one. Raises Conflict where it contradicts what is stored."""
    took = _seconds(assignment, told)
    if assignment.state not in (State.ANSWERED, State.SKIPPED, State.FLAGGED):
        try:
            return _take(answering.submit, assignment, told, took)
        except answering.Answered:  # in another window, a moment ago
            assignment = _answered(assignment)
    return _take(undoing.change, assignment, told, took)


def _take(
    how: Callable[..., answering.Given], assignment: Assignment, told: dict[str, Any], took: float
) -> answering.Given:
    answer = told["answer"]
    return how(assignment, answer.label, told["key"], marks=answer.marks, seconds=took, note=told["note"])


def _answered(assignment: Assignment) -> Assignment:
    """The hold under which this person has answered the same task."""
    theirs = Assignment.objects.filter(annotator=assignment.annotator, escalation__task=assignment.escalation.task)
    done = theirs.filter(state=State.ANSWERED, vote__correction=None).select_related(
        "escalation__task__batch", "escalation__task__instance", "vote"
    )
    found = done.order_by("-pk").first()
    return found.known_to(assignment.annotator) if found else assignment


def _seconds(assignment: Assignment, told: dict[str, Any]) -> float:
    return assignment.seconds_worked(told["seconds"])
