"""The default aggregator: a calibrated blend learnt from known labels, and a sensible answer without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth import confusion, dawid_skene, gold_naive_bayes, log_linear, mace, majority_vote, opinions
from labeling.truth.belief import log_belief
from labeling.truth.known_slice import FOLDS, KnownSlice, known_slice
from labeling.truth.log_linear import OPINION_FLOOR
from labeling.truth.opinions import Opinion
from labeling.truth.vote_matrix import VoteMatrix, prepare
from labeling.truth.votes import Bools, Floats, Inference, Ints, Votes

ENOUGH_KNOWN = 20
DIRICHLET = 8.0
"""Pseudo-votes that keep Dawid-Skene from believing a row of a matrix that few votes tell about."""
CLEARLY_BETTER = 2.0
"""Standard errors by which another candidate must beat the blend: several are tried, so one would win by luck."""
FIXED = 1e6
"""A precision no number of known labels moves."""
KNOWS_NOTHING = (
    "On the known labels this crowd does no better than somebody who knows only how frequent each label is; "
    "try other models, a clearer guideline, or people. Shown is {shown}."
)
SHOWN = {"majority_vote": "its majority vote as it is"}
SHOWN_ELSE = "what is left of its votes beside those frequencies"
ASK_FOR_LABELS = (
    "These beliefs are uncalibrated: two methods disagree on {share:.1%} of the tasks; "
    "label {count} (half of them at random, half where they disagree) to settle it."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that could be given. `out_of_fold`, (m, K): known tasks, with labels of other folds only."""

    name: str
    belief: Floats
    out_of_fold: Floats
    weights: dict[str, float]

    def log_likelihood(self, gold: KnownSlice) -> Floats:
        """Log belief in the truth of each known task, (m,)."""
        logs: Floats = log_belief(self.out_of_fold, OPINION_FLOOR)[np.arange(len(gold)), gold.truth]
        return logs

    def right(self, gold: KnownSlice) -> Floats:
        """1 for each known task whose label is the most believed, else 0, (m,)."""
        hits: Floats = (self.out_of_fold.argmax(axis=1) == gold.truth).astype(np.float64)
        return hits


def infer(
    votes: Votes,
    *,
    known: Ints | None = None,
    seed: int = 0,
    features: NDArray[np.float32] | None = None,
    weight: Floats | None = None,
) -> Inference:
    """Beliefs of any crowd of models and people, calibrated where at least 20 labels are known.

    `features`: (n_tasks, d) rows of text, or None. `weight`: (n_tasks,) how much each known label counts
    (`stand_ins.weights`), None where all count alike. With known labels the answer is a log-linear pool of several
    opinions: naive Bayes (also with less say for annotators who err together), IBCC, MACE, majority vote, a weighted
    vote, where votes are fractional the annotators' own probabilities, and text. Its weights and label
    biases are fitted on out-of-fold beliefs. Majority vote or the best single annotator replace it where they are
    clearly better out of fold. Where the crowd tells no more than the label shares do (by one standard error),
    `message` says so, and the answer is the majority vote unless the pool is right more often by a standard error.
    Without enough known labels it is the mean of MACE, Dawid-Skene and majority vote, and uncalibrated.

    `details`: "chosen" (name), "calibrated", "message" (a sentence or None), "known_tasks" (m,) and "out_of_fold"
    (m, K) honest beliefs for whatever is learnt on top, "log_loss" by candidate, "weights" of the blend, and without
    known labels "disagreement", the share of tasks where MACE and Dawid-Skene differ, and "tasks_to_validate", (c,).
    """
    known = np.full(votes.n_tasks, -1, dtype=np.int32) if known is None else known.astype(np.int32)
    if (known >= 0).sum() < ENOUGH_KNOWN:
        return _without_labels(votes, known, seed)
    matrix, gold = prepare(votes, known), known_slice(votes, known, seed, weight)
    members = _members(matrix, gold, seed)
    blend = _pooled("blend", members, gold)
    if features is not None:
        members.append(opinions.text(features, blend.belief, known, gold, seed))
        blend = _pooled("blend", members, gold)
    majority = _majority_candidate(opinions.majority(matrix, gold), gold)
    single = _pooled("best_single", [opinions.best_single(matrix, gold)], gold)
    chosen = _choose(blend, majority, single, gold)
    counts = confusion.with_elsewhere(confusion.count_known(gold.votes, gold.truth), votes)
    confusions = confusion.shrunken(counts, gold_naive_bayes.STRENGTH)
    details = {
        "chosen": chosen.name,
        "calibrated": True,
        "message": _message(blend, chosen, gold),
        "known_tasks": gold.tasks,
        "out_of_fold": chosen.out_of_fold,
        "weights": chosen.weights,
        "log_loss": {each.name: -float(each.log_likelihood(gold).mean()) for each in (blend, majority, single)},
    }
    return Inference(matrix.clamp(chosen.belief), 1, True, confusions, details=details)


def tasks_to_validate(votes: Votes, seed: int = 0, count: int = 50) -> tuple[Ints, Floats]:
    """The most useful tasks to label next: half where MACE and Dawid-Skene disagree, half at random.

    Returns their indexes, (c,), and the probability with which each was drawn, (c,), by which every estimate made
    from them must be weighted. c is `count`, or the number of tasks where that is smaller.
    """
    mace_belief, skene_belief = _two_views(votes, None, seed)
    everything = np.arange(votes.n_tasks, dtype=np.int32)
    return _draw(everything, mace_belief.argmax(axis=1) != skene_belief.argmax(axis=1), seed, count)


def _draw(tasks: Ints, disputed: Bools, seed: int, count: int = 50) -> tuple[Ints, Floats]:
    """Half of `count` of the `tasks` that are `disputed`, (len(tasks),), the rest at random, and their chances."""
    generator, count = np.random.default_rng(seed), min(count, len(tasks))
    contested = np.flatnonzero(disputed)
    from_disputed = min(count // 2, len(contested))
    first = generator.choice(contested, from_disputed, replace=False) if from_disputed else contested[:0]
    others = np.setdiff1d(np.arange(len(tasks)), first)
    drawn = np.concatenate([first, generator.choice(others, count - from_disputed, replace=False)])
    at_random = (count - from_disputed) / max(len(others), 1)
    as_disputed = disputed[drawn] * (from_disputed / max(len(contested), 1))
    return tasks[drawn], as_disputed + (1 - as_disputed) * at_random


def _without_labels(votes: Votes, known: Ints, seed: int) -> Inference:
    """The mean of MACE, Dawid-Skene and majority vote: where the two models differ, the votes decide."""
    mace_belief, skene_belief = _two_views(votes, known, seed)
    shares = majority_vote.infer(votes, known=known).belief
    disputed = mace_belief.argmax(axis=1) != skene_belief.argmax(axis=1)
    disagreement = float(disputed.mean()) if votes.n_tasks else 0.0
    unknown = np.flatnonzero(known < 0).astype(np.int32)
    wanted = _draw(unknown, disputed[unknown], seed)[0]
    details = {
        "chosen": "mace+dawid_skene",
        "calibrated": False,
        "message": ASK_FOR_LABELS.format(
            share=disagreement, count=f"{len(wanted)} {'task' if len(wanted) == 1 else 'tasks'}"
        ),
        "disagreement": disagreement,
        "tasks_to_validate": wanted,
    }
    return Inference((mace_belief + skene_belief + shares) / 3, 1, True, details=details)


def _two_views(votes: Votes, known: Ints | None, seed: int) -> tuple[Floats, Floats]:
    skene = dawid_skene.infer(votes, known=known, shrinkage=DIRICHLET)
    return mace.infer(votes, known=known, seed=seed).belief, skene.belief


def _members(matrix: VoteMatrix, gold: KnownSlice, seed: int) -> list[Opinion]:
    """What the votes say, read in as many ways as have their own strengths."""
    tasks = opinions.enough_tasks(matrix, gold, seed)
    unaided = opinions.unaided(matrix, gold, tasks, seed)
    members = [
        opinions.naive_bayes(matrix, gold),
        opinions.independent(matrix, gold, unaided),
        opinions.semi_supervised(matrix, gold, tasks),
        unaided.competence,
        opinions.majority(matrix, gold),
        opinions.weighted_vote(matrix, gold),
    ]
    if matrix.votes.weight is not None:
        members.append(opinions.spoken(matrix, gold))
    return members


def _pooled(name: str, members: Sequence[Opinion], gold: KnownSlice, bias_ridge: float = 10.0) -> Candidate:
    """The opinions in one pool; its honest beliefs come from pools fitted without their fold."""
    truth, honest = gold.one_hot(), np.empty((len(gold), gold.votes.n_labels))
    start, ridge = [each.start for each in members], [each.ridge for each in members]
    for fold in range(FOLDS):
        inside, rest = gold.fold == fold, gold.fold != fold
        out = [each.out_of_fold[rest] for each in members]
        pool = log_linear.fit_pool(out, truth[rest], start, ridge, bias_ridge, gold.weight[rest])
        honest[inside] = pool.belief([each.out_of_fold[inside] for each in members])
    pool = log_linear.fit_pool([each.out_of_fold for each in members], truth, start, ridge, bias_ridge, gold.weight)
    weights = {each.name: float(weight) for each, weight in zip(members, pool.weight, strict=True)}
    return Candidate(name, pool.belief([each.everywhere for each in members]), honest, weights)


def _majority_candidate(opinion: Opinion, gold: KnownSlice) -> Candidate:
    """Majority vote with its confidence corrected and its labels left as they are."""
    pool = log_linear.fit_pool([opinion.out_of_fold], gold.one_hot(), [0.8], [4.0], FIXED, gold.weight)
    pool = log_linear.Pool(np.maximum(pool.weight, 0.05), np.zeros_like(pool.bias))
    weights = {opinion.name: float(pool.weight[0])}
    return Candidate("majority_vote", pool.belief([opinion.everywhere]), pool.belief([opinion.out_of_fold]), weights)


def _choose(blend: Candidate, majority: Candidate, single: Candidate, gold: KnownSlice) -> Candidate:
    if not _knows_something(blend, gold) and _z(blend.right(gold) - majority.right(gold)) <= 1.0:
        return majority
    rivals = [each for each in (majority, single) if _standard_errors(each, blend, gold) > CLEARLY_BETTER]
    return max([blend, *rivals], key=lambda each: float(each.log_likelihood(gold).sum()))


def _message(blend: Candidate, chosen: Candidate, gold: KnownSlice) -> str | None:
    if _knows_something(blend, gold):
        return None
    return KNOWS_NOTHING.format(shown=SHOWN.get(chosen.name, SHOWN_ELSE))


def _standard_errors(better: Candidate, worse: Candidate, gold: KnownSlice) -> float:
    return _z(better.log_likelihood(gold) - worse.log_likelihood(gold))


def _knows_something(blend: Candidate, gold: KnownSlice) -> bool:
    shares = np.log(gold.prior_out_of_fold()[np.arange(len(gold)), gold.truth])
    return _z(blend.log_likelihood(gold) - shares) > 1.0


def _z(difference: Floats) -> float:
    """Mean over its standard error."""
    return float(difference.mean() / max(difference.std() / np.sqrt(len(difference)), 1e-12))
