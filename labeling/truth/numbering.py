"""Random draws that follow annotators and labels when they are renumbered, so that a seed means the same answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labeling.truth.label_votes import LabelVotes, label_votes
from labeling.truth.vote_matrix import VoteMatrix, weighted_sum
from labeling.truth.votes import Floats, Ints, Votes

Order = NDArray[np.intp]


def ranks(matrix: VoteMatrix) -> tuple[Order, Order]:
    """Rank of each annotator, (n_annotators,), and label, (n_labels,), by what they did and not by their number.

    Sorted by the number of votes, most first, how far they agree with the others, how many others there were, and how
    far those agree in turn; those that did exactly the same keep their given order. Whoever gave no label comes last,
    so that one row of draws a rank means the same with and without such annotators.
    """
    answers = label_votes(matrix.votes, matrix.known)
    share = answers.matrix.vote_shares()
    of_annotator = _annotator_traits(answers, share)
    per_task = answers.matrix.label_counts().sum(axis=1)
    weights = per_task, share.max(axis=1)
    of_label = [share.sum(axis=0), (share**2).sum(axis=0), *(weighted_sum(weight, share**2) for weight in weights)]
    return _rank(of_annotator), _rank(of_label)


def task_ranks(votes: Votes, truth: Ints) -> Order:
    """Rank of each task, (n_tasks,), by its votes and its label `truth`, (n_tasks,), and not by its number.

    Sorted by how many votes are right, each counted by how much its annotator agrees with the others, how far the
    votes agree, and how frequent the label is; tasks that look the same keep their given order.
    """
    answers = label_votes(votes)
    share = answers.matrix.vote_shares()
    believed = answers.believed(share)
    esteem = answers.annotator_sums(believed**2)
    support = answers.scores(esteem)
    place = np.arange(votes.n_tasks), truth
    frequent = np.bincount(truth, minlength=votes.n_labels)[truth].astype(np.float64)
    return _rank([support[place], support.sum(axis=1), (support**2).sum(axis=1), share[place], frequent])


def _annotator_traits(answers: LabelVotes, share: Floats) -> list[Floats]:
    believed = answers.believed(share)
    crowd = answers.matrix.label_counts().sum(axis=1)[answers.matrix.votes.task]
    company = answers.scores(answers.annotator_sums(believed**2))
    alike, all_of_task = answers.believed(company), company.sum(axis=1)[answers.matrix.votes.task]
    traits = believed, believed**2, crowd, alike**2, np.sqrt(alike * all_of_task)
    return [-answers.given, *(answers.annotator_sums(trait) for trait in traits)]


def _rank(traits: list[Floats]) -> Order:
    # nine digits: the order of a sum's terms, which renumbering changes, must not decide
    rounded = [np.char.mod("%.9e", trait).astype(np.float64) if len(trait) else trait for trait in traits]
    order = np.lexsort(rounded[::-1])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank
