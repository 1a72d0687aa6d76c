"""What the labels did cost and how right they are, against one paid model on everything, or people on everything."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Avg, F, Q

from labeling.checks import draws, results
from labeling.models import Annotator, Decision, Project, Reservation, Task, Vote
from labeling.models.vote import VoteQuerySet
from labeling.reports import kept
from labeling.reports.batch import levels
from labeling.reports.drawing.scales import Scale, spanning
from labeling.reports.estimates import Measured, share
from labeling.reports.money import bills
from labeling.rounds import relabelers

MICRO = 1_000_000
UNKNOWN = Measured(None, estimable=False)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to get the same labels. `spent`: micro-dollars, None where no price is known; `each`: dollars for one
    right label, with the interval of the accuracy; `each_decided`: for one label, right or wrong."""

    kind: str
    name: str
    about: str
    right: Measured
    spent: int | None
    each: Measured
    each_decided: float | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """Concord's own way first. `labels`: how many labels each of them is reckoned for, answers to `question`."""

    ways: tuple[Way, ...]
    labels: int
    question: str = ""

    @property
    def scale(self) -> Scale:
        return spanning(way.right for way in self.ways)


def ways(project: Project) -> Ways:
    """The comparison, kept while nothing changes."""
    return ways_and_wait(project)[0]


def ways_and_wait(project: Project) -> tuple[Ways, int]:
    """The comparison, and in how many seconds one of what has happened since is to be had; 0 where it is current."""
    spent = bills.meter(project).spent
    name = f"ways.{project.pk}.{project.created_at.timestamp()}"
    version = (kept.version(), spent, project.wage_microdollars_per_hour)
    return kept.keep_and_tell(name, version, lambda: _ways(project, spent))


def _ways(project: Project, spent: int) -> Ways:
    asked = project.first_question
    settled = Decision.objects.current().filter(task__project=project, task__question=asked)
    several = project.questions.count() > 1
    spent = sum(line.spent for line in bills.by_kind(project, asked)) if several else spent
    labels = settled.exclude(task__slice=Task.Slice.VALIDATION).count()
    ours = _way(
        "crowd",
        "Concord, as it went",
        "models, paid models and people together",
        levels.settled(results.load(project)),
        spent,
        labels,
    )
    paid = [_paid(one, labels) for one in project.annotators.filter(kind=Annotator.Kind.PAID).order_by("pk")]
    ways = (ours, *[way for way in paid if way], *_people(project, labels))
    return Ways(ways, labels, asked.wording if several else "")


def _way(kind: str, name: str, about: str, right: Measured, spent: int | None, labels: int) -> Way:
    decided = spent / MICRO / labels if spent is not None and labels else None
    return Way(kind, name, about, right, spent, each_right(spent, labels, right), decided)


def each_right(spent: int | None, labels: int, right: Measured) -> Measured:
    """Dollars for one right label; a higher accuracy makes it cheaper, so the ends of the interval change places."""
    if spent is None or not labels or not right.estimable or not right.value or not right.low or not right.high:
        return UNKNOWN
    dollars = spent / MICRO / labels
    return Measured(dollars / right.value, dollars / right.high, dollars / right.low)


def _paid(one: Annotator, labels: int) -> Way | None:
    """A paid model on every task, at what its answers cost so far; None where it has not answered yet."""
    votes = Vote.objects.current().answering().filter(annotator=one, task__question=one.project.first_question)
    if not votes.exists():
        return None
    right = _right(votes.filter(task__slice=Task.Slice.VALIDATION))
    price = relabelers.price_of(one)
    about = "its accuracy on known tasks drawn at random"
    return _way("paid", f"{one.name} on everything", about, right, labels * price, labels)


def _people(project: Project, labels: int) -> list[Way]:
    """One person on every task, at what an answer of a person costs on average; nothing where nobody answered."""
    votes = Vote.objects.current().filter(annotator__kind=Annotator.Kind.PERSON, task__question=project.first_question)
    latest = project.batches.first()
    if latest is None or not votes.exists():
        return []
    right = _right(votes)
    booked = Reservation.objects.filter(
        task__project=project, annotator__kind=Annotator.Kind.PERSON, state=Reservation.State.SETTLED
    )
    each = booked.aggregate(mean=Avg("cost_microdollars"))["mean"] or draws.price_of_one(latest, Annotator.Kind.PERSON)
    spent = round(labels * each) if each is not None else None
    about = "one answer a task; their accuracy on known tasks, mostly torn ones"
    return [_way("person", "People on everything", about, right, spent, labels)]


def _right(votes: VoteQuerySet) -> Measured:
    """The share of answers to known tasks that match the known answer."""
    known = votes.answering().exclude(task__gold__isnull=True, task__gold_marks__isnull=True)
    right = known.filter(Q(label=F("task__gold")) | Q(marks=F("task__gold_marks"))).count()
    return share(float(right), float(known.count()), counted="known tasks")
