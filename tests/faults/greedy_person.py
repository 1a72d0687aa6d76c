"""One person sends thirty-two requests at once, for the page and for single cases: no more than ten lie on their desk.

    python tests/faults/greedy_person.py [--requests 32] [--tasks 60]        (DATABASE_URL for PostgreSQL)

Prints one JSON line: `held` questions on the desk, `held_microdollars` of pay, `most` that may be held.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.scratch import engine, scratch_database

WAGE = 18_000_000


def ask(project_id: int, turns: int, start: Any, results: Any) -> None:
    """One process of the web: look at the page, and give a sign of work on every card it showed."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    from labeling.models import Annotator, Project
    from reviewers.queue import claiming, holding

    project = Project.objects.get(pk=project_id)
    annotator = Annotator.of(project, User.objects.get(username="greedy"), "person")
    start.wait()
    errors = []
    for _ in range(turns):
        try:
            for held in claiming.hand_out(annotator, ahead=holding.AHEAD):
                holding.work_on(held)
        except Exception as error:  # every error counts, whatever its kind
            errors.append(repr(error))
    results.put(errors)


def race(requests: int, tasks: int) -> dict[str, Any]:
    from django.contrib.auth.models import User
    from django.db import connections

    from labeling.models import Annotator, Batch, Escalation, Label, Project
    from labeling.money import ledger
    from reviewers.models import Assignment
    from reviewers.queue import holding
    from tests.tasks import put_tasks

    project = Project.objects.create(name="race", slug="race", wage_microdollars_per_hour=WAGE)
    for position, name in enumerate(("yes", "no")):
        Label.objects.create(question=project.first_question, position=position, name=name)
    batch = Batch.objects.create(project=project, name="race", stage="reviewing", rows_read=tasks, rows_new=tasks)
    purse = ledger.open_purse(batch, 100_000_000)
    made = put_tasks(batch, ({"position": n} for n in range(tasks)))
    Escalation.objects.bulk_create(Escalation(task=task, to="person", reason="uncertain", why="Torn.") for task in made)
    Annotator.of(project, User.objects.create(username="greedy"), "person")
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    workers = [context.Process(target=ask, args=(project.pk, requests // 4, start, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    start.set()
    errors = [error for _ in workers for error in results.get(timeout=300)]
    for worker in workers:
        worker.join()
    purse.refresh_from_db()
    return {
        "engine": engine(),
        "requests": 4 * (requests // 4),
        "held": Assignment.objects.live().count(),
        "held_microdollars": purse.held_microdollars,
        "most": holding.MOST,
        "faults": ledger.faults(),
        "errors": errors[:5],
    }


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=32)
    arguments.add_argument("--tasks", type=int, default=60)
    chosen = arguments.parse_args()
    with scratch_database():
        found = race(chosen.requests, chosen.tasks)
        print(json.dumps({"fault": "greedy_person", **found}), flush=True)
    return 1 if found["held"] > found["most"] or found["faults"] or found["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
