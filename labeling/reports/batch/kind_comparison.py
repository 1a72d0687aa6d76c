"""Every method of a kind on the answers of one batch, and the plain rules it is to beat, side by side."""

from __future__ import annotations

import time

import numpy as np

from labeling.kinds.base import Opinion
from labeling.reports.batch.kind_ground import Ground
from labeling.reports.batch.method_lines import NOTHING, Line, said_of
from labeling.reports.estimates import MINIMUM, Commonest, Measured, share
from labeling.truth import calibration
from labeling.truth.votes import Bools

RESAMPLES = 100


def lines(ground: Ground, names: tuple[str, ...]) -> list[Line]:
    """A line for each of these methods, and for each plain rule that is no method."""
    plain = ground.question.answers.baselines(ground.table)
    rules = [
        Line(name, said_of(name), _right(ground, answers), NOTHING, _agrees(ground, answers), seconds=0.0)
        for name, answers in plain.items()
        if name not in ground.question.answers.methods
    ]
    return [*(line(ground, name) for name in names), *rules]


def line(ground: Ground, name: str) -> Line:
    """One method; learned from what the file knows alone."""
    started = time.process_time()
    try:
        found = ground.question.answers.infer(ground.table, name, ground.known, 0)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return Line(name, said_of(name), failure=str(error))
    seconds = time.process_time() - started
    return Line(
        name,
        said_of(name),
        _right(ground, found.answers),
        _error(ground, found),
        _agrees(ground, found.answers),
        found.iterations,
        found.converged,
        seconds,
    )


def commonest(ground: Ground) -> Commonest | None:
    """The commonest of the checked answers, and what always giving it gets right."""
    known = ground.truth[ground.truth >= 0]
    if not len(known):
        return None
    counts = np.bincount(known)
    if not ground.found.numbers.fits_all(int(counts.argmax())):
        return None
    return Commonest(ground.found.numbers.words(int(counts.argmax())), float(counts.max() / len(known)))


def _right(ground: Ground, answers: object) -> Measured:
    right = ground.right(answers)  # type: ignore[arg-type]
    return share(float(right.sum()), float(len(right)))


def _agrees(ground: Ground, answers: object) -> Measured:
    """How often the answer is the one that stands, where none is known."""
    where = ground.stands >= 0
    same = ground.numbers(answers)[where] == ground.stands[where]  # type: ignore[arg-type]
    return share(float(same.sum()), float(where.sum()))


def _error(ground: Ground, found: Opinion) -> Measured:
    """The expected calibration error of the chance that all is right, plus and minus 1.96 bootstrap standard errors."""
    where, right = np.flatnonzero(ground.truth >= 0), ground.right(found.answers)
    sure = found.confidence[where]
    if len(where) < MINIMUM or np.isnan(sure).any():
        reason = f"{len(where)} of {MINIMUM} checked" if len(where) < MINIMUM else "it tells no chance to be right"
        return Measured(None, estimable=False, reason=reason)
    bins = max(1, min(10, len(where) // 30))
    draws = np.random.default_rng(0).integers(0, len(where), (RESAMPLES, len(where)))
    value, *others = (_gap(sure[at], right[at], bins) for at in (np.arange(len(where)), *draws))
    half = 1.96 * float(np.std(others))
    return Measured(value, max(value - half, 0.0), min(value + half, 1.0))


def _gap(sure: np.ndarray, right: Bools, bins: int) -> float:
    return calibration.expected_calibration_error(sure[:, None], (~right).astype(np.int32), bins=bins)
