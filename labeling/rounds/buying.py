"""What to buy next for a batch: the tasks still open to argument, what each answer is worth, and the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling import arrays
from labeling.arrays import Ballot
from labeling.checks import holds
from labeling.known import Known
from labeling.models import Annotator, Batch, Decision, Escalation, Project, Question
from labeling.money import ledger
from labeling.rounds import affording, call_prices, relabelers, teaching
from labeling.rounds.relabelers import Party
from labeling.routing import value
from labeling.routing.entropy import TIE_DECIMALS, largest
from labeling.routing.plan import MICRO, STOP, Offers, Plan
from labeling.routing.promises import Watch
from labeling.routing.value import Crowd, Offer, Router
from labeling.truth.belief import entropy
from labeling.truth.skills.learning import Skills
from labeling.truth.votes import Bools, Floats, Ints, Votes

Kind = Annotator.Kind
PEOPLE = (Kind.PERSON, Kind.EXPERT)
PROBES = 100
"""Answers on known tasks from which a paid model's confusions are learnt."""
PROBE_SHARE = 0.2
"""The share of the free money that may go into them."""
LEAST_PROBES = 5
STEPS = 2
"""A plan is bought in about so many steps; after each one everything is estimated anew."""
LEAST_STEP = 32


@dataclass(frozen=True, slots=True)
class Table:
    """All a round needs to decide on: rows as arrays, parties, and the router that was fitted to them.

    `belief`: (n_tasks, K), crowd and answers together. `given`: the parties' answers. `open_to`: (n_tasks,) own tasks
    about which nobody is asked and nobody of flesh and blood has settled. `undecided`: (n_tasks,) without a label yet.
    `strongest_of`: (n_tasks,) place in DECIDED_BY of whoever's answer stands behind the most believed label. `watch`:
    whether the paid models keep what was promised of them.
    """

    batch: Batch
    ballot: Ballot
    parties: list[Party]
    router: Router
    given: Votes
    belief: Floats
    open_to: Bools
    undecided: Bools
    strongest_of: Ints
    watch: Watch

    @classmethod
    def of(cls, batch: Batch, ballot: Ballot, crowd: Crowd, parties: list[Party], skills: Skills) -> Table:
        """Fit the router to what the crowd believes and what the parties have answered.

        Where people spoke, everybody's own skill says what to believe.
        """
        undecided = _on_all(ballot, arrays.undecided(ballot, batch))
        open_to = _open_to(batch, ballot)
        given = relabelers.answers(ballot, parties)
        asked = [party.relabeler(relabelers.askable(batch, ballot, party, open_to)) for party in parties]
        watch = Watch.over(crowd, asked, given, seed=batch.seed).only(_paid(parties))
        router = value.fit(crowd, watch.left(asked), given, seed=batch.seed)
        belief = router.belief()
        people = np.array([party.kind in PEOPLE for party in parties], dtype=np.bool_)
        spoken = np.setdiff1d(given.task[people[given.annotator]], np.flatnonzero(ballot.known_from(Known.FILE)))
        belief[spoken] = skills.belief[spoken]
        by = _strongest(parties, given, belief)
        return cls(batch, ballot, parties, router, given, belief, open_to, undecided, by, watch)

    @property
    def project(self) -> Project:
        return self.batch.project


def _paid(parties: Sequence[Party]) -> list[int]:
    """The places of the paid models among the parties."""
    return [place for place, party in enumerate(parties) if party.kind == Kind.PAID]


DECIDED_BY = (Decision.By.CROWD, Decision.By.PAID, Decision.By.PERSON, Decision.By.EXPERT)


def _strongest(parties: list[Party], given: Votes, belief: Floats) -> Ints:
    rank = np.array([DECIDED_BY.index(Decision.By(party.kind)) for party in parties], dtype=np.int32)
    strongest = np.zeros(given.n_tasks, dtype=np.int32)
    agrees = given.label == belief.argmax(axis=1)[given.task]
    np.maximum.at(strongest, given.task[agrees], rank[given.annotator[agrees]])
    return strongest


def _on_all(ballot: Ballot, own: Bools) -> Bools:
    """A mask of the batch's own tasks as one of all tasks of the ballot."""
    mask = np.zeros(len(ballot.task_ids), dtype=np.bool_)
    mask[: ballot.n_own] = own
    return mask


def _open_to(batch: Batch, ballot: Ballot) -> Bools:
    waiting = set(Escalation.objects.open().in_batch(batch.pk).values_list("task_id", flat=True))
    people = [Decision.By.PERSON, *Decision.LAST_WORD]
    settled = Decision.objects.current().filter(task__batch=batch, decided_by__in=people)
    waiting |= set(settled.values_list("task_id", flat=True))
    waiting |= holds.held(batch, ballot.question)
    waiting |= set(batch.tasks.about(ballot.question).held_back().values_list("pk", flat=True))
    closed = np.isin(ballot.task_ids[: ballot.n_own], list(waiting))
    return _on_all(ballot, ~closed) & (ballot.known < 0)


@dataclass(frozen=True, slots=True)
class Purchase:
    """A plan, what it was made from, and which part of it is bought now.

    `action`: (n,) place of the party to ask now, -1 for none. `gains`: (n, M) as planned with. `last`: nothing is left
    to buy from models, so what is not sent on now is settled.
    """

    action: Ints
    plan: Plan
    gains: Floats
    offer: Offer
    free: int
    last: bool


def choose(table: Table) -> Purchase:
    """The best use of the money that is free, and its first step.

    Models are asked first, in steps, because each answer sharpens the estimate of the next one's worth; people come
    with the last step, about what is still torn.
    """
    free = ledger.free(table.batch)
    offer, gains, plan = _planned(table, free, table.router.offers())
    if sum(party.available for party in table.parties) > 1:
        ahead = table.router.offers(multiplier=max(plan.multiplier, 1 / worth if (worth := _worth(table)) else 0.0))
        offer, gains, plan = _planned(table, free, ahead)
    paid = np.array([party.kind == Kind.PAID for party in table.parties], dtype=np.bool_)
    to_models = np.flatnonzero((plan.action != STOP) & paid[plan.action])
    action = plan.action.astype(np.int32)
    if len(to_models):
        step = max(LEAST_STEP, -(-len(to_models) // STEPS))
        gain = gains[to_models, plan.action[to_models]]
        to = plan.action[to_models].tolist()
        price = np.array([table.parties[m].price_at(task) for task, m in zip(to_models.tolist(), to, strict=True)])
        by_money = gain * price.max() / np.maximum(price, 1)
        first = to_models[largest(by_money, step, seed=table.batch.seed)]
        action = np.full(len(plan.action), STOP, dtype=np.int32)
        action[first] = plan.action[first]
    return Purchase(action, plan, gains, offer, free, last=not len(to_models))


def _planned(table: Table, free: int, offer: Offer) -> tuple[Offer, Floats, Plan]:
    """The offers, the gains by the project's policy, (n, M), and the plan for the money that is free."""
    gains = _by_entropy(table, offer) if table.project.router == Project.Router.ENTROPY else offer.gain
    gains = _with_room(table, _with_money(table, gains, free))
    worth = _worth(table)
    money = affording.spendable(free, table.parties)
    offers = Offers.of(gains, table.router.prices(), seed=table.batch.seed)
    plan = offers.plan(money, worth=worth / MICRO if worth else None)
    return offer, gains, plan


def _worth(table: Table) -> int | None:
    """Micro-dollars that one more correct label is worth to the project, if it says so."""
    return table.project.worth_microdollars


def _with_money(table: Table, gains: Floats, free: int) -> Floats:
    """A paid model is asked only where what its answer can cost can be held now."""
    gains = gains.copy()
    for place, party in enumerate(table.parties):
        gains[
            affording.too_dear(table.batch, table.ballot.question, party, table.ballot.task_ids, free), place
        ] = -np.inf
    return gains


def _with_room(table: Table, gains: Floats) -> Floats:
    """People are asked about torn tasks only, and at most about the project's share of the batch.

    People who cost nothing wait for the models: what a model can clear up need not take their time.
    """
    gains = gains.copy()
    models_left = any(
        party.kind == Kind.PAID and (gains[:, place] > 0).any() for place, party in enumerate(table.parties)
    )
    for place, party in enumerate(table.parties):
        if party.kind != Kind.PERSON:
            continue
        torn = table.belief.max(axis=1) < table.batch.accepts_from
        gains[~torn, place] = -np.inf
        if models_left and not party.price:
            gains[:, place] = -np.inf
        lot = np.random.default_rng(table.batch.seed).permutation(len(gains))
        order = np.lexsort((lot, np.round(-entropy(table.belief), TIE_DECIMALS), -gains[:, place]))
        gains[order[room_for_people(table.batch, table.ballot.question) :], place] = -np.inf
    return gains


def room_for_people(batch: Batch, question: Question) -> int:
    """How many more of a question's tasks in the batch may go to people.

    What was taken back before anybody looked takes no room.

    None while models wait to be taught: which tasks are torn nobody can tell then, and a first lot is drawn by chance
    (`routing.first_lot`).
    """
    if teaching.awaited(batch, question):
        return 0
    sent = Escalation.objects.in_batch(batch.pk).filter(task__question=question)
    asked = sent.to_people().exclude(reason=Escalation.Reason.AUDIT).exclude(state=Escalation.State.WITHDRAWN)
    asked |= sent.filter(reason=Escalation.Reason.FLAGGED)
    return max(int(batch.project.review_share * batch.rows_new) - asked.values("task").distinct().count(), 0)


def _by_entropy(table: Table, offer: Offer) -> Floats:
    """LMCrowd's order: the most uncertain first, to the best model that beats the crowd on known tasks, or people."""
    bits = entropy(table.belief)
    torn = table.belief.max(axis=1) < table.batch.accepts_from
    gains = np.full(offer.gain.shape, -np.inf)
    for place in _in_turn(table):
        free = torn & (offer.gain[:, place] > -np.inf) & ~(gains > 0).any(axis=1)
        gains[free, place] = bits[free]
    return gains


def _in_turn(table: Table) -> Sequence[int]:
    """The models that beat the crowd on the known tasks, best first, then the people.

    A model that answered no known task is asked too: nothing says that it is worse. It comes after those that were seen
    to be better, and alone where no label is known.
    """
    known = table.router.crowd.known
    count, right = relabelers.known_answers(table.given, known)
    tasks = table.router.crowd.known_tasks
    crowd = (table.router.crowd.out_of_fold.argmax(axis=1) == known[tasks]).mean() if len(tasks) else 0.0
    share = right / np.maximum(count, 1)
    better = [m for m in _paid(table.parties) if share[m] > crowd or not count[m]]
    people = [m for m, party in enumerate(table.parties) if party.kind == Kind.PERSON]
    return [*sorted(better, key=lambda m: -share[m]), *people]


def probes(table: Table) -> list[tuple[Party, Ints]]:
    """Known tasks that paid models should answer first, so that their worth is measured and not guessed."""
    count, _ = relabelers.known_answers(table.given, table.ballot.known)
    free, question = ledger.free(table.batch), table.ballot.question
    rng = np.random.default_rng(table.batch.seed)
    own = _on_all(table.ballot, np.ones(table.ballot.n_own, dtype=np.bool_)) & (table.ballot.known >= 0)
    wanted = []
    for place, party in enumerate(table.parties):
        if party.annotator is None or not party.available:
            continue
        mine = party.annotator.escalations.filter(task__batch=table.batch, task__question=question)
        asked = set(mine.values_list("task_id", flat=True))
        fresh = (
            own
            & ~np.isin(table.ballot.task_ids, list(asked))
            & relabelers.askable(table.batch, table.ballot, party, own)
            & ~affording.too_dear(table.batch, table.ballot.question, party, table.ballot.task_ids, free)
        )
        affordable = int(PROBE_SHARE * free // party.price) if party.price else PROBES
        size = min(PROBES - int(count[place]), affordable, int(fresh.sum()))
        if size >= LEAST_PROBES and not asked:
            beside = np.isin(table.ballot.task_ids, list(call_prices.beside(party.annotator, table.batch, question)))
            wanted.append((party, drawn(np.flatnonzero(fresh), beside, size, rng)))
    return wanted


def drawn(fresh: NDArray[np.intp], beside: Bools, size: int, rng: np.random.Generator) -> Ints:
    """So many of the `fresh` tasks by chance; those first that stand `beside` others in a call, (n_tasks,)."""
    if not beside[fresh].any():
        return rng.choice(fresh, size, replace=False).astype(np.int32)
    order = rng.permutation(fresh)
    return order[np.argsort(~beside[order], kind="stable")][:size].astype(np.int32)
