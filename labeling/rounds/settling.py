"""What one more answer changes: the belief, and whether the task is settled, waits, or becomes an expert's case."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from labeling.live import nudges
from labeling.models import Annotator, Belief, Decision, Escalation, Label, Membership, Task, Vote
from labeling.rounds import decisions, kind_settling
from labeling.rounds.hearing import Heard
from labeling.rounds.kind_answers import Terms
from labeling.truth.skills.verdict import Dispute, Outcome, Verdict

Kind = Annotator.Kind
Reason = Escalation.Reason
State = Escalation.State


def settle(escalation: Escalation, vote: Vote) -> bool:
    """Take an answer to a locked task in: close what asked, update the belief, settle the task or send it on.

    False where the escalation had been closed before; the vote then counts as one more opinion only. Belongs into
    the transaction that wrote the vote.
    """
    if not escalation.close(State.ANSWERED, vote):
        return False
    task = vote.task
    before = Belief.objects.filter(task=task).first()
    if not task.question.votes_are_enough:
        _settle_by_kind(escalation, task, vote, before)
        nudges.announce(task.project_id, nudges.QUEUE, nudges.PROGRESS)
        return True
    heard = Heard.of(before, task, vote.annotator)
    after = heard.written(before) if before else None
    if escalation.to == Kind.EXPERT:
        _expert_settles(task, vote, after)
    elif escalation.to == Kind.PERSON:
        _person_settles(task, vote, heard, after)
    nudges.announce(task.project_id, nudges.QUEUE, nudges.PROGRESS)
    return True


def _settle_by_kind(escalation: Escalation, task: Task, vote: Vote, belief: Belief | None) -> None:
    """The same for answers that are more than one label of a choice."""
    if escalation.to == Kind.PAID or (vote.label is None and vote.marks is None):
        return  # what a model says is weighed with the others
    if escalation.to == Kind.EXPERT:
        decisions.decide(decisions.of_answer(vote, belief, Decision.By.EXPERT, vote.raw), task)
    elif found := kind_settling.dispute(task, vote, belief, task.batch.asks_until):
        _to_expert(task, found.reason, found.why)
    elif not task.escalations.open().to_people().exists() and not _is_final(task, vote):
        decisions.decide(decisions.of_answer(vote, belief, Decision.By.PERSON, f"{vote.annotator} answered."), task)


def _is_final(task: Task, vote: Vote) -> bool:
    """Whether the final answer there already is says the same."""
    final = decisions.current(task.pk).first() if task.stage == Task.Stage.DECIDED else None
    return final is not None and Terms.of(task).apart(final, vote) <= kind_settling.ALIKE


def _expert_settles(task: Task, vote: Vote, belief: Belief | None) -> None:
    if vote.label is not None:
        decisions.decide(decisions.of_vote(vote, vote.label, belief, Decision.By.EXPERT, vote.raw), task)


def _person_settles(task: Task, vote: Vote, heard: Heard, after: Belief | None) -> None:
    """One clear answer settles; what is disputed is settled by what is known of everybody's skill, or by an expert."""
    if vote.label is None:
        return
    found = heard.verdict(task.batch.asks_until)
    if found.dispute is Dispute.RECORD and task.escalations.open().to_people().exists():
        return
    if found.outcome is Outcome.EXPERT:
        reason, why = _disputed(heard, vote, found)
        _to_expert(task, reason, why)
    elif found.outcome is Outcome.BY_SKILL:
        label = heard.labels[found.label]
        if _says_the_same(task, label):
            return
        why = f"{_disputed(heard, vote, found)[1]} {_why_sure(heard, found, after)}"
        decisions.decide(decisions.of_skill(vote, label, after, why, _weighed(heard)), task)
    elif not task.escalations.open().to_people().exists() and not _says_the_same(task, vote.label):
        why = f"{vote.annotator} answered."
        decisions.decide(decisions.of_vote(vote, vote.label, after, Decision.By.PERSON, why), task)


def _disputed(heard: Heard, vote: Vote, found: Verdict) -> tuple[str, str]:
    """Why a task is disputed: the reason and a sentence."""
    if found.dispute is Dispute.PEOPLE:
        names = {label.pk: label.name for label in heard.labels}
        other = next(one.label for one in heard.people if one.label != vote.label_id)
        return Reason.PEOPLE_DISAGREE, f"People are split between {names[other]} and {vote.label}."
    if found.dispute is Dispute.CROWD:
        best = heard.labels[int(heard.crowd.argmax())]
        sure = f"The crowd is {heard.crowd.max():.0%} sure of {best}"
        return Reason.AGAINST_CROWD, f"{sure}, {vote.annotator} says {vote.label}."
    whose = f"{vote.annotator}, of whose answers {heard.skill_of(vote.annotator_id).accuracy:.0%} are right,"
    return Reason.AGAINST_RECORD, f"{whose} says {vote.label}; {heard.labels[found.label]} is likelier."


def _why_sure(heard: Heard, found: Verdict, after: Belief | None) -> str:
    """Whose skill settles it, in one sentence."""
    told = [f"{heard.voters[key]} {heard.skill_of(key).accuracy:.0%}" for key in _speakers(heard)]
    sure = f"{after.confidence:.0%} sure" if after else "sure enough"
    return f"By their skill ({', '.join(told)} right) {heard.labels[found.label]} is {sure}."


def _speakers(heard: Heard) -> list[int]:
    return list(dict.fromkeys(one.annotator for one in heard.people))


def _weighed(heard: Heard) -> dict[str, Any]:
    """With which skill everybody's answer counted, for the provenance."""
    skills = {key: heard.skill_of(key) for key in _speakers(heard)}
    return {str(key): [one.accuracy, one.low, one.high, one.evidence] for key, one in skills.items()}


def _says_the_same(task: Task, label: Label) -> bool:
    """Whether the final label there is already is this one: a check that agrees leaves the crowd its decision."""
    return task.stage == Task.Stage.DECIDED and decisions.current(task.pk).filter(label=label).exists()


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
    elif decided is None or decided.decided_by not in Decision.LAST_WORD or decided.annotator_id == vote.annotator_id:
        decisions.reopen(task)
    cases = [Reason.PEOPLE_DISAGREE, Reason.AGAINST_CROWD, Reason.AGAINST_RECORD, Reason.FLAGGED]
    if asked.to != Kind.EXPERT:
        task.escalations.open().to_experts().filter(reason__in=cases).update(state=State.WITHDRAWN)
    if task.question.votes_are_enough and (belief := Belief.objects.filter(task=task).first()) is not None:
        Heard.of(belief, task, vote.annotator).written(belief)
    return _ask_again(asked)


def _forget_check(checked: Decision, decided: Decision | None, vote: Vote) -> None:
    """The label that was checked stands again, unless another expert has settled the task since."""
    if decided is None or decided.decided_by not in Decision.LAST_WORD or decided.annotator_id == vote.annotator_id:
        decisions.restore(checked)


def _ask_again(asked: Escalation) -> Escalation:
    """A fresh copy of a question that was closed, beside those that were asked since."""
    again = {
        name: getattr(asked, name) for name in ("round", "to", "reason", "checks", "why", "expected_gain", "priority")
    }
    slot = Escalation.objects.free_slot(asked.task, asked.to)
    nudges.announce(asked.task.project_id, nudges.QUEUE)
    return Escalation.objects.create(task=asked.task, slot=slot, **again)


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
    slot = Escalation.objects.free_slot(escalation.task, Kind.PERSON)
    why = f"{who} asks for one more opinion" + (f": “{note}”" if note else ".")
    Escalation.objects.create(
        task=escalation.task, to=Kind.PERSON, slot=slot, reason=Reason.SENT_BACK, why=why, priority=escalation.priority
    )
    nudges.announce(escalation.task.project_id, nudges.QUEUE)


def has_experts(project_id: int) -> bool:
    """Whether anybody in the project may settle a case."""
    roles = [Membership.Role.EXPERT, Membership.Role.MANAGER]
    return Membership.objects.filter(project_id=project_id, role__in=roles).exists()
