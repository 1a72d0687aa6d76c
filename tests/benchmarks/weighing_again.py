"""What it costs to weigh a batch again after people have answered, beside weighing it for the first time.

`python -m tests.benchmarks.weighing_again [--tasks 100000] [--models 5] [--known 500] [--answers 25] [--times 12]`
CPU seconds of this process: the first weighing, then weighing again after so many answers of people, so often. 25
answers are what the product waits for (`rounds/reviewing.py`). Votes carry probabilities, as those of specialists do;
500 labels are known from the file.

Measured with 100,000 tasks on SQLite, on two busy cores: first 29.5, again .193 of it on average of twelve times (.11
to .25; .43 the one time that half as many labels again were known, when all votes are weighed anew). With 100 answers
each time .21 to .30. Half of it is writing the beliefs that truly moved.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from tests.faults.scratch import scratch_database

LABELS = 4


def main() -> None:
    asked = argparse.ArgumentParser()
    for name, usual in (("tasks", 100_000), ("models", 5), ("known", 500), ("answers", 25), ("times", 12)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    wanted = asked.parse_args()
    with scratch_database():
        run(wanted)


def run(wanted: argparse.Namespace) -> None:
    from labeling.models import Batch
    from labeling.rounds import weighing

    batch, truth = filled(wanted)
    first = timed("first", lambda: weighing.weigh(batch))
    shares = []
    for number in range(wanted.times):
        answer(batch, truth, wanted.answers, number)
        batch = Batch.objects.get(pk=batch.pk)
        again = timed(f"again {number + 1}", lambda: weighing.weigh(batch))  # noqa: B023
        shares.append(again / first)
        print(f"  {shares[-1]:.3f} of the first")
    print(f"on average {np.mean(shares):.3f} of the first")


def timed(what: str, do: Any) -> float:
    started = time.process_time()
    do()
    seconds = time.process_time() - started
    print(f"{what}: {seconds:.2f} CPU seconds", flush=True)
    return seconds


def filled(wanted: argparse.Namespace) -> tuple[Any, Any]:
    """A batch whose models have voted, right on half to four in five; its tasks' true labels, by position."""
    from labeling.models import Annotator, Batch, Label, Project, Vote
    from labeling.money import ledger
    from tests.tasks import put_tasks

    rng = np.random.default_rng(0)
    project = Project.objects.create(name="Large", slug="large", review_share=0.02)
    labels = [
        Label.objects.create(question=project.first_question, position=k, name=f"label {k}") for k in range(LABELS)
    ]
    n = wanted.tasks
    batch = Batch.objects.create(project=project, name="large", stage="weighing", rows_read=n, rows_new=n)
    ledger.open_purse(batch, 0)
    truth = rng.integers(0, LABELS, n)
    tasks = put_tasks(
        batch,
        (
            {"position": i, "gold": labels[truth[i]], "slice": "validation"} if i < wanted.known else {"position": i}
            for i in range(n)
        ),
        batch_size=2000,
    )
    for number in range(wanted.models):
        model = Annotator.objects.create(project=project, kind="model", name=f"model {number}", spec=f"replay:{number}")
        right = 0.5 + 0.3 * number / max(wanted.models - 1, 1)
        scores = rng.normal(0, 1, (n, LABELS))
        scores[np.arange(n), truth] += 4 * right - 1.2
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        said = chances.argmax(axis=1)
        Vote.objects.bulk_create(
            (
                Vote(task=task, annotator=model, label=labels[said[i]], probabilities=np.round(chances[i], 6).tolist())
                for i, task in enumerate(tasks)
            ),
            batch_size=2000,
        )
    return batch, truth


def answer(batch: Any, truth: Any, count: int, number: int) -> None:
    """People answer, right nine times of ten: votes and final labels, as their queue writes them."""
    from django.contrib.auth.models import User

    from labeling.models import Annotator, Decision, Task, Vote

    rng = np.random.default_rng(number)
    labels = batch.project.label_list()
    user, _ = User.objects.get_or_create(username="ann")
    ann = Annotator.of(batch.project, user, "person")
    tasks = list(
        batch.tasks.exclude(slice="validation").filter(votes__annotator__kind="model").distinct().order_by("pk")
    )
    some = tasks[number * count * 2 : (number + 1) * count * 2 : 2]
    for task in some:
        true = int(truth[task.position])
        said = labels[true if rng.random() < 0.9 else (true + 1) % LABELS]
        Vote.objects.create(task=task, annotator=ann, label=said, seconds=5)
        Decision.objects.current().filter(task=task).update(superseded_at=batch.created_at)
        Decision.objects.create(task=task, label=said, decided_by="person", annotator=ann, confidence=0.9, entropy=0.3)
        Task.objects.filter(pk=task.pk).update(stage="decided")


if __name__ == "__main__":
    main()
