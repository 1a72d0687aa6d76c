"""Wawa, worker agreement with aggregate: a majority vote weighted by agreement with the majority."""

from __future__ import annotations

from labeling.truth.label_votes import label_votes, shares, winners
from labeling.truth.votes import Inference, Ints, Votes


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0) -> Inference:
    """Weigh each annotator by the share of votes that agree with the majority, then vote once more.

    s_j = agreement of annotator j with the majority (or the known label); belief_ik ~ sum of s_j over votes for k.
    A tied majority agrees with each of its labels in part. One pass; abstentions do not count; `seed` changes nothing.
    Source: Appen, Calculating Worker Agreement with Aggregate (Wawa).
    """
    del seed
    answers = label_votes(votes, known)
    clamp = answers.matrix.clamp
    skill = answers.accuracy(clamp(winners(answers.matrix.vote_shares())))
    return Inference(clamp(shares(answers.scores(skill))), iterations=1, skill=skill)
