"""Who agrees with whom in a batch: people, models, people with the crowd, and every pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import F

from labeling.models import Annotator, Batch, Question, Vote
from labeling.reports.drawing.heat import Heat, lower_triangle
from labeling.reports.drawing.scales import PLAIN, Scale, spanning
from labeling.reports.estimates import MINIMUM, Measured, beyond_chance
from labeling.truth import agreement, cohen
from labeling.truth.agreement import Agreement, Coefficient
from labeling.truth.votes import Bools, Ints, Votes

MOST_TASKS = 5000
MOST_PAIRED = 12
Kind = Annotator.Kind


@dataclass(frozen=True, slots=True)
class Cast:
    """Votes with a label on a batch, or on an even sample of its tasks, as arrays of shape (V,) with their names."""

    votes: Votes
    annotators: tuple[Annotator, ...]
    tasks: int
    sampled: bool

    def by(self, *kinds: str) -> Bools:
        """Which votes come from annotators of these kinds, shape (V,)."""
        of_kind = np.array([one.kind in kinds for one in self.annotators], dtype=np.bool_)
        which: Bools = of_kind[self.votes.annotator]
        return which


def load(batch: Batch, question: Question) -> Cast:
    """The current votes about a question; from every k-th task where the batch has more than 5,000."""
    every = -(-max(batch.rows_new, 1) // MOST_TASKS)
    about = Vote.objects.current().filter(task__batch=batch, task__question=question)
    votes = about.filter(label__isnull=False).order_by("pk")
    if every > 1:
        votes = votes.annotate(left=F("task__instance__position") % every).filter(left=0)
    latest = {
        (task, who): label for task, who, label in votes.values_list("task_id", "annotator_id", "label_id").iterator()
    }
    annotators = tuple(batch.project.annotators.all())
    places = {label.pk: place for place, label in enumerate(question.label_list())}
    return _arrays(latest, annotators, places, every)


def _arrays(
    latest: dict[tuple[int, int], int], annotators: tuple[Annotator, ...], labels: dict[int, int], every: int
) -> Cast:
    column = {annotator.pk: place for place, annotator in enumerate(annotators)}
    tasks = {pk: place for place, pk in enumerate(dict.fromkeys(task for task, _ in latest))}
    entries = [(tasks[task], column[who], labels[label]) for (task, who), label in latest.items()]
    table = np.array(entries, dtype=np.int32).reshape(-1, 3)
    votes = Votes(table[:, 0], table[:, 1], table[:, 2], len(tasks), len(annotators), len(labels))
    return Cast(votes, annotators, len(tasks), every > 1)


def only(votes: Votes, keep: Bools) -> Votes:
    """The same tasks and annotators with some of the votes."""
    sizes = votes.n_tasks, votes.n_annotators, votes.n_labels
    return Votes(votes.task[keep], votes.annotator[keep], votes.label[keep], *sizes)


@dataclass(frozen=True, slots=True)
class Measure:
    """One coefficient for people and for models; `unit` is percent or plain."""

    name: str
    unit: str
    people: Measured
    models: Measured

    @property
    def pairs(self) -> list[tuple[str, Measured]]:
        return [("person", self.people), ("model", self.models)]


@dataclass(frozen=True, slots=True)
class Together:
    """What the page says about agreement. `against`: people's answers against the plain majority of the models."""

    measures: tuple[Measure, ...]
    people_tasks: int
    model_tasks: int
    note: str
    against_raw: Measured
    against_alpha: Measured
    against_tasks: int
    commonest: str
    commonest_share: float
    pairs: Heat | None
    tasks: int
    sampled: bool

    @property
    def scale(self) -> Scale:
        return spanning((one for row in self.measures for _, one in row.pairs), unit=PLAIN)


def together(batch: Batch, question: Question | None = None) -> Together | None:
    """Agreement of people, of models and between both, with intervals; None where nobody has voted.

    About a question of one label, the project's first one unless another is named.
    """
    question = question or batch.project.first_question
    cast = load(batch, question)
    if not cast.tasks:
        return None
    people = agreement.summarise(only(cast.votes, cast.by(Kind.PERSON)))
    models = agreement.summarise(only(cast.votes, cast.by(Kind.MODEL, Kind.PAID)))
    against = agreement.summarise(people_and_crowd(cast))
    top = int(models.prevalence.argmax())
    return Together(
        tuple(_measures(people, models)),
        people.tasks,
        models.tasks,
        models.fleiss.note or people.fleiss.note or "",
        _measured(against.raw),
        _measured(against.alpha),
        against.tasks,
        question.label_list()[top].name,
        float(models.prevalence[top]),
        pairs(cast),
        cast.tasks,
        cast.sampled,
    )


def _measures(people: Agreement, models: Agreement) -> list[Measure]:
    named = [("Raw agreement", "percent", "raw"), ("Krippendorff’s α", "plain", "alpha")]
    named += [("Gwet’s AC1", "plain", "ac1"), ("Fleiss’ κ", "plain", "fleiss")]
    return [
        Measure(name, unit, _measured(getattr(people, field)), _measured(getattr(models, field)))
        for name, unit, field in named
    ]


def _measured(found: Coefficient) -> Measured:
    return Measured(found.value, found.low, found.high, found.low is not None, found.undefined or "")


def people_and_crowd(cast: Cast) -> Votes:
    """Two annotators: the majority of the people and the plain majority of the models; ties do not vote."""
    sides = [_majority(only(cast.votes, cast.by(*kinds))) for kinds in ((Kind.PERSON,), (Kind.MODEL,))]
    task = np.concatenate([task for task, _ in sides]).astype(np.int32)
    label = np.concatenate([label for _, label in sides]).astype(np.int32)
    side = np.repeat(np.arange(2, dtype=np.int32), [len(one) for one, _ in sides])
    return Votes(task, side, label, cast.tasks, 2, cast.votes.n_labels)


def _majority(votes: Votes) -> tuple[Ints, Ints]:
    """Tasks with one most frequent label, and that label."""
    counts = agreement.label_table(votes)
    best = counts.max(axis=1, initial=0)
    clear = np.flatnonzero((best > 0) & ((counts == best[:, None]).sum(axis=1) == 1))
    return clear.astype(np.int32), counts[clear].argmax(axis=1).astype(np.int32)


def pairs(cast: Cast) -> Heat | None:
    """Cohen's kappa between the annotators with most votes, people first, at most twelve."""
    chosen = busiest(cast)
    if len(chosen) < 2:
        return None
    place = np.full(len(cast.annotators), -1, dtype=np.int32)
    place[chosen] = np.arange(len(chosen))
    kept = place[cast.votes.annotator] >= 0
    votes = only(cast.votes, kept)
    found = cohen.pairwise(
        Votes(votes.task, place[votes.annotator], votes.label, votes.n_tasks, len(chosen), votes.n_labels)
    )
    at = {pair: i for i, pair in enumerate(zip(found.second.tolist(), found.first.tolist(), strict=True))}
    names = [cast.annotators[one] for one in chosen]
    return lower_triangle(names, lambda row, column: kappa_of(found, at.get((row, column))), low=0.3)


def busiest(cast: Cast) -> Sequence[int]:
    """Indexes of the annotators with most votes, ordered by kind: people, experts, paid models, models."""
    order = [Kind.PERSON, Kind.EXPERT, Kind.PAID, Kind.MODEL]
    n = np.bincount(cast.votes.annotator, minlength=len(cast.annotators))
    most = sorted(np.flatnonzero(n).tolist(), key=lambda one: -n[one])[:MOST_PAIRED]
    return sorted(most, key=lambda one: (order.index(Kind(cast.annotators[one].kind)), one))


def kappa_of(found: cohen.Pairs, place: int | None) -> Measured | None:
    """Kappa of one pair; not estimable below 30 shared tasks."""
    if place is None:
        return None
    n, raw, kappa = int(found.n[place]), float(found.raw[place]), float(found.kappa[place])
    if n < MINIMUM or np.isnan(kappa):
        return Measured(None, estimable=False, reason=f"{n} shared tasks" if n < MINIMUM else "one label only")
    chance = 0.0 if kappa == 1 else 1 - (1 - raw) / (1 - kappa)
    return beyond_chance(raw, n, chance)
