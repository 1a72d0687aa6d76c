"""The report of a batch and the four answers of a project: rows to arrays to numbers, ready for the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from fairness import agreeing, agreeing_kinds, groups, quality
from fairness.agreeing import Together
from fairness.exactness import Exactness, exactness
from fairness.groups import Fair
from fairness.intervals import Estimate
from fairness.quality import Calibration, Good
from fairness.spending.of_batch import Spending, spending
from labeling.checks import draws, results
from labeling.models import Annotator, Batch, Project, Question, grouping
from labeling.models.grouping import By
from labeling.reports import kept
from labeling.reports.money import bills
from labeling.reports.money.bills import Line

MICRO = 1_000_000
MORE_CHECKS = 30


@dataclass(frozen=True, slots=True)
class CostLine:
    """One kind on the bill; `each` is the price in dollars of one correct label that this kind settled."""

    line: Line
    each: Estimate


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about a batch that takes time to compute. `check_price`: micro-dollars for one check, or None.
    `to_check`: how many checks a press on the button draws; `pending` wait for an answer already;
    `to_follow` more would be drawn as open tasks are settled."""

    good: Good
    exact: Exactness | None
    fair: Fair | None
    together: Together | None
    calibration: Calibration | None
    costs: tuple[CostLine, ...]
    spending: Spending | None
    check_price: int | None
    to_check: int
    pending: int
    to_follow: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Answers:
    """How good and how fair, for a whole project. `pending`: checks that wait for a person."""

    good: Good
    fair: Fair | None
    pending: int


def report(batch: Batch, question: Question | None = None) -> Report:
    """The report of a batch on a question, kept while nothing changes."""
    return report_and_wait(batch, question=question)[0]


def report_and_wait(batch: Batch, by: By | None = None, question: Question | None = None) -> tuple[Report, int]:
    """The report, and in how many seconds one of what has happened since is to be had; 0 where it is current.

    `by`: the attributes whose groups are compared, else the first one. `question`: else the project's first one.
    """
    by, asked = grouping.chosen(batch) if by is None else by, question or batch.project.first_question
    name = f"{_name('report', batch, asked)}.{grouping.shortened(by)}"
    return kept.keep_and_tell(name, _version(asked), lambda: _report(batch, by, asked))


def answers(project: Project, question: Question | None = None) -> Answers:
    """How good and how fair over all batches of a project, kept while nothing changes."""
    return answers_and_wait(project, question)[0]


def answers_and_wait(project: Project, question: Question | None = None) -> tuple[Answers, int]:
    """The answers, and in how many seconds newer ones are to be had; 0 where they are current."""
    asked = question or project.first_question
    return kept.keep_and_tell(_name("answers", project, asked), _version(asked), lambda: _answers(project, asked))


def _name(what: str, of: Batch | Project, question: Question) -> str:
    return f"{what}.{of.pk}.{of.created_at.timestamp()}.{question.position}"


def _version(question: Question) -> object:
    return kept.version(), tuple(label.name for label in question.label_list())


def _report(batch: Batch, by: By, question: Question) -> Report:
    found = results.load(batch, by, question)
    good, pending = _good(found, batch.project), sum(found.pending.values())
    return Report(
        good,
        exactness(found, batch.seed),
        groups.how_fair(found, batch.seed) if len(found.task) else None,
        _together(batch, question),
        quality.calibration_of(found, batch.seed),
        tuple(_costs(batch, good, question)),
        spending(batch, by, question),
        draws.price_of_one(batch),
        to_check := _to_check(batch, good, pending, question),
        pending,
        _to_follow(batch, to_check, question),
        timezone.now(),
    )


def _together(batch: Batch, question: Question) -> Together | None:
    if question.votes_are_enough:
        return agreeing.together(batch, question)
    return agreeing_kinds.together(batch, question)


def _to_follow(batch: Batch, count: int, question: Question) -> int:
    """How many open tasks would be drawn once they are settled, after `count` more checks."""
    cuts = draws.cuts_for(batch, count, question=question) if count else None
    return draws.to_follow(batch, batch.tasks.undecided(), cuts) if cuts else 0


def _to_check(batch: Batch, good: Good, pending: int, question: Question) -> int:
    """What is missing until the share of right labels can be told, else 30 more; never more than can be drawn."""
    wanted = max(good.needed - pending, 0) if good.needed else MORE_CHECKS
    return min(wanted, draws.could_be_checked(batch, question=question).filter(check_probability=None).count())


def _answers(project: Project, question: Question) -> Answers:
    found = results.load(project, question=question)
    fair = groups.how_fair(found) if len(found.task) else None
    return Answers(_good(found, project), fair, sum(found.pending.values()))


def _good(found: results.Checked, project: Project) -> Good:
    paid = [one.name for one in project.annotators.filter(kind=Annotator.Kind.PAID)]
    return quality.how_good(found, _voting(project), paid)


def _voting(project: Project) -> int:
    """How many free models have cast a vote."""
    return project.annotators.filter(kind=Annotator.Kind.MODEL, votes__isnull=False).distinct().count()


def _costs(batch: Batch, good: Good, question: Question) -> list[CostLine]:
    settled = {row.kind if row.kind != "crowd" else "model": row for row in good.rows}
    return [
        CostLine(line, price_of_a_right_label(line, settled.get(line.kind))) for line in bills.by_kind(batch, question)
    ]


def price_of_a_right_label(line: Line, settled: quality.Settled | None) -> Estimate:
    """Dollars spent on a kind for each right label it settled; the interval is that of its accuracy."""
    if settled is None or not settled.count:
        return Estimate(None, None, None, False, "settled none")
    right = settled.right
    if not right.estimable or not right.value or not right.low or not right.high:
        return Estimate(None, None, None, False, right.reason)
    dollars = line.spent / MICRO / settled.count
    return Estimate(dollars / right.value, dollars / right.high, dollars / right.low)
