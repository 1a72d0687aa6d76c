"""Majority vote: the label most annotators gave."""

from __future__ import annotations

from labeling.truth.vote_matrix import prepare
from labeling.truth.votes import Inference, Ints, Votes


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0, smoothing: float = 0.5) -> Inference:
    """Believe in each label by its share of a task's votes.

    belief_ik = (n_ik + smoothing) / (n_i + K smoothing), n_ik the weight of the votes for label k on task i.
    Half a vote of smoothing keeps unanimous tasks open to new evidence (the Jeffreys prior); 0 gives the plain
    shares. Ties are shared equally, a task without votes is believed to be any label, abstentions do not count.
    `seed` changes nothing. Raises ValueError where votes or `known` are out of range.
    """
    del seed
    matrix = prepare(votes, known)
    if smoothing <= 0:
        return Inference(matrix.vote_shares())
    belief = matrix.label_counts()
    belief += smoothing
    belief /= belief.sum(axis=1, keepdims=True)
    return Inference(matrix.clamp(belief))
