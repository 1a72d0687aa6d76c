"""Every truth inference method on the votes of one batch, side by side, without changing anything."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from labeling import arrays
from labeling.arrays import Ballot
from labeling.checks import results
from labeling.models import Batch, Decision
from labeling.reports import kept
from labeling.reports.drawing.scales import Scale, spanning
from labeling.reports.estimates import Commonest, Measured, commonest, share
from labeling.truth import calibration, methods
from labeling.truth.screen import screen
from labeling.truth.votes import Bools, Inference, Ints

MOST_VOTES = 200_000
MOST_SLOW = 40_000
SLOW = ("glad", "mace", "bwa", "ebcc")
NOTHING = Measured(None, estimable=False)
WORDS = {
    "majority_vote": "the most frequent label",
    "wawa": "majority vote weighted by agreement with it",
    "zero_based_skill": "weights moved towards agreement, step by step",
    "crh": "weights by distance from the truth found so far",
    "zencrowd": "one reliability for each annotator",
    "one_coin": "one chance to be right for each annotator, with a prior",
    "dawid_skene": "a confusion matrix for each annotator",
    "ibcc": "confusion matrices with priors, variational",
    "ebcc": "confusion that several annotators may share",
    "bwa": "Bayesian weighted average",
    "glad": "skill of annotators and difficulty of tasks",
    "mace": "annotators who sometimes guess",
    "mmsr": "skills from the matrix of agreements",
    "auto": "learns from known labels which methods to mix",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One method: how right on the checks, how honest its confidence, how far from the labels as they stand."""

    name: str
    words: str
    right: Measured = NOTHING
    error: Measured = NOTHING
    agrees: Measured = NOTHING
    iterations: int = 0
    converged: bool = True
    seconds: float | None = None
    failure: str = ""

    @property
    def waits(self) -> bool:
        """A slow method that has not run on these votes."""
        return self.seconds is None and not self.failure


@dataclass(frozen=True, slots=True)
class Comparison:
    """All lines, best first where there are checks. `refused`: why nothing was computed, or empty."""

    lines: tuple[Line, ...]
    checks: int
    known: int
    votes: int
    refused: str = ""
    degenerate: tuple[tuple[str, str], ...] = ()
    common: Commonest | None = None

    @property
    def scale(self) -> Scale:
        return spanning(line.right for line in self.lines)


def compare_and_wait(batch: Batch) -> tuple[Comparison, int]:
    """Run the quick methods, and add the slow ones that have run; kept while no vote changes.

    Also tells in how many seconds newer numbers are to be had, 0 where these are current.
    """
    votes = batch.rows_new * max(batch.project.annotators.count(), 1)
    if votes > MOST_VOTES:
        told = f"This batch may have {votes:,} votes; run `manage.py aggregate` on them."
        return Comparison((), 0, 0, votes, told), 0
    version = _version(batch)
    found, wait = kept.keep_and_tell(_name(batch, "quick"), version, lambda: _quick(batch))
    ran = {name: kept.peek(_name(batch, name), version) for name in SLOW}
    slow = [cast("Line | None", line) or Line(name, WORDS[name]) for name, (line, _) in ran.items()]
    whole = found if found.refused else replace(found, lines=_ordered([*found.lines, *slow]))
    return whole, kept.soonest(wait, *(later for _, later in ran.values()))


def run(batch: Batch, name: str) -> Line:
    """Run one of the slow methods; kept while no vote changes. Too many votes for a page are left to the shell."""
    if batch.rows_new * batch.project.annotators.count() > MOST_SLOW:
        return Line(name, WORDS[name], failure="Too many votes for a page; run `manage.py aggregate` on them.")
    return kept.keep(_name(batch, name), _version(batch), lambda: _line(name, *_ground(batch)))


def _name(batch: Batch, method: str) -> str:
    return f"methods.{batch.pk}.{batch.created_at.timestamp()}.{method}"


def _version(batch: Batch) -> object:
    return kept.version(), tuple(label.name for label in batch.project.label_list())


def _ground(batch: Batch) -> tuple[Ballot, Ints, Ints]:
    ballot = arrays.load(batch, settled=False)
    return ballot, _truth(batch, ballot), _current(batch, ballot)


def _quick(batch: Batch) -> Comparison:
    ballot, truth, current = _ground(batch)
    if not len(ballot.votes.task):
        return Comparison((), 0, 0, 0, "Nobody has voted in this batch yet.")
    lines = [_line(name, ballot, truth, current) for name in methods.NAMES if name not in SLOW]
    checks, known = int((truth >= 0).sum()), int((ballot.known >= 0).sum())
    whole = arrays.load(batch, fractional=False, settled=False)
    common = commonest(truth, [label.name for label in ballot.labels])
    return Comparison(tuple(lines), checks, known, len(whole.votes.task), "", _degenerate(whole), common)


def _ordered(lines: list[Line]) -> tuple[Line, ...]:
    """The best first where there are checks; what has not run comes last."""
    best = sorted(lines, key=lambda line: -(line.right.value or 0.0) if line.right.estimable else 0.0)
    return tuple(sorted(best, key=lambda line: line.waits))


def _degenerate(ballot: Ballot) -> tuple[tuple[str, str], ...]:
    """Annotators whose answers say nothing, each with the reason; `ballot` holds whole votes, not fractions."""
    reasons = zip(ballot.annotators, screen(ballot.votes).reason, strict=True)
    return tuple((one.name, reason) for one, reason in reasons if reason)


def _truth(batch: Batch, ballot: Ballot) -> Ints:
    """The checked answer of each task of the ballot, -1 without one."""
    found = results.load(batch)
    answers = dict(zip(found.task[found.checks].tolist(), found.truth[found.checks].tolist(), strict=True))
    return np.array([answers.get(pk, -1) for pk in ballot.task_ids.tolist()], dtype=np.int32)


def _current(batch: Batch, ballot: Ballot) -> Ints:
    """The label of each task as it stands, -1 where it is open or was known."""
    place = {label.pk: index for index, label in enumerate(ballot.labels)}
    final = dict(Decision.objects.current().filter(task__batch=batch).values_list("task_id", "label_id"))
    stands = [place[final[pk]] if pk in final else -1 for pk in ballot.task_ids.tolist()]
    return np.where(ballot.known >= 0, -1, np.array(stands, dtype=np.int32)).astype(np.int32)


def _line(name: str, ballot: Ballot, truth: Ints, current: Ints) -> Line:
    started = time.process_time()
    try:
        result = methods.method(name)(ballot.votes, known=ballot.known)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return Line(name, WORDS[name], failure=str(error))
    seconds = time.process_time() - started
    return Line(
        name,
        WORDS[name],
        _same(result, truth, truth >= 0),
        _error(result, truth),
        _same(result, current, current >= 0),
        result.iterations,
        result.converged,
        seconds,
    )


def _same(result: Inference, labels: Ints, where: Bools) -> Measured:
    """How often the method's label is the one given."""
    return share(float((result.labels()[where] == labels[where]).sum()), float(where.sum()))


def _error(result: Inference, truth: Ints, resamples: int = 100) -> Measured:
    """The expected calibration error on the checks, plus and minus 1.96 bootstrap standard errors."""
    where = np.flatnonzero(truth >= 0)
    if len(where) < 30:
        return Measured(None, estimable=False, reason=f"{len(where)} of 30 checked")
    bins = max(1, min(10, len(where) // 30))
    found = calibration.expected_calibration_error(result.belief[where], truth[where], bins=bins)
    draws = np.random.default_rng(0).integers(0, len(where), (resamples, len(where)))
    spread = [
        calibration.expected_calibration_error(result.belief[where[d]], truth[where[d]], bins=bins) for d in draws
    ]
    half = 1.96 * float(np.std(spread))
    return Measured(found, max(found - half, 0.0), min(found + half, 1.0))
