"""LMCrowd's choice of the tasks to ask about: Exact, Approx and Random, and the rounds in which they are asked.

The paper maximises H(A), the entropy of the answers. What the answers tell is I(R; A) = H(A) - H(A | R); both have the
same best set where one symmetric relabeler answers a fixed number of tasks at one price, and not otherwise: with
several relabelers H(A) prefers the worst. So "information" is the default here, "answer_entropy" the paper's rule.
Source: Zhang et al., Efficient Data Labeling by Hierarchical Crowdsourcing with Large Language Models, section 3.2.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from labeling.routing.entropy import largest
from labeling.routing.joint import Confusions, answer_entropy, answer_table, bits, for_each, marginal, noise, subsets
from labeling.truth.belief import entropy
from labeling.truth.votes import Bools, Floats, Ints

Objective = Literal["information", "answer_entropy"]
State = TypeVar("State")

NOTHING = 1e-12
"""Bits below which a gain is a rounding error."""


def exact(
    joint: Floats, k: int, confusions: Confusions, allowed: Bools | None = None, *, by: Objective = "information"
) -> Ints:
    """The best set of `k` tasks of a joint table, by looking at all of them: for n <= 20 and k <= 4.

    `joint`: one axis for each of n tasks; `confusions`: see `joint.Confusions`; `allowed`: (n,). Returns (k,) indexes
    in rising order, the first such set where several tie, and none where no answer would tell anything. Algorithm 1.
    """
    matrices, told_apart = for_each(confusions, joint.ndim), _noise(joint, confusions, by)
    tasks = _open(joint.ndim, allowed)
    best, found = NOTHING, tuple[int, ...]()
    for chosen, table in subsets(marginal(joint, tasks), tuple(tasks), min(k, len(tasks))):
        law = answer_table(table, [matrices[task] for task in chosen])
        gain = bits(law) - told_apart[list(chosen)].sum()
        if gain > best + NOTHING or (abs(gain - best) <= NOTHING and chosen < found):
            best, found = gain, chosen
    return np.array(found, dtype=np.int32)


def approx(
    joint: Floats, k: int, confusions: Confusions, allowed: Bools | None = None, *, by: Objective = "information"
) -> Ints:
    """`k` tasks of a joint table, each the one that adds most to those before it; at least .632 of the best set.

    Arguments as in `exact`; returns (at most k,) indexes in the order chosen, and stops where nothing is left to learn
    (by H(A) that never happens). What a task adds only shrinks as others join, so a task is weighed again only when it
    comes to the top of the heap. Algorithm 2; Nemhauser et al. 1978; Minoux 1978.
    """
    told_apart = _noise(joint, confusions, by)
    heap = [(-np.inf, task, -1) for task in _open(joint.ndim, allowed)]
    chosen: list[int] = []
    reached = 0.0
    while heap and len(chosen) < k:
        gain, task, weighed_with = heapq.heappop(heap)
        if weighed_with == len(chosen):
            if -gain <= NOTHING:
                break
            chosen.append(task)
            reached = answer_entropy(joint, chosen, confusions)
            continue
        added = answer_entropy(joint, [*chosen, task], confusions) - reached - told_apart[task]
        # rounded, so that equal gains stay in the order of tasks
        heapq.heappush(heap, (-round(added, 12), task, len(chosen)))
    return np.array(chosen, dtype=np.int32)


def at_random(n: int, k: int, generator: np.random.Generator, allowed: Bools | None = None) -> Ints:
    """`k` tasks of n, or all that are allowed, each as likely as any other."""
    tasks = np.array(_open(n, allowed), dtype=np.int32)
    picked: Ints = generator.choice(tasks, min(max(k, 0), len(tasks)), replace=False)
    return picked


def independent(
    belief: Floats,
    k: int,
    confusions: Floats,
    allowed: Bools | None = None,
    *,
    by: Objective = "information",
    seed: int = 0,
) -> Ints:
    """The best `k` of independent tasks, best first: Exact and Approx at once, since their gains simply add up.

    `belief`: (n, K), `confusions`: (K, S) or (n, K, S). Tasks whose answer would tell nothing are left out. Ties are
    drawn by `seed`, as in `entropy.largest`. With one symmetric relabeler this is `entropy.most_uncertain`.
    """
    gain = information_of_each(belief, confusions) if by == "information" else entropy(_answer_laws(belief, confusions))
    return largest(np.where(gain > NOTHING, gain, -np.inf), k, allowed, seed=seed)


def information_of_each(belief: Floats, confusions: Floats) -> Floats:
    """I(y; a) = H(answer law) - sum_k belief_k H(C[k, :]) in bits, (n,); arguments as in `independent`."""
    unsure = entropy(confusions)
    told_apart = belief @ unsure if unsure.ndim == 1 else np.einsum("nk,nk->n", belief, unsure)
    return np.maximum(entropy(_answer_laws(belief, confusions)) - told_apart, 0.0)


@dataclass(frozen=True, slots=True)
class Round(Generic[State]):
    """One turn of the loop: the `tasks` asked and their `answers`, (t,), what was `spent` so far, the belief after."""

    tasks: Ints
    answers: Ints
    spent: int
    state: State


def rounds(
    state: State,
    select: Callable[[State, int, Bools], Ints],
    ask: Callable[[Ints], Ints],
    update: Callable[[State, Ints, Ints], State],
    *,
    prices: NDArray[np.int64],
    budget: int,
    k: int = 2,
) -> Iterator[Round[State]]:
    """Select `k` tasks, ask, update the belief, and again until the money or the questions are spent.

    `state`: any form of belief. `select(state, k, allowed)` names tasks, none to stop; `ask(tasks)` returns their
    answers, (t,); `update(state, tasks, answers)` returns the new belief. `prices`: (n,) micro-dollars of one answer on
    each task. No task is asked twice, since a model's second answer to the same question is no new evidence; tasks
    dearer than the rest of the money are passed over for cheaper ones. Yields each round when it is done.
    """
    allowed, spent = np.ones(len(prices), dtype=bool), 0
    while k > 0:
        tasks = select(state, k, allowed & (prices <= budget - spent))
        tasks = tasks[np.cumsum(prices[tasks]) <= budget - spent]
        if not len(tasks):
            return
        answers = ask(tasks)
        state = update(state, tasks, answers)
        spent += int(prices[tasks].sum())
        allowed[tasks] = False
        yield Round(tasks, answers, spent, state)


def _open(n: int, allowed: Bools | None) -> list[int]:
    return list(range(n)) if allowed is None else [int(task) for task in np.flatnonzero(allowed)]


def _noise(joint: Floats, confusions: Confusions, by: Objective) -> Floats:
    return noise(joint, confusions) if by == "information" else np.zeros(joint.ndim)


def _answer_laws(belief: Floats, confusions: Floats) -> Floats:
    """P(answer) on each task, (n, S)."""
    laws: Floats = belief @ confusions if confusions.ndim == 2 else np.einsum("nk,nks->ns", belief, confusions)
    return laws
