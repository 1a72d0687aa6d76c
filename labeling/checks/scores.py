"""How right the labels are, measured on tasks whose known label no method has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import Count, F, Q

from labeling import arrays
from labeling.models import Annotator, Batch, Belief, Decision, Question, Vote
from labeling.truth import majority_vote


@dataclass(frozen=True, slots=True)
class Scores:
    """Shares of right labels over `checked` tasks; None where nothing can be checked.

    `commonest_accuracy`: of always giving the commonest known label.
    """

    checked: int
    accuracy: float | None
    majority_accuracy: float | None
    best_single_accuracy: float | None
    best_single: str = ""
    commonest: str = ""
    commonest_accuracy: float | None = None


def score(batch: Batch, question: Question | None = None) -> Scores:
    """Score the labels, the plain majority (ties shared) and the best single model of the crowd.

    `question`: of those with one label; the project's first one unless another is named.
    """
    asked = question or batch.project.first_question
    ballot = arrays.load(batch, asked, fractional=False, settled=False)
    places = {label.pk: place for place, label in enumerate(ballot.labels)}
    gold_of = dict(batch.tasks.about(asked).scorable().values_list("pk", "gold_id"))
    gold = np.array([places[gold_of[pk]] if pk in gold_of else -1 for pk in ballot.task_ids.tolist()], dtype=np.int32)
    checked = np.flatnonzero(gold >= 0)
    if not len(checked):
        return Scores(0, None, None, None)
    final = _labels(asked, batch, places)
    label = np.array([final.get(pk, -1) for pk in ballot.task_ids.tolist()], dtype=np.int32)
    majority = majority_vote.infer(ballot.votes).belief
    shared = np.isclose(majority, majority.max(axis=1, keepdims=True))
    credit = (shared[checked, gold[checked]] / shared[checked].sum(axis=1)).mean()
    best, name = _best_single(batch, asked, len(checked))
    right = (label[checked] == gold[checked]).mean()
    counts = np.bincount(gold[checked], minlength=len(ballot.labels))
    common = ballot.labels[int(counts.argmax())].name
    return Scores(len(checked), float(right), float(credit), best, name, common, float(counts.max() / len(checked)))


def _labels(asked: Question, batch: Batch, places: dict[int, int]) -> dict[int, int]:
    """The label of each task as it stands: the final one, else the most believed."""
    believed = Belief.objects.filter(task__batch=batch, task__question=asked).values_list("task_id", "label_id")
    final = (
        Decision.objects.current().filter(task__batch=batch, task__question=asked).values_list("task_id", "label_id")
    )
    return {task: places[label] for task, label in [*believed, *final]}


def _best_single(batch: Batch, asked: Question, checked: int) -> tuple[float | None, str]:
    """The free model with most right answers over the checked tasks; an abstention is not right."""
    tasks = batch.tasks.about(asked).scorable()
    votes = Vote.objects.current().filter(task__in=tasks, annotator__kind=Annotator.Kind.MODEL)
    right = votes.values("annotator__name").annotate(n=Count("pk", filter=Q(label=F("task__gold")))).order_by("-n")
    best = right.first()
    return (best["n"] / checked, best["annotator__name"]) if best else (None, "")
