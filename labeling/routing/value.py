"""Whom to ask about which task: value of information per dollar over paid models, people and experts.

The value of an answer is the expected rise of the chance that the task's label is right (`lookahead`). It is never
negative, and 0 where no answer would change the label. How answers and the crowd's belief are weighed is learnt on the
validation slice (`fusion`), and so is what will be answered (`answer_law`). The plan over all tasks and the whole
budget is `plan.Offers`.

    crowd = Crowd.of(auto.infer(votes, known=known, seed=0), known)
    router = fit(crowd, [Relabeler("gpt", 150), Relabeler("person", 45_000, 0.9, 10.0)], answers)
    plan = router.plan(budget=20_000_000)
    router = router.told(new_answers)         # beliefs follow at once; `fit` again now and then
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labeling.routing import answer_law, fusion
from labeling.routing.answer_law import AnswerLaw
from labeling.routing.entropy import TIE_DECIMALS
from labeling.routing.fusion import Fusion, Heard
from labeling.routing.lookahead import Asking, value_of_answer, value_of_start
from labeling.routing.plan import MICRO, Offers, Plan
from labeling.truth.belief import clipped
from labeling.truth.votes import Bools, Floats, Inference, Ints, Votes

FLOOR = 0.004
"""Extra correct labels below which an answer is not bought: so small a gain is mostly an error of the estimate."""
BLOCK = 65_536

Money = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Voice:
    """One of those who may answer. `share`: how likely it is this one, `confusion`: (K, K + 1) as learnt elsewhere."""

    share: float
    confusion: Floats


@dataclass(frozen=True, slots=True)
class Relabeler:
    """Somebody who can be asked: a paid model, a person, an expert, or a group whose members answer alike.

    `price`: micro-dollars of one answer, or (n,) where it differs by task. `expected`, `certainty`: the accuracy
    assumed before any answer on a known task is seen, and how many answers that assumption is worth.
    `eligible`: (n,) False where it must not be asked (local-only, already under way), None for all tasks. `again`: a
    group may be asked about a task that one of its members answered; a model's second answer is no new evidence.
    `voices`: who will answer, where that is known better than from the validated tasks; shares sum to 1.
    """

    name: str
    price: int | Money
    expected: float = 0.75
    certainty: float = 2.0
    eligible: Bools | None = None
    again: bool = False
    voices: tuple[Voice, ...] = ()


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the crowd believes before anything is bought.

    `belief`: (n, K). `known`: (n,) label of the validated tasks, else -1. `known_tasks`, `out_of_fold`: (m,) and
    (m, K), beliefs about validated tasks that their own label did not enter; all that is learnt here rests on them.
    `fair`: (m,) validated tasks that were drawn at random: a level is told from these alone. None: all of them.
    """

    belief: Floats
    known: Ints
    known_tasks: Ints
    out_of_fold: Floats
    fair: Bools | None = None

    @classmethod
    def of(cls, inference: Inference, known: Ints, at_random: Bools | None = None) -> Crowd:
        """From an inference; where it has no out-of-fold beliefs, nothing can be learnt and priors hold.

        `at_random`: (n,) the known tasks that were drawn by lot, None where all were.
        """
        n_labels = inference.belief.shape[1]
        tasks = inference.details.get("known_tasks", np.empty(0, dtype=np.int32))
        honest = inference.details.get("out_of_fold", np.empty((0, n_labels)))
        return cls(inference.belief, known, tasks, honest, None if at_random is None else at_random[tasks])

    def honest(self) -> Floats:
        """The belief with the validated tasks' rows as they would be if their label were not known, (n, K)."""
        rows = self.belief.copy()
        rows[self.known_tasks] = self.out_of_fold
        return rows


@dataclass(frozen=True, slots=True)
class Offer:
    """Why somebody would be asked about a task; arrays of shape (n, M).

    `gain`: expected extra correct labels, 0 below the floor, -inf where it must not be asked. `change`: chance that the
    answer changes the label. `raw`: the gain before the floor.
    """

    gain: Floats
    change: Floats
    raw: Floats


@dataclass(frozen=True, slots=True)
class Router:
    """Everything needed to say what is worth asking now; made by `fit`, carried on by `told`.

    `fusions`, `laws`: one for each relabeler. `heard`: crowd and answers of every task. `answered`: (n, M).
    `seed`: draws the order of tasks that gain the same.
    `tested`: (M,) answers on validated tasks that each relabeler's fusion was learnt from.
    """

    crowd: Crowd
    relabelers: tuple[Relabeler, ...]
    fusions: tuple[Fusion, ...]
    laws: tuple[AnswerLaw, ...]
    heard: Heard
    answered: Bools
    tested: NDArray[np.int64]
    floor: float = FLOOR
    seed: int = 0

    def belief(self) -> Floats:
        """What is believed now, crowd and answers together, (n, K); validated tasks keep their label."""
        rows = clipped(self.heard.belief())
        tasks = np.flatnonzero(self.crowd.known >= 0)
        rows[tasks] = np.eye(rows.shape[1])[self.crowd.known[tasks]]
        return rows

    def told(self, answers: Votes) -> Router:
        """With further answers taken in, each by its relabeler's fusion; `answers` as in `fit`. Nothing is refitted."""
        answered = self.answered.copy()
        answered[answers.task, answers.annotator] = True
        return replace(self, heard=_listen(self.heard, self.fusions, answers), answered=answered)

    def open_to(self) -> Bools:
        """Who may be asked about which task, (n, M): validated tasks are never bought."""
        open_to = np.repeat((self.crowd.known < 0)[:, None], len(self.relabelers), axis=1)
        for m, relabeler in enumerate(self.relabelers):
            if relabeler.eligible is not None:
                open_to[:, m] &= relabeler.eligible
            if not relabeler.again:
                open_to[:, m] &= ~self.answered[:, m]
        return open_to

    def prices(self) -> Money:
        """Micro-dollars, (M,) where every relabeler has one price, else (n, M)."""
        prices = [np.asarray(r.price, dtype=np.int64) for r in self.relabelers]
        if all(price.ndim == 0 for price in prices):
            return np.array(prices, dtype=np.int64)
        return np.stack([np.broadcast_to(price, len(self.crowd.known)) for price in prices], axis=1)

    def offers(self, *, multiplier: float | None = None, depth: int = 2) -> Offer:
        """What one more answer of each relabeler is worth on each task. Cost O(n M K^2), memory O(n (M + K)).

        `multiplier`: extra correct labels that a plan gets for one micro-dollar elsewhere. With it, a task that no
        answer alone is worth asking about is weighed again with up to `depth` answers in a row: the gain is then that
        of the whole sequence less the price of what follows the first answer.
        """
        shape = len(self.crowd.known), len(self.relabelers)
        raw, change = np.zeros(shape), np.zeros(shape)
        for first in range(0, shape[0], BLOCK):
            block = slice(first, first + BLOCK)
            heard = self.heard.of(block)
            for m in range(shape[1]):
                raw[block, m], change[block, m] = self._value(heard, m)
        offer = self._offer(raw, change)
        return offer if multiplier is None else self.ahead(offer, multiplier, depth)

    def _value(self, heard: Heard, m: int) -> tuple[Floats, Floats]:
        """Gain and chance of a change by one answer of relabeler `m`, (n,) each; the mean over those who may give it.

        Who answered is known when the answer is weighed, so that this is more than one answer of their mean is worth.
        """
        if not self.relabelers[m].voices:
            return value_of_answer(heard, self.fusions[m], self.laws[m])
        gain, change = np.zeros(len(heard.crowd)), np.zeros(len(heard.crowd))
        for voice in self.relabelers[m].voices:
            alone = value_of_answer(heard, Fusion(voice.confusion), AnswerLaw(voice.confusion))
            gain += voice.share * alone[0]
            change += voice.share * alone[1]
        return gain, change

    def _offer(self, raw: Floats, change: Floats) -> Offer:
        # tasks with the same votes gain the same; rounding errors must not decide which comes first
        gain = np.where(raw >= self.floor, np.round(raw, TIE_DECIMALS), 0.0)
        return Offer(np.where(self.open_to(), gain, -np.inf), change, raw)

    def ahead(self, offer: Offer, multiplier: float, depth: int = 2) -> Offer:
        """The same offers, looking up to `depth` answers ahead where no single one pays: see `offers`."""
        if depth < 2 or not self._several():
            return offer
        raw, open_to = offer.raw.copy(), self.open_to()
        for first in range(0, len(raw), BLOCK):
            block = slice(first, first + BLOCK)
            self._look_ahead(raw[block], self.heard.of(block), open_to[block], multiplier, depth, first)
        return self._offer(raw, offer.change)

    def plan(self, budget: int, *, worth: float | None = None, depth: int = 2) -> Plan:
        """The purchases that gain most for `budget` micro-dollars: at most one answer a task in this round.

        `worth`: dollars that one more correct label is worth; no answer dearer than that is bought. A plan without an
        action says that no answer is worth its price: the router stops by itself. `depth`: see `offers`; answers that
        only pay together with others are weighed at the multiplier of a first plan that knows single answers alone.
        """
        offer, prices = self.offers(), self.prices()
        plan = Offers.of(offer.gain, prices, seed=self.seed).plan(budget, worth=worth)
        ahead = self.ahead(offer, max(plan.multiplier, 1 / (worth * MICRO) if worth else 0.0), depth)
        return plan if ahead is offer else Offers.of(ahead.gain, prices, seed=self.seed).plan(budget, worth=worth)

    def _several(self) -> bool:
        """Whether a task can have more than one further answer at all."""
        return len(self.relabelers) > 1 or any(relabeler.again for relabeler in self.relabelers)

    def _look_ahead(self, raw: Floats, heard: Heard, open_to: Bools, multiplier: float, depth: int, first: int) -> None:
        """Replace, in place, the gains of those tasks that no single answer is worth asking about."""
        unsure = 1 - heard.belief().max(axis=1) >= self.floor
        alone = np.where(open_to, raw, 0.0).max(axis=1, initial=0.0)
        tasks = np.flatnonzero(unsure & (alone < self.floor))
        sets = open_to[tasks] @ (1 << np.arange(open_to.shape[1]))
        for members in np.unique(sets):
            chosen = tasks[sets == members]
            left = [m for m in range(open_to.shape[1]) if members >> m & 1]
            left += [m for m in left if self.relabelers[m].again]
            asking = Asking(self.fusions, self.laws, self._prices_of(chosen + first), multiplier)
            for m in dict.fromkeys(left):
                rest = [*left[: left.index(m)], *left[left.index(m) + 1 :]]
                ahead = value_of_start(heard.of(chosen), m, asking, rest, depth)
                raw[chosen, m] = np.maximum(raw[chosen, m], ahead)

    def _prices_of(self, tasks: Ints) -> list[Money]:
        prices = self.prices()
        return list(prices) if prices.ndim == 1 else list(prices[tasks].T)


def fit(
    crowd: Crowd, relabelers: Sequence[Relabeler], answers: Votes, *, floor: float = FLOOR, seed: int = 0
) -> Router:
    """Learn how each relabeler's answers are to be weighed and foreseen, and take in all answers given so far.

    `answers`: further answers on any tasks, `annotator` = place in `relabelers`, `label` = K where it abstained; those
    on validated tasks teach, the others count as evidence. Several answers of one group to one task are all counted.
    Cost: a few small regressions, O(answers) beside them.
    """
    honest = crowd.honest()
    fusions, laws, tested = [], [], np.zeros(len(relabelers), dtype=np.int64)
    for place, relabeler in enumerate(relabelers):
        mine = answers.annotator == place
        task, label = answers.task[mine], answers.label[mine]
        taught = np.isin(task, crowd.known_tasks)
        tested[place] = taught.sum()
        if relabeler.voices:
            mean = sum((voice.share * voice.confusion for voice in relabeler.voices), np.zeros(1))
            fusions.append(Fusion(mean))
            laws.append(AnswerLaw(mean))
            continue
        fused, law = learn(relabeler, honest[task], label, np.where(taught, crowd.known[task], -1), seed=seed)
        fusions.append(fused)
        laws.append(law)
    start, nobody = Heard.crowd_alone(crowd.belief), np.zeros((len(crowd.known), len(relabelers)), dtype=bool)
    learnt = tuple(relabelers), tuple(fusions), tuple(laws)
    return Router(crowd, *learnt, start, nobody, tested, floor, seed).told(answers)


def learn(
    relabeler: Relabeler, belief: Floats, answer: Ints, truth: Ints, *, seed: int = 0
) -> tuple[Fusion, AnswerLaw]:
    """How one relabeler's answers are to be weighed, and which are to be expected.

    `belief`: (r, K) of the crowd, honest where the label is known. `answer`: (r,). `truth`: (r,), -1 where unknown:
    such answers teach how often which is given.
    """
    known, prior = truth >= 0, {"expected": relabeler.expected, "certainty": relabeler.certainty}
    matrix = fusion.confusion_of(answer[known], truth[known], belief.shape[1], **prior)
    law = answer_law.fit(belief, answer, matrix, seed)
    return fusion.fit(belief[known], answer[known], truth[known], **prior, law=law, seed=seed), law


def _listen(heard: Heard, fusions: Sequence[Fusion], answers: Votes) -> Heard:
    """Every answer taken in; several on one task one after the other, in any order."""
    for place, fused in enumerate(fusions):
        mine = np.flatnonzero(answers.annotator == place)
        turn = _occurrence(answers.task[mine])
        for nth in range(int(turn.max(initial=-1)) + 1):
            rows = mine[turn == nth]
            tasks = answers.task[rows]
            heard = heard.replaced(tasks, heard.of(tasks).after(fused, answers.label[rows]))
    return heard


def _occurrence(task: Ints) -> NDArray[np.intp]:
    """How often the same task came before, for each entry."""
    order = np.argsort(task, kind="stable")
    first = np.searchsorted(task[order], task[order], side="left")
    turn = np.empty(len(task), dtype=np.intp)
    turn[order] = np.arange(len(task)) - first
    return turn
