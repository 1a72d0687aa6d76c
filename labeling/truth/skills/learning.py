"""Truth and skill together: what each task's label is, and how good everybody who answered is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.belief import clipped, log_belief
from labeling.truth.expectation import softmax
from labeling.truth.skills import dependence, drift, evidence
from labeling.truth.skills.crowd_weight import CrowdWeight
from labeling.truth.skills.dependence import Dependence
from labeling.truth.skills.drift import Change
from labeling.truth.skills.hierarchy import Group, Shrunken, shrink
from labeling.truth.votes import Bools, Floats, Ints, Votes

OPINION_FLOOR = 1e-4
"""The crowd's belief is taken to be no surer than this: its models err together."""
CERTAIN = 1 - 1e-6
ITERATIONS, TOLERANCE = 60, 1e-3


@dataclass(frozen=True, slots=True)
class Start:
    """Where a former weighing ended: `confusion`, (M, K, K + 1), and the crowd's weight."""

    confusion: Floats
    crowd: CrowdWeight


@dataclass(frozen=True, slots=True)
class Skills:
    """What was learnt of M annotators and n tasks.

    `belief`: (n, K), crowd, answers and known labels together; the crowd's own where nobody answered.
    `confusion`: (M, K, K + 1), row = truth, last column = abstention. `accuracy`, `low`, `high`: (M,) chance that an
    answer with a label is right now, with its 95% interval. `evidence`: (M,) answers on known tasks that would tell as
    much. `given`: (M,) answers with a label. `centre`: (M,) accuracy of the annotator's group.
    `dependence`: how far answers to one task err together (see `dependence.share`).
    `right`, `unaided`: (V,) chance that each answer is right, judged with it and without it; nan for abstentions.
    """

    belief: Floats
    confusion: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    evidence: Floats
    given: Ints
    centre: Floats
    right: Floats
    unaided: Floats
    crowd: CrowdWeight
    dependence: Dependence
    iterations: int
    converged: bool

    def start(self) -> Start:
        """From here the next weighing goes on."""
        return Start(self.confusion, self.crowd)

    def crowd_belief(self, belief: Floats) -> Floats:
        """The crowd's belief, (n, K), by what the answers taught of it."""
        return clipped(softmax(self.crowd.scores(log_belief(belief, OPINION_FLOOR))))

    def change_of(self, annotator: int, answers: Votes) -> Change | None:
        """The latest alarm over one annotator; `answers` as they were given to `learn`."""
        mine = (answers.annotator == annotator) & (answers.label < answers.n_labels)
        expected = float(self.centre[annotator])
        return drift.last_change(self.right[mine], self.unaided[mine], expected, answers.n_labels)


def learn(
    belief: Floats,
    answers: Votes,
    group_of: Ints,
    groups: Sequence[Group],
    *,
    known: Ints | None = None,
    certainty: Floats | None = None,
    start: Start | None = None,
    half_life: float = drift.HALF_LIFE,
) -> Skills:
    """Everybody's confusion matrix and every task's belief, by expectation maximisation.

    `belief`: (n, K) the free crowd's, as one voter; no task's own known label in it. `answers`: everybody else's, in
    the order in which they were given; label K is an abstention. `group_of`: (M,) place in `groups`. `known`: (n,)
    label that a file or an expert outside `answers` gave, else -1, and `certainty`: (n,) the chance that it is right.

    E: P_i(k) ~ T_i(k)^w exp(b_k) prod_v C_{j_v}[k, a_v], and for a known label its certainty.  M: C_j from expected
    answers, the old discounted, shrunk to the group (`hierarchy`); w and b by regression on P. Whom to ask may have
    depended on T and on earlier answers: the likelihood is the same (Rubin 1976), which a share of right answers among
    the tasks that experts settled is not. Cost O(V K) an iteration; a `start` saves most of them.
    Source: Raykar et al. 2010, Learning From Crowds, JMLR 11; Dawid and Skene 1979.
    Raises ValueError where the shapes do not fit.
    """
    problem = _Problem.of(belief, answers, group_of, groups, known, certainty, half_life)
    state = problem.begin(start)
    iteration, change = 0, np.inf
    while change > TOLERANCE and iteration < ITERATIONS:
        iteration += 1
        state, change = problem.step(state)
    return _report(problem, state, belief, iteration, bool(change <= TOLERANCE))


@dataclass(frozen=True, slots=True)
class _State:
    posterior: Floats
    shrunken: Shrunken
    crowd: CrowdWeight


@dataclass(frozen=True, slots=True)
class _Problem:
    """The tasks anybody answered or whose label is known, `tasks`: (m,), with their answers as a sparse matrix.

    `said`: (m, M * S) one where annotator and answer meet. `weight`: (V,) what each answer counts now. `told`: (m, K)
    log likelihood of what is known.
    """

    tasks: Ints
    row: Ints
    answers: Votes
    said: scipy.sparse.csr_array
    counted: scipy.sparse.csr_array
    weight: Floats
    logs: Floats
    told: Floats
    known: Ints
    sure: Floats
    group_of: Ints
    groups: Sequence[Group]

    @classmethod
    def of(
        cls, belief: Floats, answers: Votes, group_of: Ints, groups: Sequence[Group],
        known: Ints | None, certainty: Floats | None, half_life: float,
    ) -> _Problem:  # fmt: skip
        _check(belief, answers, group_of, groups)
        known = np.full(len(belief), -1, dtype=np.int32) if known is None else known
        tasks = np.union1d(answers.task, np.flatnonzero(known >= 0)).astype(np.int32)
        row = np.searchsorted(tasks, answers.task).astype(np.int32)
        weight = drift.discounts(answers.annotator, half_life)
        column = answers.annotator.astype(np.int64) * answers.n_symbols + answers.label
        shape = len(tasks), answers.n_annotators * answers.n_symbols
        said = scipy.sparse.csr_array((np.ones(len(row)), (row, column)), shape=shape)
        counted = scipy.sparse.csr_array((weight, (column, row)), shape=shape[::-1])
        logs = log_belief(belief[tasks], OPINION_FLOOR)
        sure = np.full(len(tasks), CERTAIN) if certainty is None else certainty[tasks]
        told = _told(known[tasks], sure, belief.shape[1])
        return cls(tasks, row, answers, said, counted, weight, logs, told, known[tasks], sure, group_of, groups)

    def begin(self, start: Start | None) -> _State:
        """Everybody is what is expected of the group, unless a former weighing knows more."""
        n_labels = self.answers.n_labels
        if start is not None:
            crowd, matrices = start.crowd, start.confusion
        else:
            crowd = CrowdWeight.as_told(n_labels)
            counts = np.zeros((self.answers.n_annotators, n_labels, n_labels + 1))
            matrices = shrink(counts, self.group_of, self.groups).confusion
        posterior = self.posterior(matrices, crowd)
        return _State(posterior, self.shrunken(posterior), crowd)

    def step(self, before: _State) -> tuple[_State, float]:
        """One round of learning, and the most that a belief moved."""
        crowd = before.crowd.improved(self.logs, before.posterior) if len(self.tasks) else before.crowd
        posterior = self.posterior(before.shrunken.confusion, crowd)
        moved = float(np.abs(posterior - before.posterior).max(initial=0.0))
        return _State(posterior, self.shrunken(posterior), crowd), moved

    def posterior(self, confusion: Floats, crowd: CrowdWeight) -> Floats:
        return softmax(crowd.scores(self.logs) + self.told + self.heard(confusion))

    def heard(self, confusion: Floats) -> Floats:
        """Log likelihood of all answers to each task, (m, K)."""
        columns = np.log(np.maximum(confusion, 1e-9)).transpose(0, 2, 1).reshape(-1, self.answers.n_labels)
        heard: Floats = self.said @ columns
        return heard

    def together(self, state: _State) -> tuple[Floats, Dependence]:
        """What is believed of each task, (m, K), no surer than answers that err together allow; their dependence."""
        scores = state.crowd.scores(self.logs) + self.heard(state.shrunken.confusion)
        count = np.bincount(self.row, minlength=len(self.tasks))
        differ = self.differ()
        told = np.flatnonzero((self.known >= 0) & (count > 0))
        found = dependence.fit(scores[told], count[told], differ[told], self.known[told], self.sure[told])
        weight = np.where(differ, dependence.share(count, found.in_dispute), dependence.share(count, found.usual))
        return softmax(weight[:, None] * scores + self.told), found

    def shrunken(self, posterior: Floats) -> Shrunken:
        votes = self.answers
        counts = (self.counted @ posterior).reshape(votes.n_annotators, votes.n_symbols, votes.n_labels)
        return shrink(counts.transpose(0, 2, 1), self.group_of, self.groups)

    def differ(self) -> Bools:
        """Whether the labels given to each task differ, (m,)."""
        named = self.answers.label < self.answers.n_labels
        row, label = self.row[named], self.answers.label[named]
        least, most = np.full(len(self.tasks), self.answers.n_labels), np.full(len(self.tasks), -1)
        np.minimum.at(least, row, label)
        np.maximum.at(most, row, label)
        differ: Bools = most > least
        return differ


def _told(known: Ints, certainty: Floats, n_labels: int) -> Floats:
    """Log likelihood of what is known of each task, (m, K): a label of certainty c is like a voter of accuracy c."""
    rows = np.zeros((len(known), n_labels))
    sure = np.flatnonzero(known >= 0)
    right = np.clip(certainty[sure], 1 / n_labels, CERTAIN)
    rows[sure] = np.log((1 - right) / max(n_labels - 1, 1))[:, None]
    rows[sure, known[sure]] = np.log(right)
    return rows


def _report(problem: _Problem, state: _State, belief: Floats, iterations: int, converged: bool) -> Skills:
    votes, shrunken = problem.answers, state.shrunken
    named = votes.label < votes.n_labels
    row, annotator, label = problem.row[named], votes.annotator[named], votes.label[named]
    right, unaided = np.full(len(votes.task), np.nan), np.full(len(votes.task), np.nan)
    right[named] = state.posterior[row, label]
    without = state.posterior[row] / shrunken.confusion[annotator, :, label]
    unaided[named] = without[np.arange(len(row)), label] / without.sum(axis=1)
    told = evidence.worth(
        state.posterior, row, annotator, label, problem.weight[named], shrunken.accuracy, shrunken.size
    )
    whole = clipped(belief)
    together, depend = problem.together(state)
    whole[problem.tasks] = clipped(together)
    given = np.bincount(annotator, minlength=votes.n_annotators).astype(np.int32)
    return Skills(
        whole, shrunken.confusion, shrunken.accuracy, told.low, told.high, told.effective, given, shrunken.centre,
        right, unaided, state.crowd, depend, iterations, converged,
    )  # fmt: skip


def _check(belief: Floats, answers: Votes, group_of: Ints, groups: Sequence[Group]) -> None:
    if belief.shape != (answers.n_tasks, answers.n_labels):
        raise ValueError(f"`belief` has shape {belief.shape}; it must be ({answers.n_tasks}, {answers.n_labels}).")
    if group_of.shape != (answers.n_annotators,):
        raise ValueError(f"`group_of` has shape {group_of.shape}; it must be ({answers.n_annotators},).")
    if len(group_of) and not 0 <= group_of.min() <= group_of.max() < len(groups):
        raise ValueError(f"`group_of` names a group that is not among the {len(groups)}.")
