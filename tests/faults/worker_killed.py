"""A worker is killed (kill -9) in the middle of a batch, again and again: nothing lost, nothing doubled.

    python tests/faults/worker_killed.py [--kills 8] [--tasks 600] [--seed 0]

DATABASE_URL for PostgreSQL, CELERY_BROKER_URL for Celery on RabbitMQ or Redis in place of the queue in the database.

Prints one JSON line: `lost` (task, model) pairs without a vote, `duplicate` pairs with two, and how long it took.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.scratch import ROOT, engine, scratch_database

MODELS = 4
LABELS = ("yes", "no")
PATIENCE = 300


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=8)
    arguments.add_argument("--tasks", type=int, default=600)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    os.environ.update(CONCORD_LEASE_SECONDS="2", CONCORD_CHUNK="16", CONCORD_QUEUE=f"concord-fault-{os.getpid()}")
    with scratch_database() as environment:
        found = run(chosen.kills, chosen.tasks, random.Random(chosen.seed), environment)
        print(json.dumps({"fault": "worker_killed", "seed": chosen.seed, **found}), flush=True)
    return 0 if not found["lost"] and not found["duplicate"] and found["stage"] == "done" else 1


def run(kills: int, tasks: int, chance: random.Random, environment: dict[str, str]) -> dict[str, Any]:
    """Open a batch, kill its worker some times, let it finish, and count."""
    from django.db.models import Count

    from labeling import jobs
    from labeling.models import Batch, Vote

    batch = open_batch(tasks, chance)
    jobs.start(batch)
    began, killed = time.monotonic(), 0
    worker = start_worker(environment)
    while time.monotonic() - began < PATIENCE:
        time.sleep(chance.uniform(0.4, 1.2))
        batch.refresh_from_db()
        if batch.stage == Batch.Stage.DONE or batch.error:
            break
        if killed < kills:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            killed += 1
            worker = start_worker(environment)
        jobs.sweep()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    remove_queue()
    pairs = Vote.objects.values("task", "annotator").annotate(n=Count("pk"))
    return {
        "engine": engine(),
        "queue": "celery" if os.environ.get("CELERY_BROKER_URL") else "database",
        "killed": killed,
        "stage": batch.stage,
        "error": batch.error,
        "votes": Vote.objects.count(),
        "lost": tasks * MODELS - len(pairs),
        "duplicate": sum(1 for pair in pairs if pair["n"] > 1),
        "undecided": batch.tasks.undecided().count(),
        "seconds": round(time.monotonic() - began, 1),
    }


def open_batch(tasks: int, chance: random.Random) -> Any:
    """A batch whose four models repeat recorded votes."""
    from labeling.files import imports
    from labeling.files.rows import Fields
    from labeling.models import Label, Project
    from labeling.money import ledger
    from labeling.people import recruiting

    folder = Path(os.environ["CONCORD_VAR"])
    with (folder / "items.csv").open("w") as items, (folder / "votes.csv").open("w") as votes:
        rows, answers = csv.writer(items), csv.writer(votes)
        rows.writerow(["id", "text", "gold"])
        answers.writerow(["task", "worker", "label"])
        for n in range(tasks):
            truth = chance.choice(LABELS)
            rows.writerow([n, f"text {n}", truth])
            for m in range(MODELS):
                answers.writerow([n, f"m{m}", truth if chance.random() < 0.8 else chance.choice(LABELS)])
    project = Project.objects.create(name="killed", slug="killed", review_share=0, accept_confidence=0)
    for position, name in enumerate(LABELS):
        Label.objects.create(question=project.first_question, position=position, name=name)
    recruiting.add_models(project, [f"replay:{folder}/votes.csv?worker=m{m}" for m in range(MODELS)])
    batch = imports.open_batch(project, str(folder / "items.csv"), Fields(("text",), gold="gold", id="id"))
    ledger.open_purse(batch)
    return batch


def start_worker(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """One worker process, as `make run` starts it."""
    if environment.get("CELERY_BROKER_URL"):
        celery = ["-m", "celery", "-A", "config.celery", "worker", "--pool", "solo", "--loglevel", "ERROR"]
        return subprocess.Popen([sys.executable, *celery], env=environment, cwd=ROOT)
    work = ["db_worker", "--interval", "0.1", "--no-startup-delay", "--no-reload", "--verbosity", "0"]
    return subprocess.Popen([sys.executable, str(ROOT / "manage.py"), *work], env=environment, cwd=ROOT)


def remove_queue() -> None:
    """Leave no queue of this run behind on the broker."""
    if os.environ.get("CELERY_BROKER_URL"):
        from config.celery import app

        with app.connection_for_write() as connection:
            connection.default_channel.queue_delete(app.conf.task_default_queue)


if __name__ == "__main__":
    sys.exit(main())
