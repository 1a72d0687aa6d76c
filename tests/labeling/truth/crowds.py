"""Small crowds for the tests of truth inference, and the real ones where they are present."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labeling.files.votes import index_gold, read_gold, read_votes
from labeling.truth.votes import Floats, Ints, Votes

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def votes_of(rows: list[list[int | None]], n_labels: int | None = None) -> Votes:
    """Votes from one row an annotator, None where there is none; a label equal to `n_labels` is an abstention."""
    entries = [(i, j, label) for j, row in enumerate(rows) for i, label in enumerate(row) if label is not None]
    task, annotator, label = np.array(entries, dtype=np.int32).reshape(-1, 3).T
    n_tasks = max((len(row) for row in rows), default=0)
    return Votes(task, annotator, label, n_tasks, len(rows), n_labels or int(label.max(initial=0)) + 1)


def simulate(
    n_tasks: int,
    n_annotators: int,
    n_labels: int,
    *,
    seed: int = 0,
    coverage: float = 1.0,
    accuracy: tuple[float, float] = (0.55, 0.9),
) -> tuple[Votes, Ints]:
    """A crowd with accuracies spread evenly over a range and wrong answers at random, and the truth."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, n_labels, n_tasks)
    skill = np.linspace(*accuracy, n_annotators)
    task, annotator = np.nonzero(generator.random((n_tasks, n_annotators)) < coverage)
    wrong = (truth[task] + generator.integers(1, max(n_labels, 2), len(task))) % n_labels
    label = np.where(generator.random(len(task)) < skill[annotator], truth[task], wrong)
    arrays = (part.astype(np.int32) for part in (task, annotator, label))
    return Votes(*arrays, n_tasks, n_annotators, n_labels), truth.astype(np.int32)


def renumbered(votes: Votes, tasks: Ints, annotators: Ints, labels: Ints) -> Votes:
    """The same votes with task i called `tasks[i]` and so on, in another order."""
    order = np.random.default_rng(1).permutation(len(votes.task))
    symbols = np.append(labels, votes.n_labels)
    sizes = votes.n_tasks, votes.n_annotators, votes.n_labels
    weight = None if votes.weight is None else votes.weight[order]
    moved = tasks[votes.task[order]], annotators[votes.annotator[order]], symbols[votes.label[order]]
    return Votes(*(part.astype(np.int32) for part in moved), *sizes, weight)


def human_crowd(name: str) -> tuple[Votes, Ints]:
    """Votes and gold of one of the human crowds; the test is skipped where the data is absent."""
    folder = DATA / "human_votes" / name
    if not folder.exists():
        pytest.skip(f"the data set {name} is not here (looked in {folder})")
    gold = read_gold(str(folder / "gold.csv"))
    table = read_votes(str(folder / "votes.csv"), labels=sorted(set(gold.values())))
    return table.votes, index_gold(gold, table.tasks, table.labels)


def accuracy(belief: Floats, gold: Ints) -> float:
    """Share of right labels among the known, ties shared."""
    known = gold >= 0
    rows = belief[known]
    best = rows >= rows.max(axis=1, keepdims=True) - 1e-9
    return float((best[np.arange(len(rows)), gold[known]] / best.sum(axis=1)).mean())
