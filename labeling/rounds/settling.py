"""What one more answer changes: the belief, and whether the task is settled, waits, or becomes an expert's case."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from labeling.arrays import rounded
from labeling.live import nudges
from labeling.models import Annotator, Belief, Decision, Escalation, Label, Membership, Task, Vote
from labeling.rounds import decisions
from labeling.truth import bayes
from labeling.truth.belief import clipped, entropy
from labeling.truth.confusion import shrunken
from labeling.truth.votes import Floats

Kind = Annotator.Kind
Reason = Escalation.Reason
State = Escalation.State
PEOPLE = (Kind.PERSON, Kind.EXPERT)
WEIGHED = ["probabilities", "label", "confidence", "entropy", "tie", "n_votes", "updated_at"]
PERSON_STRENGTH = 8.0
PERSON_RIGHT = 0.9


@dataclass(frozen=True, slots=True)
class Said:
    """One current vote with a label, as keys."""

    vote: int
    annotator: int
    kind: str
    label: int


def settle(escalation: Escalation, vote: Vote) -> bool:
    """Take an answer to a locked task in: close what asked, update the belief, settle the task or send it on.

    False where the escalation had been closed before; the vote then counts as one more opinion only. Belongs into
    the transaction that wrote the vote.
    """
    if not escalation.close(State.ANSWERED, vote):
        return False
    task, said = vote.task, what_was_said(vote.task)
    before = Belief.objects.filter(task=task).first()
    after = _updated(before, task, said, vote.annotator)
    if escalation.to == Kind.EXPERT:
        _expert_settles(task, vote, after)
    elif escalation.to == Kind.PERSON:
        _person_settles(task, vote, said, before, after)
    nudges.announce(task.project_id, nudges.QUEUE, nudges.PROGRESS)
    return True


def what_was_said(task: Task) -> list[Said]:
    """The current votes on a task that name a label, oldest first."""
    named = task.votes.current().filter(label__isnull=False).order_by("pk")
    return [Said(*row) for row in named.values_list("pk", "annotator", "annotator__kind", "label")]


def _updated(belief: Belief | None, task: Task, said: list[Said], *known: Annotator) -> Belief | None:
    """The belief of the last inference, with every later vote added by Bayes' rule; `belief` itself stays as it is.

    Annotators that are `known` are not fetched again.
    """
    if belief is None:
        return None
    labels = task.project.label_list()
    places = {label.pk: place for place, label in enumerate(labels)}
    later = [one for one in said if one.vote > belief.base_vote]
    voters = {annotator.pk: annotator for annotator in known}
    voters |= Annotator.objects.in_bulk({one.annotator for one in later} - voters.keys())
    confusions = [confusion_of(voters[one.annotator], len(labels)) for one in later]
    posterior = bayes.combine(np.array(belief.base), [places[one.label] for one in later], confusions)
    return _written(belief, posterior, labels, len(said))


def _written(belief: Belief, posterior: Floats, labels: list[Label], n_votes: int) -> Belief:
    order = np.sort(posterior)
    after = copy(belief)
    after.probabilities = rounded(posterior)
    after.label = labels[int(posterior.argmax())]
    after.confidence = min(float(order[-1]), 1.0)
    after.entropy = float(entropy(posterior))
    after.tie = bool(order[-1] - order[-2] < 1e-9)
    after.n_votes = n_votes
    after.save(update_fields=WEIGHED)
    return after


def confusion_of(annotator: Annotator, n_labels: int) -> Floats:
    """The annotator's confusion matrix as last inferred; before that, a careful prior: right nine times of ten."""
    if annotator.confusion is not None:
        return clipped(np.array(annotator.confusion), 1e-3)
    counts = np.zeros((n_labels, n_labels + 1))
    np.fill_diagonal(counts, PERSON_RIGHT * PERSON_STRENGTH / n_labels)
    counts[:, :n_labels] += (1 - PERSON_RIGHT) * PERSON_STRENGTH / n_labels / n_labels
    return clipped(shrunken(counts), 1e-3)


def _expert_settles(task: Task, vote: Vote, belief: Belief | None) -> None:
    if vote.label is not None:
        decisions.decide(decisions.of_vote(vote, vote.label, belief, Decision.By.EXPERT, vote.raw), task)


def _person_settles(task: Task, vote: Vote, said: list[Said], before: Belief | None, after: Belief | None) -> None:
    """One clear answer settles; people who differ, or a person against a confident crowd, make an expert's case."""
    if vote.label is None:
        return
    others = (one.label for one in said if one.kind in PEOPLE and one.label != vote.label_id)
    confident = before is not None and before.confidence >= task.batch.accepts_from
    if (other := next(others, None)) is not None:
        names = {label.pk: label.name for label in task.project.label_list()}
        _to_expert(task, Reason.PEOPLE_DISAGREE, f"People are split between {names[other]} and {vote.label}.")
    elif before is not None and confident and before.label_id != vote.label_id and not before.tie:
        share = f"{before.confidence:.0%}"
        why = f"The crowd is {share} sure of {before.label}, {vote.annotator} says {vote.label}."
        _to_expert(task, Reason.AGAINST_CROWD, why)
    elif not task.escalations.open().to_people().exists() and not _says_the_same(task, vote):
        why = f"{vote.annotator} answered."
        decisions.decide(decisions.of_vote(vote, vote.label, after, Decision.By.PERSON, why), task)


def _says_the_same(task: Task, vote: Vote) -> bool:
    """Whether the final label there is already is this one: a check that agrees leaves the crowd its decision."""
    return task.stage == Task.Stage.DECIDED and decisions.current(task.pk).filter(label=vote.label).exists()


def _to_expert(task: Task, reason: str, why: str) -> None:
    """Make an expert's case, once; it takes the place of questions to people that are still open."""
    task.escalations.open().to_people().update(state=State.WITHDRAWN)
    belief = Belief.objects.filter(task=task).first()
    priority = belief.entropy if belief else 0.0
    if not task.escalations.open().to_experts().exists():
        Escalation.objects.create(task=task, to=Kind.EXPERT, reason=reason, why=why, priority=priority)
    decisions.reopen(task)


@transaction.atomic
def retract(vote: Vote) -> Escalation | None:
    """Take a person's answer back: what it settled is open again, and the question is asked anew.

    Returns the new question, or None where the answer had settled nothing that can be taken back.
    """
    vote.task.lock()
    asked, task = vote.escalations.order_by("-pk").first(), vote.task
    withdrawal = Vote(
        task=task, annotator=vote.annotator, corrects=vote, withdrawn=True, prompt_version=vote.prompt_version
    )
    withdrawal.save()
    if asked is None:
        return None
    decided = decisions.current(task.pk).first()
    if asked.checks is not None:
        _forget_check(asked.checks, decided, vote)
    elif decided is None or decided.decided_by != Decision.By.EXPERT or decided.annotator_id == vote.annotator_id:
        decisions.reopen(task)
    cases = [Reason.PEOPLE_DISAGREE, Reason.AGAINST_CROWD, Reason.FLAGGED]
    if asked.to != Kind.EXPERT:
        task.escalations.open().to_experts().filter(reason__in=cases).update(state=State.WITHDRAWN)
    _updated(Belief.objects.filter(task=task).first(), task, what_was_said(task), vote.annotator)
    return _ask_again(asked)


def _forget_check(checked: Decision, decided: Decision | None, vote: Vote) -> None:
    """The label that was checked stands again, unless another expert has settled the task since."""
    if decided is None or decided.decided_by != Decision.By.EXPERT or decided.annotator_id == vote.annotator_id:
        decisions.restore(checked)


def _ask_again(asked: Escalation) -> Escalation:
    """A fresh copy of a question that was closed."""
    again = {
        name: getattr(asked, name)
        for name in ("round", "to", "slot", "reason", "checks", "why", "expected_gain", "priority")
    }
    nudges.announce(asked.task.project_id, nudges.QUEUE)
    return Escalation.objects.create(task=asked.task, **again)


def flag(escalation: Escalation, vote_note: str, who: Annotator) -> None:
    """Hand a question about a locked task to the experts with a note of why it cannot be answered as it stands."""
    if not escalation.close(State.WITHDRAWN):
        return
    note = f": “{vote_note}”" if vote_note else "."
    _to_expert(escalation.task, Reason.FLAGGED, f"{who} flagged it{note}")
    nudges.announce(escalation.task.project_id, nudges.QUEUE)


@transaction.atomic
def unflag(escalation: Escalation) -> Escalation | None:
    """Take a flag back: the expert's case goes away and the question is asked anew; None once an expert settled it."""
    task = escalation.task
    cases = task.escalations.open().to_experts().filter(reason=Reason.FLAGGED)
    if not cases.update(state=State.WITHDRAWN):
        return None
    return _ask_again(escalation)


@transaction.atomic
def send_back(escalation: Escalation, who: Annotator, note: str) -> None:
    """Return an expert's case to the people, who are asked once more with the expert's note."""
    if not escalation.close(State.WITHDRAWN):
        return
    taken = escalation.task.escalations.open().to_people().count()
    why = f"{who} asks for one more opinion" + (f": “{note}”" if note else ".")
    Escalation.objects.create(
        task=escalation.task, to=Kind.PERSON, slot=taken, reason=Reason.SENT_BACK, why=why, priority=escalation.priority
    )
    nudges.announce(escalation.task.project_id, nudges.QUEUE)


def has_experts(project_id: int) -> bool:
    """Whether anybody in the project may settle a case."""
    roles = [Membership.Role.EXPERT, Membership.Role.MANAGER]
    return Membership.objects.filter(project_id=project_id, role__in=roles).exists()
