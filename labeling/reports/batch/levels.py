"""How right all labels would be, were all settled now, and at each round of a batch, for what was spent till then.

All tasks outside the validation slice count: those that still wait by their likeliest label, so that nothing jumps when
they are settled. Settled and waiting tasks are two strata; random checks reach only the settled ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Min
from numpy.typing import NDArray

from labeling import arrays
from labeling.checks import results
from labeling.checks.results import Checked, Numbers
from labeling.models import Annotator, Batch, Project, Question, Round, Task, Vote
from labeling.models.task import TaskQuerySet
from labeling.reports.batch.comparison import SLOW
from labeling.reports.drawing.curves import Spot
from labeling.reports.estimates import MINIMUM, Measured, limits, share
from labeling.rounds import relabelers
from labeling.truth import methods
from labeling.truth.votes import Bools, Floats, Ints

MICRO = 1_000_000
MOST_TASKS = 20_000
FEWEST = 5
"""With fewer checked tasks than this in a stratum, nobody can say how right its labels are."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The checked tasks, arrays of shape (n,), and how many tasks they stand for.

    `alone`, `final`: the label by the models of the crowd alone, and now. `bought`: key of the first bought vote.
    `waits`: not settled yet. `settled`, `waiting`: the sizes of both strata.
    """

    alone: Ints
    final: Ints
    bought: NDArray[np.int64]
    truth: Ints
    waits: Bools
    settled: int
    waiting: int

    def right(self, up_to_vote: int) -> Bools:
        """Which labels were right when votes up to this key were there."""
        had = self.bought <= up_to_vote
        correct: Bools = np.where(had, self.final, self.alone) == self.truth
        return correct


def levels(batch: Batch, turns: Sequence[Round], spent: int) -> tuple[Spot, ...]:
    """One spot for each amount of money; empty with too few checks or too many tasks.

    Until the first answer was bought about a task its label counts as the models of the crowd alone have it, from then
    on as it stands now. `turns`: rounds of one question. `spent`: micro-dollars.
    """
    if batch.rows_new > MOST_TASKS or not turns or not turns[0].question.votes_are_enough:
        return ()
    sample = _sample(batch, turns[0].question)
    if sample is None:
        return ()
    then = [(int(turn.parameters["forecast"]["spent_before"]), int(turn.parameters["up_to_vote"])) for turn in turns]
    ends = [*then, (spent, np.iinfo(np.int64).max)]
    spots = {money: _spot(money, sample.right(vote), sample) for money, vote in ends}
    return tuple(spots.values())


def _spot(money: int, right: Bools, sample: Sample) -> Spot:
    if not sample.waiting:
        told = share(float(right.sum()), float(len(right)))
        return Spot(money / MICRO, told.value, told.low, told.high)
    hits = np.array([right[~sample.waits].sum(), right[sample.waits].sum()], dtype=np.float64)
    checks = np.array([(~sample.waits).sum(), sample.waits.sum()], dtype=np.float64)
    told = _over_strata(hits, checks, np.array([sample.settled, sample.waiting], dtype=np.float64))
    return Spot(money / MICRO, told.value, told.low, told.high)


def _over_strata(hits: Floats, checks: Floats, sizes: Floats) -> Measured:
    """The share right over strata of these sizes, with Wilson's interval for as many checks as a simple sample needs.

    `hits` of `checks` were right in each, (S,). A stratum without checks must be empty.
    """
    part = sizes / sizes.sum()
    rate = float(part @ (hits / np.maximum(checks, 1)))
    smooth = (hits + 1) / (checks + 2)
    variance = float(part**2 @ (smooth * (1 - smooth) / np.maximum(checks, 1)))
    middle = float(part @ smooth)
    return Measured(rate, *limits(rate, middle * (1 - middle) / variance))


def settled(found: Checked) -> Measured:
    """How right the settled labels are: the number that the pages call right."""
    hits, checks = _effective(found)
    enough = int(found.checks.sum()) >= MINIMUM
    reason = "" if enough else f"{int(found.checks.sum())} of {MINIMUM} checked"
    return share(hits, checks, minimum=0) if enough else Measured(None, estimable=False, reason=reason)


def now(question: Question) -> Measured:
    """How right all answers to a question would be, were its waiting tasks settled by their likeliest answer."""
    found = results.load(question.project, question=question)
    waiting = _waiting(question.project, found.numbers)
    open_tasks = _waiting_tasks(question.project, question).count()
    if not open_tasks:
        return settled(found)
    if not _enough(len(found.task), int(found.checks.sum()), open_tasks, len(waiting)):
        return Measured(None, estimable=False, reason="too few checks")
    rightly = sum(likeliest == gold for _, likeliest, gold in waiting)
    hits, checks = np.array([_effective(found), (rightly, len(waiting))], dtype=np.float64).T
    return _over_strata(hits, checks, np.array([len(found.task), open_tasks], dtype=np.float64))


def _effective(found: Checked) -> tuple[float, float]:
    """Of how many checks of equal weight how many were right, to know as much as the weighted ones tell.

    From the linearised variance of the weighted mean, as every share of checks on the pages; Kish's number where all
    checks agree.
    """
    weight, right = found.weight[found.checks], found.right[found.checks].astype(np.float64)
    if not len(weight):
        return 0.0, 0.0
    mean = float(weight @ right / weight.sum())
    spread, variance = float(weight @ (right - mean) ** 2), float(((weight * (right - mean)) ** 2).sum())
    total, squares = float(weight.sum()), float((weight**2).sum())
    checks = min(spread * total / variance if spread > 0 else total**2 / squares, float(len(weight)))
    return checks * mean, checks


def _enough(settled: int, settled_checks: int, waiting: int, waiting_checks: int) -> bool:
    """Whether there are 30 checks, and some in each stratum that is not empty."""
    few = (settled and settled_checks < FEWEST) or (waiting and waiting_checks < FEWEST)
    return settled_checks + waiting_checks >= MINIMUM and not few


def _sample(batch: Batch, asked: Question) -> Sample | None:
    """The checked tasks; None with fewer than 30, or where a stratum that is not empty has too few to stand for it."""
    found = results.load(batch, question=asked)
    waiting = _waiting(batch, found.numbers)
    open_tasks, n_settled = _waiting_tasks(batch, asked).count(), int(found.checks.sum())
    if not _enough(len(found.task), n_settled, open_tasks, len(waiting)):
        return None
    tasks = np.concatenate([found.task[found.checks], np.array([task for task, _, _ in waiting], dtype=np.int64)])
    final = [*found.label[found.checks], *(likeliest for _, likeliest, _ in waiting)]
    truth = [*found.truth[found.checks], *(gold for _, _, gold in waiting)]
    return Sample(
        _crowds_own(batch, asked, tasks),
        np.array(final, dtype=np.int32),
        _first_bought(batch, tasks),
        np.array(truth, dtype=np.int32),
        np.arange(len(tasks)) >= n_settled,
        len(found.task),
        open_tasks,
    )


def _waiting_tasks(scope: Batch | Project, question: Question) -> TaskQuerySet:
    """Weighed tasks about a question without a final answer, outside the validation slice."""
    mine = scope.tasks.filter(question=question).exclude(slice=Task.Slice.VALIDATION)
    return mine.undecided().filter(belief__isnull=False)


def _waiting(scope: Batch | Project, numbers: Numbers) -> list[tuple[int, int, int]]:
    """(task, likeliest answer, known answer) of each task that waits and whose known answer no method learns from."""
    known = _waiting_tasks(scope, numbers.question).scorable().order_by("pk")
    rows = known.values_list("pk", "belief__label_id", "belief__marks", "gold_id", "gold_marks")
    return [(pk, numbers.of(likeliest, marks), numbers.of(gold, of)) for pk, likeliest, marks, gold, of in rows]


def _crowds_own(batch: Batch, asked: Question, tasks: NDArray[np.int64]) -> Ints:
    """The labels of these tasks by the votes of the models that cost nothing."""
    ballot = arrays.load(batch, asked, settled=False)
    place = {int(task): index for index, task in enumerate(ballot.task_ids)}
    name = "auto" if batch.project.aggregator in SLOW else batch.project.aggregator
    crowd = methods.method(name)(relabelers.crowd_votes(ballot), known=ballot.known, seed=batch.seed)
    own: Ints = crowd.labels()[np.array([place[int(task)] for task in tasks], dtype=np.int64)]
    return own


def _first_bought(batch: Batch, tasks: NDArray[np.int64]) -> NDArray[np.int64]:
    never = np.iinfo(np.int64).max
    first = dict(_bought(batch))
    return np.array([first.get(int(task), never) for task in tasks], dtype=np.int64)


def _bought(batch: Batch) -> Iterator[tuple[int, int]]:
    """By task, the key of the first vote that was asked for: of a paid model, a person or an expert."""
    kinds = [Annotator.Kind.PAID, Annotator.Kind.PERSON, Annotator.Kind.EXPERT]
    votes = Vote.objects.filter(task__batch=batch, annotator__kind__in=kinds).values_list("task")
    yield from votes.annotate(first=Min("pk")).order_by()
