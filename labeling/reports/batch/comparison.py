"""Every truth inference method on the votes of one batch, side by side, without changing anything."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from labeling import arrays
from labeling.arrays import Ballot
from labeling.checks import results
from labeling.models import Batch, Decision, Question
from labeling.reports import kept
from labeling.reports.batch import kind_comparison, kind_ground
from labeling.reports.batch.method_lines import Line, said_of
from labeling.reports.drawing.scales import Scale, spanning
from labeling.reports.estimates import Commonest, Measured, commonest, share
from labeling.truth import calibration, methods
from labeling.truth.screen import screen
from labeling.truth.votes import Bools, Inference, Ints

MOST_VOTES = 200_000
MOST_SLOW = 40_000
SLOW = ("glad", "mace", "bwa", "ebcc")


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


def compare_and_wait(batch: Batch, question: Question | None = None) -> tuple[Comparison, int]:
    """Run the quick methods on a question, and add the slow ones that have run; kept while no vote changes.

    Also tells in how many seconds newer numbers are to be had, 0 where these are current.
    """
    asked = question or batch.project.first_question
    votes = batch.rows_new * max(batch.project.annotators.count(), 1) * weight(asked)
    if votes > MOST_VOTES:
        told = f"This batch may have {votes:,} votes; run `manage.py aggregate` on them."
        return Comparison((), 0, 0, votes, told), 0
    version = _version(asked)
    found, wait = kept.keep_and_tell(_name(batch, asked, "quick"), version, lambda: _quick(batch, asked))
    ran = {name: kept.peek(_name(batch, asked, name), version) for name in SLOW if name in asked.answers.methods}
    slow = [cast("Line | None", line) or Line(name, said_of(name)) for name, (line, _) in ran.items()]
    whole = found if found.refused else replace(found, lines=_ordered([*found.lines, *slow]))
    return whole, kept.soonest(wait, *(later for _, later in ran.values()))


def run(batch: Batch, name: str, question: Question | None = None) -> Line:
    """Run one of the slow methods; kept while no vote changes. Too many votes for a page are left to the shell."""
    asked = question or batch.project.first_question
    if batch.rows_new * batch.project.annotators.count() * weight(asked) > MOST_SLOW:
        return Line(name, said_of(name), failure="Too many votes for a page; run `manage.py aggregate` on them.")
    return kept.keep(_name(batch, asked, name), _version(asked), lambda: _slow(batch, asked, name))


def weight(question: Question) -> int:
    """How many votes for one label an answer is as much work as: one for each label where each is a yes or a no."""
    return max(question.labels.count(), 1) if question.answers.parts else 1


def _slow(batch: Batch, question: Question, name: str) -> Line:
    if question.votes_are_enough:
        return _line(name, *_ground(batch, question))
    return kind_comparison.line(kind_ground.ground(batch, question), name)


def _name(batch: Batch, question: Question, method: str) -> str:
    return f"methods.{batch.pk}.{batch.created_at.timestamp()}.{question.position}.{method}"


def _version(question: Question) -> object:
    return kept.version(), tuple(label.name for label in question.label_list())


def _ground(batch: Batch, question: Question) -> tuple[Ballot, Ints, Ints]:
    ballot = arrays.load(batch, question, settled=False)
    return ballot, _truth(batch, ballot), _current(batch, ballot)


def _quick_of_kind(batch: Batch, question: Question) -> Comparison:
    ground = kind_ground.ground(batch, question)
    if not len(ground.table.task):
        return Comparison((), 0, 0, 0, "Nobody has answered this question in this batch yet.")
    quick = tuple(name for name in question.answers.methods if name not in SLOW)
    checks, known = int((ground.truth >= 0).sum()), 0 if ground.known is None else len(ground.known.task)
    lines = tuple(kind_comparison.lines(ground, quick))
    return Comparison(lines, checks, known, len(ground.table.task), "", (), kind_comparison.commonest(ground))


def _quick(batch: Batch, question: Question) -> Comparison:
    if not question.votes_are_enough:
        return _quick_of_kind(batch, question)
    ballot, truth, current = _ground(batch, question)
    if not len(ballot.votes.task):
        return Comparison((), 0, 0, 0, "Nobody has voted in this batch yet.")
    lines = [_line(name, ballot, truth, current) for name in methods.NAMES if name not in SLOW]
    checks, known = int((truth >= 0).sum()), int((ballot.known >= 0).sum())
    whole = arrays.load(batch, question, fractional=False, settled=False)
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
    found = results.load(batch, question=ballot.question)
    answers = dict(zip(found.task[found.checks].tolist(), found.truth[found.checks].tolist(), strict=True))
    return np.array([answers.get(pk, -1) for pk in ballot.task_ids.tolist()], dtype=np.int32)


def _current(batch: Batch, ballot: Ballot) -> Ints:
    """The label of each task as it stands, -1 where it is open or was known."""
    place = {label.pk: index for index, label in enumerate(ballot.labels)}
    made = Decision.objects.current().filter(task__batch=batch, task__question=ballot.question)
    final = dict(made.values_list("task_id", "label_id"))
    stands = [place[final[pk]] if pk in final else -1 for pk in ballot.task_ids.tolist()]
    return np.where(ballot.known >= 0, -1, np.array(stands, dtype=np.int32)).astype(np.int32)


def _line(name: str, ballot: Ballot, truth: Ints, current: Ints) -> Line:
    started = time.process_time()
    try:
        result = methods.method(name)(ballot.votes, known=ballot.known)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return Line(name, said_of(name), failure=str(error))
    seconds = time.process_time() - started
    return Line(
        name,
        said_of(name),
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
