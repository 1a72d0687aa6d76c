"""What happened to one task, in order: who voted, where it was sent and why, what came back, how it was settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from labeling.models import Annotator, Decision, Escalation, Vote

Kind = Annotator.Kind
State = Escalation.State
NOTHING = "no label"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `gain`: expected rise of the chance to be right; `price`: micro-dollars expected."""

    when: datetime
    kind: str
    title: str
    text: str = ""
    gain: float | None = None
    price: int | None = None
    over: bool = False


Words = Callable[[Vote | Decision], str]


def events(
    votes: Sequence[Vote], escalations: Sequence[Escalation], decisions: Sequence[Decision], words: Words
) -> tuple[Event, ...]:
    """Everything in order of time; what happened at the same moment stays vote, question, answer, decision.

    `words`: what a row says, empty for an abstention.
    """
    found = [*_crowd(votes, words), *_answers(votes, words)]
    for one in escalations:
        found += _question(one)
    found += [_decision(one, words) for one in decisions]
    return tuple(sorted(found, key=lambda event: event.when))


def _crowd(votes: Sequence[Vote], words: Words) -> list[Event]:
    """The free models' votes as one event: how many said what."""
    theirs = [vote for vote in votes if vote.annotator.kind == Kind.MODEL]
    if not theirs:
        return []
    said = Counter(words(vote) or NOTHING for vote in theirs)
    told = "; ".join(f"{count} said {name}" for name, count in said.most_common())  # names may be numbers, or several
    models = "A model votes" if len(theirs) == 1 else f"{len(theirs)} models vote"
    return [Event(theirs[0].created_at, "crowd", models, told)]


def _answers(votes: Sequence[Vote], words: Words) -> list[Event]:
    """Answers of paid models, people and experts, each for itself."""
    return [_answer(vote, words) for vote in votes if vote.annotator.kind != Kind.MODEL]


def _answer(vote: Vote, words: Words) -> Event:
    if vote.withdrawn:
        return Event(vote.created_at, vote.annotator.kind, f"{vote.annotator} takes the answer back")
    verb = "corrects it to" if vote.corrects_id else "says"
    return Event(vote.created_at, vote.annotator.kind, f"{vote.annotator} {verb} {words(vote) or NOTHING}")


def _question(one: Escalation) -> list[Event]:
    """That a task was sent on, with the reason, and that the question was taken back, if it was."""
    to = one.annotator.name if one.annotator else {Kind.PERSON: "people", Kind.EXPERT: "experts"}.get(Kind(one.to), "")
    turn = f"Round {one.round.number}: sent" if one.round else "Sent"
    gain, price = one.expected_gain or None, one.price_microdollars or None
    waiting = " (waits for an answer)" if one.state == State.OPEN else ""
    title = f"{turn} to {to}{waiting}"
    sent = Event(one.created_at, one.to, title, one.why, gain, price, one.state == State.WITHDRAWN)
    if one.state != State.WITHDRAWN or one.closed_at is None:
        return [sent]
    # the database's clock, which closed it, may count coarser fractions of a second than ours
    closed = max(one.closed_at, one.created_at)
    return [sent, Event(closed, one.to, f"The question to {to} is taken back", over=True)]


def _decision(made: Decision, words: Words) -> Event:
    by = made.annotator.name if made.annotator else f"the {made.get_decided_by_display()}"
    title = f"Settled as {words(made)} by {by}"
    text = made.why or f"{made.confidence:.0%} sure"
    return Event(made.created_at, made.decided_by, title, text, over=made.superseded_at is not None)
