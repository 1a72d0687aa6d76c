"""What people's answers make of a task where an answer is more than one label of a choice.

Beliefs of such tasks are brought up to date when all answers are weighed the next time; until then answers are compared
with each other, and with what was believed before.
"""

from __future__ import annotations

from dataclasses import dataclass

from labeling.models import Belief, Escalation, Task, Vote
from labeling.rounds.kind_answers import Terms

ALIKE = 0.1
"""Answers no further apart than this say the same: a step on a scale of eleven, one stretch of ten."""
Reason = Escalation.Reason


@dataclass(frozen=True, slots=True)
class Dispute:
    """Why a task is an expert's case: the reason and a sentence that says what is disputed."""

    reason: str
    why: str


def dispute(task: Task, vote: Vote, belief: Belief | None, accept: float) -> Dispute | None:
    """What is disputed once a person gave `vote`; None where nothing speaks against it.

    Other people's answers speak against it where they are further from it than `ALIKE`, and so does a `belief` of
    before that is at least `accept` sure.
    """
    terms = Terms.of(task)
    others = task.votes.current().of_people().answering().exclude(annotator=vote.annotator_id)
    for other in others.select_related("annotator", "label").order_by("pk"):
        if terms.apart(other, vote) > ALIKE:
            why = f"{other.annotator} and {vote.annotator} differ on {terms.contrast(other, vote)}."
            return Dispute(Reason.PEOPLE_DISAGREE, why)
    if belief is not None and belief.confidence >= accept and terms.apart(belief, vote) > ALIKE:
        sure = f"The crowd is {belief.confidence:.0%} sure"
        why = f"{sure}, {vote.annotator} differs from it on {terms.contrast(belief, vote)}."
        return Dispute(Reason.AGAINST_CROWD, why)
    return None
