"""Tasks that share a variable: near-duplicates, implications, exclusive choices; one answer tells about several.

Within a block the next task is the one whose answer tells most beside the answers already chosen; blocks are
independent of each other, so their gains add up. Four copies of a task that is even odds are worth one question.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.routing.entropy import largest
from labeling.routing.selection import NOTHING, information_of_each
from labeling.truth.belief import clipped, entropy, from_logits
from labeling.truth.votes import Bools, Floats, Ints

MOST_STATES = 4_096
"""States of one block, and combinations of answers looked at in one: beyond, split the block or ask in rounds."""


@dataclass(frozen=True, slots=True)
class Block:
    """A joint belief over m tasks that are independent given a hidden state z: P(y) = sum_z P(z) prod_t P(y_t | z).

    `tasks`: (m,) indexes. `weight`: (Z,) P(z). `given`: (Z, m, K) P(y_t | z). With one state for each profile every
    joint belief has this form.
    """

    tasks: Ints
    weight: Floats
    given: Floats

    def __post_init__(self) -> None:
        if len(self.weight) > MOST_STATES:
            raise ValueError(f"A block has {len(self.weight)} states; at most {MOST_STATES} are handled. Split it.")

    @classmethod
    def of_table(cls, tasks: Ints, joint: Floats) -> Block:
        """A block from an explicit table with one axis of length K for each task; impossible profiles are dropped."""
        profiles = np.argwhere(joint > 0)
        given: Floats = np.eye(max(joint.shape))[profiles]
        return cls(tasks, joint[joint > 0], given)

    @classmethod
    def of_duplicates(cls, tasks: Ints, belief: Floats, mismatch: float, prior: Floats | None = None) -> Block:
        """Near-duplicates: a cluster label z ~ prior, and each task has it with probability 1 - mismatch.

        `belief`: (m, K), what each task's own votes say, before `truth.duplicates.share`, whose result is this block's
        `marginals`. `prior`: (K,), by default equal shares.
        """
        n_labels = belief.shape[1]
        prior = np.full(n_labels, 1 / n_labels) if prior is None else clipped(prior)
        through = np.full((n_labels, n_labels), mismatch / (n_labels - 1))
        np.fill_diagonal(through, 1 - mismatch)
        evidence = clipped(belief) / (prior @ through)
        joined = through[:, None, :] * evidence
        likelihood = joined.sum(axis=2)
        weight = from_logits(np.log(prior) + np.log(np.maximum(likelihood, 1e-300)).sum(axis=1))
        return cls(tasks, weight, joined / np.maximum(likelihood, 1e-300)[..., None])

    def marginals(self) -> Floats:
        """The belief of each task, (m, K)."""
        belief: Floats = np.einsum("z,zmk->mk", self.weight, self.given)
        return belief

    def answered(self, place: int, answer: int, confusion: Floats) -> Block:
        """The block after an answer to its task number `place`, by Bayes' rule; `confusion`: (K, S).

        Raises ValueError where the answer is impossible under the block's belief.
        """
        joined = self.given[:, place] * confusion[:, answer]
        likelihood = joined.sum(axis=1)
        weight = self.weight * likelihood
        if not weight.sum() > 0:
            raise ValueError(
                "This answer is impossible under the belief; no confusion matrix may hold a certain error."
            )
        alive = weight > 0
        given = self.given[alive].copy()
        given[:, place] = joined[alive] / likelihood[alive, None]
        return Block(self.tasks, weight[alive] / weight.sum(), given)


def most_informative(
    belief: Floats,
    blocks: Sequence[Block],
    k: int,
    confusion: Floats,
    allowed: Bools | None = None,
    *,
    seed: int = 0,
) -> Ints:
    """`k` tasks whose answers tell most together, best first: greedy within each block, independent across blocks.

    `belief`: (n, K) of all tasks; those of a block are judged by the block alone. `blocks` share no task. `confusion`:
    (K, S) of the relabeler. `allowed`: (n,). At least .632 of the best set. From one block at most as many tasks are
    taken as keep its combinations of answers below 4,096; the next round can take more.
    """
    allowed = np.ones(len(belief), dtype=bool) if allowed is None else allowed
    alone = allowed.copy()
    for block in blocks:
        alone[block.tasks] = False
    gain = information_of_each(belief, confusion)
    singles = largest(np.where(gain > NOTHING, gain, -np.inf), k, alone, seed=seed)
    heap = [(-float(gain[task]), place, -1) for place, task in enumerate(singles)]
    open_blocks = [_Asking(block, confusion, allowed[block.tasks]) for block in blocks]
    heap += [(-asking.best(), len(singles) + at, at) for at, asking in enumerate(open_blocks)]
    heapq.heapify(heap)
    chosen: list[int] = []
    while heap and len(chosen) < k:
        added, order, at = heapq.heappop(heap)
        if -added <= NOTHING:
            break
        chosen.append(int(singles[order]) if at < 0 else open_blocks[at].take())
        if at >= 0:
            heapq.heappush(heap, (-open_blocks[at].best(), order, at))
    return np.array(chosen, dtype=np.int32)


class _Asking:
    """The tasks chosen from one block so far, and what each further one would add."""

    def __init__(self, block: Block, confusion: Floats, allowed: Bools) -> None:
        self.block = block
        self.left = allowed.copy()
        self.law: Floats = block.given @ confusion
        self.noise: Floats = block.marginals() @ entropy(confusion)
        # P(z, answers so far)
        self.reached: Floats = block.weight[:, None]
        self.gain = self._gains()

    def best(self) -> float:
        """Bits that the best further task adds."""
        return float(self.gain.max(initial=0.0))

    def take(self) -> int:
        """Choose the best further task, and return its index."""
        place = int(self.gain.argmax())
        self.left[place] = False
        joined = self.reached[:, :, None] * self.law[:, place, None, :]
        self.reached = joined.reshape(len(self.law), -1)
        self.gain = self._gains()
        return int(self.block.tasks[place])

    def _gains(self) -> Floats:
        """H(answer | answers so far) - H(answer | truth) of each task in bits, rounded so that equal ones tie."""
        if self.reached.shape[1] * self.law.shape[2] > MOST_STATES:
            return np.zeros(len(self.left))
        table = np.einsum("zr,zms->mrs", self.reached, self.law, optimize=True)
        added = entropy(table.reshape(len(table), -1)) - entropy(self.reached.sum(axis=0)) - self.noise
        return np.where(self.left, np.round(added, 12), 0.0)
