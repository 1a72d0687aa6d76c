"""How many tasks two annotators share, and on how many of them they agree."""

from __future__ import annotations

import numpy as np
import scipy

from labeling.truth.label_votes import LabelVotes
from labeling.truth.votes import Floats


def shared_tasks(answers: LabelVotes) -> Floats:
    """Tasks both gave a label to, (n_annotators, n_annotators); weights multiply. Memory M^2."""
    return _inner_products(answers, answers.matrix.votes.task.astype(np.int64), answers.matrix.votes.n_tasks)


def agreements(answers: LabelVotes) -> Floats:
    """Tasks both gave the same label to, (n_annotators, n_annotators); weights multiply. Memory M^2."""
    return _inner_products(answers, answers.cell, answers.matrix.votes.n_tasks * answers.n_labels)


def _inner_products(answers: LabelVotes, row: np.ndarray, n_rows: int) -> Floats:
    shape = n_rows, len(answers.given)
    votes = scipy.sparse.coo_array((answers.weight, (row, answers.annotator)), shape=shape).tocsr()
    products: Floats = (votes.T @ votes).toarray()
    return products
