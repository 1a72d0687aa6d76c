"""How right the answers to a question are: the one number for "right", agreement, and calibration before and after."""

from __future__ import annotations

import numpy as np
from django.db.models import Min

from fairness import agreeing, agreeing_kinds, quality
from fairness.datasheet.plain import LACKING, Plain, estimate, rounded
from labeling import arrays
from labeling.checks.results import BY, Checked
from labeling.models import Annotator, Batch, Belief, Question, Vote
from labeling.reports.estimates import MINIMUM
from labeling.rounds import relabelers
from labeling.truth import calibration, dawid_skene, majority_vote
from labeling.truth.votes import Floats, Ints

BINS = 10
MOST = 50_000
"""Tasks of a batch whose votes are weighed again to tell calibration before."""
NAMES = {"crowd": "the crowd of models", "paid": "a paid model", "person": "a person", "expert": "an expert"}
Beliefs = dict[int, Floats]


def right(found: Checked) -> Plain:
    """The share of settled answers that match a checked one, all together and by who settled them."""
    told = quality.how_good(found, 0, [])
    base = told.base
    return {
        "share": estimate(told.overall),
        "settled": len(found.task),
        "checks": told.checks,
        "basis": "settled answers outside the slice that methods learn from; checks are known answers no method has "
        "seen and answers to settled tasks drawn at random, weighted by how likely each was drawn",
        "by_who_settled": {
            row.kind: {"settled": row.count, "share": estimate(row.right)}
            for row in sorted(told.rows, key=lambda row: BY.index(row.kind))
        },
        "always_the_commonest": None if base is None else {"answer": base.label, "share": rounded(base.share)},
    }


def agreement(batch: Batch, question: Question) -> Plain:
    """How far people agree, and models, beyond chance."""
    load = agreeing.together if question.votes_are_enough else agreeing_kinds.together
    found = load(batch, question)
    if found is None:
        return {LACKING: "nobody has answered"}
    return {
        "tasks_people_share": found.people_tasks,
        "tasks_models_share": found.model_tasks,
        "sampled": found.sampled,
        "measures": [
            {"name": row.name, "people": estimate(row.people), "models": estimate(row.models)} for row in found.measures
        ],
    }


def calibrated(batch: Batch, question: Question, found: Checked) -> Plain:
    """Expected calibration error and Brier score on the checks, before and after.

    Before: shares of the models' votes, and Dawid-Skene's posterior as it comes. After: the belief that decided, as it
    was before any person had answered. Other kinds than one label keep no belief of before.
    """
    after = _beliefs(found)
    truth = {task: int(true) for task, true in zip(found.task.tolist(), found.truth.tolist(), strict=True) if true >= 0}
    tasks = sorted(after.keys() & truth.keys())
    if len(tasks) < MINIMUM:
        return {LACKING: f"{len(tasks)} of {MINIMUM} checked"}
    right_one = np.array([truth[task] for task in tasks], dtype=np.int32)
    if not question.votes_are_enough:
        return {"checks": len(tasks), "after": {"belief": _of_whole(found, tasks, after)}}
    told: Plain = {"checks": len(tasks), "after": {"belief": _errors(after, tasks, right_one)}}
    if batch.rows_new > MOST:
        return told | {"before": {LACKING: f"the batch has more than {MOST:,} rows"}}
    before = _before(batch, question)
    return told | {"before": {name: _errors(one, tasks, right_one) for name, one in before.items()}}


def _errors(beliefs: Beliefs, tasks: list[int], truth: Ints) -> Plain:
    belief = np.array([beliefs[task] for task in tasks])
    error = calibration.expected_calibration_error(belief, truth, bins=BINS)
    return {"expected_calibration_error": rounded(error), "brier": rounded(calibration.brier(belief, truth).score)}


def _of_whole(found: Checked, tasks: list[int], sure: Beliefs) -> Plain:
    """The same of the chance that a whole answer is right."""
    said = {one: place for place, one in enumerate(found.task.tolist())}
    wrong = np.array([int(not found.right[said[task]]) for task in tasks], dtype=np.int32)
    chance = np.array([float(sure[task][0]) for task in tasks]).reshape(-1, 1)
    error = calibration.expected_calibration_error(chance, wrong, bins=BINS)
    brier = float(((chance[:, 0] - (wrong == 0)) ** 2).mean())
    return {"expected_calibration_error": rounded(error), "brier": rounded(brier)}


def _beliefs(found: Checked) -> Beliefs:
    """By task, what models alone had believed; of other kinds than one label the chance of the whole answer, (1,)."""
    tasks = found.task[found.checks].tolist()
    kinds = [Annotator.Kind.PERSON, Annotator.Kind.EXPERT]
    people = Vote.objects.filter(task__in=tasks, annotator__kind__in=kinds).values_list("task")
    first = dict(people.annotate(Min("pk")).order_by())
    rows = Belief.objects.filter(task__in=tasks).values_list("task_id", "base", "confidence", "base_vote")
    whole = not found.question.votes_are_enough
    return {
        task: np.array([sure] if whole else base, dtype=np.float64)
        for task, base, sure, newest in rows.iterator(2000)
        if newest < first.get(task, newest + 1)
    }


def _before(batch: Batch, question: Question) -> dict[str, Beliefs]:
    ballot = arrays.load(batch, question, settled=False)
    votes = relabelers.crowd_votes(ballot)
    views = {
        "shares_of_votes": majority_vote.infer(votes).belief,
        "dawid_skene_as_it_comes": dawid_skene.infer(votes).belief,
    }
    return {name: dict(zip(ballot.task_ids.tolist(), belief, strict=True)) for name, belief in views.items()}
