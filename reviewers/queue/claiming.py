"""Who gets which question. Nobody ever gets another's task."""

from __future__ import annotations

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from labeling.live import nudges
from labeling.models import Annotator, Escalation, Vote
from labeling.models.escalation import EscalationQuerySet
from labeling.models.vote import VoteQuerySet
from labeling.people import skill
from labeling.truth import bayes
from reviewers.models import Assignment
from reviewers.queue import holding

State = Assignment.State
FEW = 8
"""Among so many of the next questions the one is looked for that this person's answer is worth most to."""
REFILL = 2
"""So many cards may be missing in hand before new ones are fetched: several at once cost less."""
SHARE = 3
"""Ahead of time, one takes at most a third of what colleagues at work leave free."""


def waiting_for(annotator: Annotator) -> EscalationQuerySet:
    """Questions this person may be asked: open, not paused, of their kind, not answered by them, on no other desk.

    None for somebody whose queue is paused, by an alarm or a manager.
    """
    if annotator.paused_at is not None:
        return Escalation.objects.none()
    answered = Vote.objects.current().filter(task=OuterRef("task"), annotator=annotator)
    others = Assignment.objects.unexpired().filter(escalation=OuterRef("pk")).exclude(annotator=annotator)
    questions = Escalation.objects.open().in_project(annotator.project_id).filter(to=annotator.kind).not_paused()
    return questions.filter(~Exists(answered), ~Exists(others)).order_by("-priority", "pk")


def own(annotator: Annotator, key: int) -> Assignment | None:
    """One of the questions this person holds or held."""
    found = (
        Assignment.objects.filter(annotator=annotator, pk=key)
        .select_related("escalation__task__batch", "escalation__task__instance", "escalation__task__question")
        .first()
    )
    return found.known_to(annotator) if found else None


def on_card_of(own: Assignment, keys: list[int]) -> list[Assignment]:
    """Those of some holds that are this person's and about the same instance as `own`, in the questions' order."""
    theirs = Assignment.objects.filter(annotator=own.annotator_id, pk__in=keys)
    same = theirs.filter(escalation__task__instance=own.escalation.task.instance_id)
    found = [held.known_to(own.annotator) for held in same.with_task()]
    return sorted(found, key=lambda held: (held.escalation.task.question.position, held.pk))


def claim(annotator: Annotator) -> Assignment | None:
    """The question on this person's desk, else the next one of the queue, begun; None where nothing waits.

    Raises ledger.Refused where the answer is paid and the money is spent.
    """
    return next(iter(hand_out(annotator, at_work=True)), None)


def hand_out(annotator: Annotator, ahead: int = 0, *, at_work: bool = False) -> list[Assignment]:
    """What this person should see now: nothing, a question or, with `ahead`, up to so many more in hand after it.

    `at_work`: somebody works here, so the first question is begun; otherwise all only lie there to be looked at.
    Raises ledger.Refused where the first answer is paid and the money is spent.
    """
    there = holding.in_hand(annotator)
    if not there:
        holding.tidy(annotator)
    missing = 1 + ahead - len(there)
    if not there and not at_work and not _free(annotator).exists():
        return []  # whoever merely looks again and again, where nothing waits, keeps no answer from being written
    if not there or missing > min(REFILL, ahead - 1) or len(there) > holding.MOST:
        there = _refill(annotator, min(ahead, holding.AHEAD), at_work)
    if not there:
        return []
    if at_work:
        holding.begin_card(there[0])
    else:
        holding.affordable(there[0])
    holding.keep(there, at_work=at_work)
    return there[: 1 + ahead]


def _refill(annotator: Annotator, ahead: int, at_work: bool) -> list[Assignment]:
    """The desk with as many questions on it as there should be, and never more than the most."""
    for _ in range(3):
        try:
            return _fill(annotator, ahead, at_work)
        except IntegrityError:  # somebody else was faster by a hair; look again
            continue
    return holding.in_hand(annotator)


@transaction.atomic
def _fill(annotator: Annotator, ahead: int, at_work: bool) -> list[Assignment]:
    holding.alone(annotator)
    there = holding.in_hand(annotator)
    for surplus in holding.whole(there[holding.MOST :]):
        holding.give_up(surplus, State.VOID)
    there = there[: holding.MOST]
    wanted = _wanted(annotator, len(there), ahead)
    questions = _next_free(annotator, wanted, first=not there) if wanted > 0 else []
    if not questions:
        return there
    nudges.announce(annotator.project_id, nudges.QUEUE)
    questions += _beside(questions, annotator)
    return there + holding.cards_of(holding.lay_down(questions, annotator, at_work=at_work))


def _beside(questions: list[Escalation], annotator: Annotator) -> list[Escalation]:
    """The other free questions about the same instances, one of each task, locked: they go onto the same cards."""
    if annotator.kind == Annotator.Kind.EXPERT or not _asks_several(annotator):
        return []
    there = {one.task_id for one in questions}
    free = _locked(annotator).filter(task__instance__in={one.task.instance_id for one in questions})
    first: dict[int, Escalation] = {}
    for one in free.exclude(task__in=there):
        first.setdefault(one.task_id, one)
    return list(first.values())


def _asks_several(annotator: Annotator) -> bool:
    """Whether the project has more than one question; no query where they were read with it."""
    return len(annotator.project.questions.all()) > 1


def _wanted(annotator: Annotator, there: int, ahead: int) -> int:
    """How many questions to take: the first in any case, those ahead only of what colleagues leave.

    As many questions as colleagues are at work stay free, and two thirds of the rest.
    """
    first = 0 if there else 1
    missing = 1 + ahead - there - first
    if missing <= 0:
        return first
    at_work = Assignment.objects.unexpired().in_project(annotator.project_id).exclude(annotator=annotator)
    others = at_work.filter(annotator__kind=annotator.kind).values("annotator").distinct().count()
    free = _free(annotator).order_by()[: SHARE * missing + others + first].count() - first - others
    return first + min(missing, max(1, free // SHARE) if free > 0 else 0)


def _next_free(annotator: Annotator, count: int, *, first: bool) -> list[Escalation]:
    """The next free questions, locked; those put off, or answered under another role, come after all others."""
    free = _locked(annotator)
    skipped = Assignment.objects.filter(escalation=OuterRef("pk"), annotator=annotator, state=State.SKIPPED)
    later = Q(Exists(skipped))
    if annotator.kind == Annotator.Kind.EXPERT:
        later |= Q(Exists(answered_as_annotator(annotator)))
    best = _best_for(annotator, _free(annotator).filter(~later)) if first else None
    found = list(free.filter(pk=best)) if best is not None else []
    others = free.filter(~later).exclude(task__instance__in=[one.task.instance_id for one in found])
    found += _one_of_each(others, count - len(found)) if len(found) < count else []
    if len(found) < count:
        again = free.filter(later).exclude(task__instance__in=[one.task.instance_id for one in found])
        found += _one_of_each(again, count - len(found))
    return found


def _locked(annotator: Annotator) -> EscalationQuerySet:
    """What waits for this person, locked as it is read, with the rows that a card shows."""
    locked = _free(annotator).select_for_update(skip_locked=True, of=("self",))
    return locked.select_related("task__batch", "task__instance")


def _one_of_each(free: EscalationQuerySet, count: int) -> list[Escalation]:
    """The first questions, no two about one instance: where several opinions are wanted, each is somebody else's."""
    first: dict[int, Escalation] = {}
    while more := list(free.exclude(task__instance__in=first)[: count - len(first)]):
        for question in more:
            first.setdefault(question.task.instance_id, question)
        if len(first) == count or len({one.task.instance_id for one in more}) == len(more):
            break
    return list(first.values())


def answered_as_annotator(expert: Annotator) -> VoteQuerySet:
    """For `Exists` on questions: whether this expert, as an annotator, gave one of the answers in dispute."""
    theirs = Vote.objects.current().answering().filter(task=OuterRef("task"), annotator__user=expert.user_id)
    return theirs.exclude(annotator=expert)


def _best_for(annotator: Annotator, free: EscalationQuerySet) -> int | None:
    """The question among the next few that this person's answer is worth most to, by their own skill.

    None where too little is known of them, or where it makes no difference: then the first one it is. Whoever is less
    sure of the label than they are right helps most; nobody is left without a question, and no question for ever.
    """
    if annotator.kind != Annotator.Kind.PERSON:
        return None
    kept = [one for one in annotator.skills.all() if one.confusion is not None]
    proven = {one.question_id: one for one in kept if skill.of(one).proven}
    if not proven:
        return None
    told = free.filter(task__belief__isnull=False, task__question__in=proven)
    rows = list(told.values_list("pk", "task__question", "task__belief__probabilities")[:FEW])
    alike = [(pk, chances) for pk, question, chances in rows if question == rows[0][1]]
    if len(alike) < 2:
        return None
    worth = bayes.gain(np.array([chances for _, chances in alike]), np.array(proven[rows[0][1]].confusion))
    return alike[int(worth.argmax())][0] if np.ptp(worth) > 1e-9 else None


def _free(annotator: Annotator) -> EscalationQuerySet:
    """What waits for this person, without tasks that lie on their own desk already.

    In the order of an index, so that the first few are found without a look at the others.
    """
    mine = Assignment.objects.live().filter(escalation__task=OuterRef("task"), annotator=annotator)
    return waiting_for(annotator).filter(~Exists(mine))


@transaction.atomic
def pick(annotator: Annotator, question: Escalation) -> Assignment | None:
    """Lay this very question on the desk and give back what else lies there; None where it is closed or taken."""
    holding.alone(annotator)
    there = holding.in_hand(annotator)
    if held := next((one for one in there if one.escalation_id == question.pk), None):
        holding.keep([held], at_work=False)
        return held
    question.lock()
    if not waiting_for(annotator).filter(pk=question.pk).exists():
        return None
    for other in there:
        holding.give_up(other, State.VOID)
    nudges.announce(annotator.project_id, nudges.QUEUE)
    held = holding.lay_down([question], annotator)[0]
    holding.affordable(held)
    return held
