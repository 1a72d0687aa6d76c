"""A settled batch with models, people, checks and money, made of rows in a few statements."""

from __future__ import annotations

import random
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from labeling.models import Annotator, Batch, Belief, Decision, Instance, Project, Task, Vote
from labeling.money import ledger
from tests.rows import put_in

GROUPS = ("Harbour", "Old Town")


def settled_batch(project: Project, tasks: int = 120, *, gold_every: int = 2, wrong_every: int = 10) -> Batch:
    """A batch whose tasks the crowd has settled; every `wrong_every`-th label is wrong, gold on every `gold_every`-th.

    Three models: `Alpha` and `Beta` say the settled label, `Gamma` abstains on every tenth and is right otherwise.
    """
    labels = project.label_list()
    batch = Batch.objects.create(
        project=project,
        name="May",
        stage=Batch.Stage.REVIEWING,
        attributes=["Group"],
        rows_read=tasks,
        rows_new=tasks,
    )
    ledger.open_purse(batch, 50_000_000)
    truth = [random.Random(n).randrange(len(labels)) for n in range(tasks)]
    said = [(true + 1) % len(labels) if n % wrong_every == 0 else true for n, true in enumerate(truth)]
    put_in(
        Instance(project=project, batch=batch),
        ("position", "external_id", "digest", "parts", "groups"),
        (
            (n, f"M-{n}", f"may-{n}", [["Text", f"Request number {n}"]], {"Group": GROUPS[(n // 2) % 2]})
            for n in range(tasks)
        ),
    )
    put_in(
        Task(project=project, batch=batch, question=project.first_question, stage=Task.Stage.DECIDED),
        ("instance_id", "position", "gold_id"),
        (
            (instance, n, labels[truth[n]].pk if n % gold_every == 0 else None)
            for n, instance in enumerate(batch.instances.order_by("position").values_list("pk", flat=True))
        ),
    )
    rows = list(Task.objects.filter(batch=batch).order_by("position").values_list("pk", flat=True))
    _votes(project, rows, truth, said)
    put_in(
        Belief(
            base_vote=10**9,
            confidence=0.9,
            entropy=0.4,
            method="auto",
            calibrated=True,
            n_votes=3,
            updated_at=timezone.now(),
        ),
        ("task_id", "label_id", "probabilities", "base"),
        (
            (row, labels[answer].pk, *[_chances(len(labels), answer)] * 2)
            for row, answer in zip(rows, said, strict=True)
        ),
    )
    put_in(
        Decision(decided_by="crowd", confidence=0.9, entropy=0.4),
        ("task_id", "label_id"),
        ((row, labels[answer].pk) for row, answer in zip(rows, said, strict=True)),
    )
    return batch


def _votes(project: Project, rows: list[int], truth: list[int], said: list[int]) -> None:
    labels = [label.pk for label in project.label_list()]
    models = [
        Annotator.objects.get_or_create(project=project, kind="model", name=name, defaults={"spec": "word_logistic"})[0]
        for name in ("Alpha", "Beta", "Gamma")
    ]
    answers: list[Any] = [said, said, [None if n % 10 == 5 else true for n, true in enumerate(truth)]]
    put_in(
        Vote(seconds=0.5),
        ("task_id", "annotator_id", "label_id"),
        (
            (row, model.pk, None if answer is None else labels[answer])
            for model, column in zip(models, answers, strict=True)
            for row, answer in zip(rows, column, strict=True)
        ),
    )


def _chances(labels: int, answer: int) -> list[float]:
    return [0.9 if place == answer else 0.05 for place in range(labels)]


def person(project: Project, name: str, kind: str = "person") -> Annotator:
    return Annotator.of(project, User.objects.get(username=name), kind)


def told(answer: Any) -> str:
    """The page as one line of text."""
    return " ".join(answer.content.decode().split())
