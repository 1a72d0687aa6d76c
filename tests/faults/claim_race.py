"""Sixteen people race for four hundred questions: each question is answered once, by one of them.

    python tests/faults/claim_race.py [--people 16] [--tasks 400] [--seed 0]        (DATABASE_URL for PostgreSQL)

Prints one JSON line: `duplicate` questions that were on two desks at once, `lost` questions without a decision.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.scratch import engine, scratch_database


def work(name: str, seed: int, project_id: int, start: Any, results: Any) -> None:
    """One person: claim, sometimes skip, answer, sometimes send the same answer twice, until nothing waits."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    from labeling.models import Annotator, Project
    from reviewers.queue import answering, claiming

    chance, project = random.Random(seed), Project.objects.get(pk=project_id)
    annotator = Annotator.of(project, User.objects.get(username=name), "person")
    label = project.label_list()[0]
    start.wait()
    answered, errors = 0, []
    while (held := claiming.claim(annotator)) is not None:
        try:
            if chance.random() < 0.1:
                answering.skip(held)
                continue
            key = uuid.uuid4()
            for _ in range(2 if chance.random() < 0.2 else 1):
                answering.submit(held, label, key, seconds=1)
            answered += 1
        except Exception as error:  # every error counts, whatever its kind
            errors.append(repr(error))
            if len(errors) > 5:
                break
    results.put((answered, errors))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=16)
    arguments.add_argument("--tasks", type=int, default=400)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    with scratch_database():
        found = race(chosen.people, chosen.tasks, chosen.seed)
        print(json.dumps({"fault": "claim_race", "seed": chosen.seed, **found}), flush=True)
    return 1 if found["duplicate"] or found["lost"] or found["errors"] else 0


def race(people: int, tasks: int, seed: int) -> dict[str, Any]:
    """Set the queue up, let the people loose, count."""
    from django.contrib.auth.models import User
    from django.db import connections
    from django.db.models import Count

    from labeling.models import Batch, Decision, Escalation, Label, Project, Vote
    from reviewers.models import Assignment
    from tests.tasks import put_tasks

    project = Project.objects.create(name="race", slug="race")
    for position, name in enumerate(("yes", "no")):
        Label.objects.create(question=project.first_question, position=position, name=name)
    batch = Batch.objects.create(project=project, name="race", stage="reviewing", rows_read=tasks, rows_new=tasks)
    made = put_tasks(batch, ({"position": n} for n in range(tasks)))
    Escalation.objects.bulk_create(Escalation(task=task, to="person", reason="uncertain", why="Torn.") for task in made)
    names = [f"person{n}" for n in range(people)]
    User.objects.bulk_create(User(username=name) for name in names)
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    workers = [
        context.Process(target=work, args=(name, seed * 1000 + n, project.pk, start, results))
        for n, name in enumerate(names)
    ]
    for worker in workers:
        worker.start()
    began = time.monotonic()
    start.set()
    seen = [results.get(timeout=900) for _ in workers]
    for worker in workers:
        worker.join()
    answered = Assignment.objects.filter(state="answered").values("escalation").annotate(n=Count("pk"))
    votes = Vote.objects.current().values("task").annotate(n=Count("pk"))
    return {
        "engine": engine(),
        "people": people,
        "tasks": tasks,
        "answered": sum(count for count, _ in seen),
        "duplicate": sum(1 for row in [*answered, *votes] if row["n"] > 1),
        "lost": tasks - Decision.objects.current().count(),
        "errors": [error for _, errors in seen for error in errors][:5],
        "seconds": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
