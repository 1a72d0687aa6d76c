"""Who can be asked beyond the free crowd, at what price, and what they answered: rows made ready for the router."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Avg
from numpy.typing import NDArray

from labeling.arrays import Ballot
from labeling.checks import draws
from labeling.models import Annotator, Batch, Escalation, Membership, Project, Reservation
from labeling.rounds import call_prices, expected_prices, fallback, settling
from labeling.rounds.skills import Evidence
from labeling.routing.value import Relabeler, Voice
from labeling.truth.skills.learning import Skills
from labeling.truth.vote_matrix import chosen, likeliest
from labeling.truth.votes import Bools, Ints, Votes

Kind = Annotator.Kind
PRIOR = {Kind.PAID: (0.75, 2.0), Kind.PERSON: (0.9, 10.0), Kind.EXPERT: (0.97, 20.0)}
"""The accuracy assumed before any answer on a known task is seen, and how many answers that assumption is worth."""
ENOUGH_BILLS = 5
ENOUGH_PROBES = 20
"""Answers on known tasks from which on a paid model is weighed by them alone."""
LATEST, MOST_VOICES = 200, 6
"""The latest answers that tell who is at work, and how many are reckoned with one by one."""


@dataclass(frozen=True, slots=True)
class Party:
    """A paid model, the people, or the experts. `columns`: the ballot's annotators that speak for it.

    `price`: micro-dollars of one opinion. `available`: False where it answered before but must not be asked now.
    `voices`: who of them is likely to answer, and how good each one is; empty where nothing is known of anybody.
    `holds`: micro-dollars that are held while one of the shortest and one of the longest texts is asked about.
    `prices`: (n,) micro-dollars of an opinion on each task, where some of them cost less than `price`: the model is
    going to be asked about those instances anyway.
    """

    kind: Annotator.Kind
    name: str
    price: int
    available: bool
    columns: tuple[int, ...]
    annotator: Annotator | None = None
    voices: tuple[Voice, ...] = ()
    holds: tuple[int, int] = (0, 0)
    prices: NDArray[np.int64] | None = None

    def price_at(self, task: int) -> int:
        """Micro-dollars of an opinion on one task, a place in the table."""
        return self.price if self.prices is None else int(self.prices[task])

    def price_list(self, n_tasks: int) -> NDArray[np.int64]:
        """Micro-dollars of an opinion on each task, (n_tasks,)."""
        return np.full(n_tasks, self.price, dtype=np.int64) if self.prices is None else self.prices

    @property
    def one(self) -> str:
        """What one of them is called in a sentence."""
        return {Kind.PERSON: "a person", Kind.EXPERT: "an expert"}.get(self.kind, self.name)

    def relabeler(self, eligible: Bools) -> Relabeler:
        """The same for the router; `eligible`: (n,) the tasks about which it may be asked."""
        expected, certainty = PRIOR[self.kind]
        price = self.price if self.prices is None else self.prices
        return Relabeler(self.name, price, expected, certainty, eligible & self.available, voices=self.voices)


def parties(
    batch: Batch, ballot: Ballot, evidence: Evidence | None = None, skills: Skills | None = None
) -> list[Party]:
    """Every paid model of the project, its people and its experts, whether or not they may be asked now.

    Without `evidence` and `skills` nothing is told of single people.
    """
    project = batch.project
    callable_now = set(fallback.askable(batch).values_list("pk", flat=True))
    models = [each for each in ballot.annotators if each.kind == Kind.PAID]
    price = {each.pk: expected_prices.of(each, batch, ballot.question) for each in models}
    paid = [
        Party(
            Kind.PAID,
            each.name,
            price[each.pk],
            each.pk in callable_now,
            (column,),
            each,
            _unless_probed(ballot, column, voices(evidence, skills, [each])),
            prices=call_prices.on_tasks(each, batch, ballot.question, ballot.task_ids.tolist(), price[each.pk]),
        )
        for column, each in enumerate(ballot.annotators)
        if each.kind == Kind.PAID
    ]
    people, experts = (at_work(project, ballot, kind) for kind in (Kind.PERSON, Kind.EXPERT))
    person, expert = (draws.price_of_one(batch, kind) or 0 for kind in (Kind.PERSON, Kind.EXPERT))
    return [
        *paid,
        Party(
            Kind.PERSON,
            "people",
            person * project.people_per_task,
            project.review_share > 0,
            _columns(ballot, Kind.PERSON),
            voices=voices(evidence, skills, people),
        ),
        Party(
            Kind.EXPERT,
            "experts",
            expert,
            project.expert_wage_microdollars_per_hour is not None and settling.has_experts(project.pk),
            _columns(ballot, Kind.EXPERT),
            voices=voices(evidence, skills, experts),
        ),
    ]


def _columns(ballot: Ballot, kind: str) -> tuple[int, ...]:
    return tuple(column for column, each in enumerate(ballot.annotators) if each.kind == kind)


def at_work(project: Project, ballot: Ballot, kind: str) -> list[Annotator]:
    """Those of a kind who belong to the project still, and whose queue is not paused."""
    members = set(Membership.objects.filter(project=project).values_list("user_id", flat=True))
    here = [each for each in ballot.annotators if each.kind == kind and each.user_id in members]
    return [each for each in here if each.paused_at is None]


def voices(evidence: Evidence | None, skills: Skills | None, annotators: Sequence[Annotator]) -> tuple[Voice, ...]:
    """Who of these is likely to answer next, by their part in the latest answers, each with an own matrix.

    Nobody's share is nought: who has answered nothing lately may be the next. Beyond a handful, the others' matrices
    count by their mean. Empty where nobody has answered anything.
    """
    if evidence is None or skills is None:
        return ()
    place = [number for number, each in enumerate(evidence.annotators) if each in annotators]
    if not place or not skills.given[place].any():
        return ()
    latest = evidence.answers.annotator[np.isin(evidence.answers.annotator, place)][-LATEST:]
    share = np.bincount(latest, minlength=len(evidence.annotators))[place] + 1.0
    share /= share.sum()
    order = np.argsort(-share, kind="stable")
    alone, rest = order[:MOST_VOICES], order[MOST_VOICES:]
    heard = [Voice(float(share[one]), skills.confusion[place[one]]) for one in alone]
    if len(rest):
        mean = np.average(skills.confusion[[place[one] for one in rest]], axis=0, weights=share[rest])
        heard.append(Voice(float(share[rest].sum()), mean))
    return tuple(heard)


def _unless_probed(ballot: Ballot, column: int, heard: tuple[Voice, ...]) -> tuple[Voice, ...]:
    """None for a model that answered enough known tasks: how it errs together with the crowd is learnt from those."""
    on_known = (ballot.known[ballot.votes.task] >= 0) & (ballot.votes.annotator == column)
    return () if len(np.unique(ballot.votes.task[on_known])) >= ENOUGH_PROBES else heard


def price_of(annotator: Annotator) -> int:
    """Micro-dollars of one answer: what its answers did cost on average, or as stated until five were paid."""
    paid = Reservation.objects.filter(annotator=annotator, state=Reservation.State.SETTLED)
    if paid.count() < ENOUGH_BILLS:
        return annotator.price_microdollars or 0
    return round(paid.aggregate(mean=Avg("cost_microdollars"))["mean"] or 0)


def crowd_votes(ballot: Ballot, set_aside: Container[int] = ()) -> Votes:
    """The votes of the free models alone, without those `set_aside` by key; the others' columns stay, empty."""
    counts = [each.kind == Kind.MODEL and each.pk not in set_aside for each in ballot.annotators]
    free = np.array(counts, dtype=np.bool_)
    return chosen(ballot.votes, free[ballot.votes.annotator])


def answers(ballot: Ballot, asked: Sequence[Party]) -> Votes:
    """What the parties answered, `annotator` = place of the party; of a fractional answer its likeliest label."""
    votes = ballot.votes
    place = np.full(max(votes.n_annotators, 1), -1, dtype=np.int32)
    for number, party in enumerate(asked):
        place[list(party.columns)] = number
    theirs = chosen(votes, place[votes.annotator] >= 0)
    mine = chosen(theirs, likeliest(theirs))
    return Votes(mine.task, place[mine.annotator], mine.label, votes.n_tasks, len(asked), votes.n_labels)


def askable(batch: Batch, ballot: Ballot, party: Party, open_to: Bools) -> Bools:
    """The tasks among `open_to`, (n,), about which this party may be asked.

    A paid model is not asked again about a task from which it was withdrawn, nor where the outcome of a call is
    unknown: that answer may have been paid for. Texts that must stay are not sent outside.
    """
    if party.annotator is None:
        return open_to
    withdrawn = party.annotator.escalations.filter(
        task__batch=batch, state=Escalation.State.WITHDRAWN, round__number__gt=batch.rounds_before
    )
    allowed = fallback.unasked(batch.tasks.exclude(pk__in=withdrawn.values("task")), party.annotator)
    mask: Bools = open_to & np.isin(ballot.task_ids, list(allowed.values_list("pk", flat=True)))
    return mask


def known_answers(given: Votes, known: Ints) -> tuple[Ints, Ints]:
    """How many known tasks each party answered, and how many rightly, (M,) each."""
    on_known = known[given.task] >= 0
    right = on_known & (given.label == known[given.task])
    count = np.bincount(given.annotator[on_known], minlength=given.n_annotators)
    return count.astype(np.int32), np.bincount(given.annotator[right], minlength=given.n_annotators).astype(np.int32)
