"""Models of a crowd that err together, so that their agreement is not taken for independent opinions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.core.cache import cache

from labeling.models import Batch, Belief, Vote
from labeling.truth.correlation import excess_agreement, families
from labeling.truth.votes import Floats, Votes

SAMPLE = 2000
CACHED_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Kin:
    """The family of each model that has one, by annotator key, and how much each pair errs together, 0 to 1."""

    family: dict[int, int]
    excess: dict[tuple[int, int], float]

    def worth(self, models: list[int]) -> float:
        """How many independent votes these models of one family are worth: between 1 and their number."""
        return sum(1 / sum(self.excess.get((one, other), 0.0) for other in models) for one in models)


def kin(batch: Batch) -> Kin:
    """Families of models that agree beyond their skill, measured on the batch's latest weighed tasks.

    Kept for ten minutes per round, so that no page waits for it twice.
    """
    latest = batch.rounds.order_by("-pk").values_list("pk", flat=True).first() or 0
    key = f"kin.{batch.pk}.{latest}"
    found: Kin | None = cache.get(key)
    if found is None:
        found = _measure(batch)
        cache.set(key, found, CACHED_SECONDS)
    return found


def _measure(batch: Batch) -> Kin:
    weighed = Belief.objects.filter(task__batch=batch).order_by("-pk").values_list("task", "probabilities")
    beliefs = dict(weighed[:SAMPLE])
    models, votes = _votes(batch, list(beliefs))
    if len(models) < 2:
        return Kin({}, {})
    excess = excess_agreement(votes, np.array(list(beliefs.values()), dtype=np.float64))
    return _kin(models, excess)


def _kin(models: list[int], excess: Floats) -> Kin:
    groups = families(excess)
    related = np.flatnonzero(np.bincount(groups)[groups] > 1).tolist()
    known = np.clip(np.nan_to_num(excess), 0, 1)
    pairs = {(models[i], models[j]): float(known[i, j]) for i in related for j in related if groups[i] == groups[j]}
    return Kin({models[i]: int(groups[i]) for i in related}, pairs)


def _votes(batch: Batch, task_ids: list[int]) -> tuple[list[int], Votes]:
    """The models that voted on these tasks, and their votes with a label as arrays in that order."""
    cast = Vote.objects.current().of_machines().filter(task__batch=batch, task__in=task_ids, label__isnull=False)
    rows = cast.order_by("pk").values_list("task", "annotator", "label")
    newest = {(task, annotator): label for task, annotator, label in rows}
    place = {task: i for i, task in enumerate(task_ids)}
    labels = {label.pk: k for k, label in enumerate(batch.project.label_list())}
    models = sorted({annotator for _, annotator in newest})
    column = {annotator: j for j, annotator in enumerate(models)}
    entries = [(place[task], column[annotator], labels[label]) for (task, annotator), label in newest.items()]
    task, voter, label = np.array(entries, dtype=np.int32).reshape(-1, 3).T
    return models, Votes(task.copy(), voter.copy(), label.copy(), len(task_ids), len(models), len(labels))
