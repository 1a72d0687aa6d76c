"""Which annotators err together: agreement beyond what their skill explains."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from labeling.truth.confusion import count, shrunken
from labeling.truth.label_votes import LabelVotes, label_votes
from labeling.truth.overlap import agreements, shared_tasks
from labeling.truth.votes import Floats, Votes

CLONE = 0.8
LEAST_SHARED = 10
FEW_SHARED = 50.0


def excess_agreement(votes: Votes, belief: Floats) -> Floats:
    """Agreement of each pair beyond that of independent errors, (n_annotators, n_annotators).

    rho_jl = (agree - expected) / (1 - expected): 0 for errors that are independent given the truth, 1 for clones.
    expected = mean over shared tasks of sum_k belief_ik sum_a C_j[k, a] C_l[k, a], C from the votes and `belief`
    (n_tasks, n_labels), one-hot rows where the truth is known. 1 on the diagonal, nan for pairs that share fewer than
    10 tasks or must agree anyway. Abstentions do not count. Cost O(K) products of the votes, memory M^2.
    """
    answers = label_votes(votes)
    confusion = shrunken(count(votes, belief), 1.0)[..., : votes.n_labels]
    confusion /= confusion.sum(axis=-1, keepdims=True)
    shared = shared_tasks(answers)
    expected = np.zeros_like(shared)
    for k in range(votes.n_labels):
        expected += _believed_shared(answers, belief[:, k]) * (confusion[:, k] @ confusion[:, k].T)
    room = shared - expected
    enough = (shared >= LEAST_SHARED) & (room > 1e-9 * shared)
    excess: Floats = np.divide(agreements(answers) - expected, room, out=np.full(shared.shape, np.nan), where=enough)
    np.fill_diagonal(excess, 1.0)
    return excess


def shrunken_excess(votes: Votes, belief: Floats, strength: float = FEW_SHARED) -> Floats:
    """Excess agreement as if each pair had shared `strength` more tasks without any; 0 where nothing is known."""
    shared = shared_tasks(label_votes(votes))
    excess: Floats = np.nan_to_num(excess_agreement(votes, belief)) * shared / (shared + strength)
    np.fill_diagonal(excess, 1.0)
    return excess


def effective_number(excess: Floats) -> float:
    """How many independent annotators the crowd is worth: sum_j 1 / sum_l max(rho_jl, 0); unknown pairs count as 0."""
    return float(independence_weights(excess).sum())


def independence_weights(excess: Floats) -> Floats:
    """1 / sum_l max(rho_jl, 0) of each annotator, (n_annotators,): 1 for a loner, 1/2 for each of two clones."""
    weights: Floats = 1 / np.clip(np.nan_to_num(excess), 0, 1).sum(axis=1)
    return weights


def families(excess: Floats, threshold: float = CLONE) -> NDArray[np.int32]:
    """Number of the family of each annotator, (n_annotators,): linked by pairs with at least `threshold` excess."""
    linked = scipy.sparse.csr_array(np.nan_to_num(excess) >= threshold)
    return np.asarray(scipy.sparse.csgraph.connected_components(linked, directed=False)[1], dtype=np.int32)


def _believed_shared(answers: LabelVotes, belief: Floats) -> Floats:
    """Expected number of shared tasks whose truth is one label, by pair; `belief` in that label, (n_tasks,)."""
    votes = answers.matrix.votes
    shape = votes.n_tasks, votes.n_annotators
    given = scipy.sparse.coo_array((answers.weight, (votes.task, answers.annotator)), shape=shape).tocsr()
    believed = scipy.sparse.coo_array(
        (answers.weight * belief[votes.task], (votes.task, answers.annotator)), shape=shape
    )
    products: Floats = (given.T @ believed.tocsr()).toarray()
    return products
