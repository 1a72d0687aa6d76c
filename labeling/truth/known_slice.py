"""The tasks whose label is known, in folds: what an honest estimate on them is fitted without."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labeling.truth.numbering import task_ranks
from labeling.truth.votes import Floats, Ints, Votes

FOLDS = 5


@dataclass(frozen=True, slots=True)
class KnownSlice:
    """`tasks`, `truth`, `fold`, `weight`: (m,), ascending task indexes, their labels, the fold of each, and how much
    it counts.

    `votes`: the votes on these tasks alone, renumbered 0 to m - 1.
    """

    tasks: Ints
    truth: Ints
    fold: Ints
    votes: Votes
    weight: Floats

    def __len__(self) -> int:
        return len(self.tasks)

    def one_hot(self) -> Floats:
        """The known labels as beliefs, (m, n_labels)."""
        rows: Floats = np.eye(self.votes.n_labels)[self.truth]
        return rows

    def prior(self, without: int | None = None) -> Floats:
        """Shares of the labels among the known tasks, plus one task a label; fold `without` left out."""
        weight = self.weight if without is None else self.weight * (self.fold != without)
        counts = np.bincount(self.truth, weight, self.votes.n_labels) + 1.0
        shares: Floats = counts / counts.sum()
        return shares

    def prior_out_of_fold(self) -> Floats:
        """What somebody believes who knows only the shares of the labels, (m, n_labels), each task's label left out."""
        return np.stack([self.prior(fold) for fold in range(FOLDS)])[self.fold]

    def hide(self, known: Ints, fold: int) -> Ints:
        """`known`, (n_tasks,), with the labels of one fold hidden."""
        hidden = known.copy()
        hidden[self.tasks[self.fold == fold]] = -1
        return hidden


def known_slice(votes: Votes, known: Ints, seed: int = 0, weight: Floats | None = None) -> KnownSlice:
    """The slice of `votes` with labels in `known`, (n_tasks,), -1 where not known; five folds drawn with `seed`.

    `weight`: (n_tasks,) how much each known task counts (`stand_ins`), None where all count alike.
    The folds follow the tasks when these, the annotators or the labels are renumbered.
    """
    tasks = np.flatnonzero(known >= 0).astype(np.int32)
    truth, within = known[tasks], votes_on(votes, tasks)
    fold = assign_folds(len(tasks), seed)[task_ranks(within, truth)]
    counts = np.ones(len(tasks)) if weight is None else weight[tasks]
    return KnownSlice(tasks, truth, fold, within, counts)


def assign_folds(n: int, seed: int) -> Ints:
    """A fold from 0 to 4 for each of n cases, as even in size as possible, shape (n,)."""
    return np.random.default_rng(seed).permutation(n).astype(np.int32) % FOLDS


def votes_on(votes: Votes, tasks: Ints) -> Votes:
    """The votes on some tasks, which are renumbered in the order given."""
    place = np.full(votes.n_tasks, -1, dtype=np.int32)
    place[tasks] = np.arange(len(tasks), dtype=np.int32)
    keep = place[votes.task] >= 0
    weight = None if votes.weight is None else votes.weight[keep]
    task, annotator, label = place[votes.task[keep]], votes.annotator[keep], votes.label[keep]
    return replace(votes, task=task, annotator=annotator, label=label, n_tasks=len(tasks), weight=weight)
