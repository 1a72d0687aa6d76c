"""A batch that waits to be weighed, and a model that is good but for one group, whose labels therefore are unfair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labeling.models import Annotator, Batch, Chunk, Instance, Project, Task, Vote
from labeling.money import ledger
from tests.rows import put_in

GROUPS = ("North", "South")


def voted_batch(
    project: Project, tasks: int = 1000, *, skew: float = 0.5, gold: float = 0.8, known: int = 120, seed: int = 3
) -> Batch:
    """`Even` is right on 85% everywhere, `Plain` on 75%; `Skewed` on 99%, but in the South it errs on `skew` of all.

    A share of `gold` of the tasks have a known label; `known` of them teach, the others only score.
    """
    rng, labels = np.random.default_rng(seed), project.label_list()
    facts = {"name": "June", "stage": Batch.Stage.WEIGHING, "attributes": ["Group"], "seed": 1}
    batch = Batch.objects.create(project=project, rows_read=tasks, rows_new=tasks, **facts)
    ledger.open_purse(batch, 1_000_000)
    truth, south = rng.integers(0, len(labels), tasks), rng.random(tasks) < 0.4
    put_in(
        Instance(project=project, batch=batch),
        ("position", "external_id", "digest", "parts", "groups"),
        (
            (n, f"J-{n}", f"june-{n}", [["Text", f"Request {n}"]], {"Group": GROUPS[int(south[n])]})
            for n in range(tasks)
        ),
    )
    told = rng.permutation(tasks)[: int(gold * tasks)]
    teaching = set(told[:known].tolist())
    gold_of = {int(n): labels[truth[n]].pk for n in told}
    instances = batch.instances.order_by("position").values_list("pk", flat=True)
    put_in(
        Task(project=project, batch=batch, question=project.first_question),
        ("instance_id", "position", "gold_id", "slice"),
        ((pk, n, gold_of.get(n), Task.Slice.VALIDATION if n in teaching else "") for n, pk in enumerate(instances)),
    )
    even = _answers(truth, 0.85, len(labels), rng)
    anything = _answers(truth, 0.0, len(labels), rng)
    skewed = np.where(south & (rng.random(tasks) < skew), anything, _answers(truth, 0.99, len(labels), rng))
    _cast(batch, "Plain", _answers(truth, 0.75, len(labels), rng), [label.pk for label in labels])
    _cast(batch, "Even", even, [label.pk for label in labels])
    _cast(batch, "Skewed", skewed, [label.pk for label in labels])
    return batch


def _answers(truth: np.ndarray, right: float, labels: int, rng: np.random.Generator) -> np.ndarray:
    wrong = (truth + rng.integers(1, labels, len(truth))) % labels
    return np.where(rng.random(len(truth)) < right, truth, wrong)


def _cast(batch: Batch, name: str, answers: np.ndarray, labels: Sequence[int]) -> None:
    """The votes of one model, all of which are in."""
    who = Annotator.objects.create(project=batch.project, kind="model", name=name, spec="recorded:votes")
    Annotator.objects.filter(pk=who.pk).update(spec="word_logistic")
    keys = list(batch.tasks.order_by("position").values_list("pk", flat=True))
    put_in(
        Vote(annotator=who, seconds=0.1),
        ("task_id", "label_id"),
        ((pk, labels[int(answer)]) for pk, answer in zip(keys, answers, strict=True)),
    )
    Chunk.objects.create(batch=batch, annotator=who, first=0, last=len(keys) - 1, done_at=batch.created_at)
