"""Sixteen processes race for one cap with random prices: never one micro-dollar over.

    python tests/faults/budget_race.py [--processes 16] [--tries 60] [--seed 0] [--questions 1]

`--questions`: so many are asked in each call; DATABASE_URL for PostgreSQL.

Prints one JSON line: `overspend` is what was held and spent above the cap at any look, `ledger_sum` all entries.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.scratch import engine, scratch_database

CAP = 1_000_003


def spend(seed: int, tries: int, task_ids: list[int], annotator_id: int, start: Any, results: Any) -> None:
    """One process: reserve random prices as fast as it can, raise some; settle, release or leave open at random."""
    import django

    django.setup()
    from labeling.crowd.prices import shares
    from labeling.models import Annotator, Purse, Task
    from labeling.money import ledger

    chance = random.Random(seed)
    tasks = list(Task.objects.filter(pk__in=task_ids).order_by("pk"))
    annotator = Annotator.objects.get(pk=annotator_id)
    start.wait()
    granted = refused = worst = 0
    for _ in range(tries):
        price = chance.randint(1, 9_999)
        try:
            held = ledger.reserve_call(tasks, annotator, price)
        except ledger.Refused:
            refused += 1
            continue
        granted += 1
        if chance.random() < 0.2:
            with suppress(ledger.Refused):
                ledger.raise_call(held, price + chance.randint(1, 999))
        fate = chance.random()
        for one, cost in zip(held, shares(chance.randint(0, price), len(held)), strict=True):
            if fate < 0.7:
                ledger.settle(one, cost)
            elif fate < 0.85:
                ledger.release(one)
        purse = Purse.objects.get(batch__isnull=False)
        worst = max(worst, purse.held_microdollars + purse.spent_microdollars - purse.cap_microdollars)
    results.put((granted, refused, worst))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--processes", type=int, default=16)
    arguments.add_argument("--tries", type=int, default=60)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--questions", type=int, default=1)
    chosen = arguments.parse_args()
    with scratch_database():
        print(json.dumps(race(chosen.processes, chosen.tries, chosen.seed, chosen.questions)), flush=True)
    return 0


def race(processes: int, tries: int, seed: int, questions: int) -> dict[str, Any]:
    """Set one project up, let the processes loose, and look at the books."""
    from django.db import connections
    from django.db.models import Sum

    from labeling.models import Annotator, Batch, LedgerEntry, Project, Purse
    from labeling.money import ledger
    from tests.tasks import put_task

    project = Project.objects.create(name="race", slug="race")
    batch = Batch.objects.create(project=project, name="race")
    tasks = [put_task(batch, position=place).pk for place in range(questions)]
    paid = Annotator.objects.create(project=project, kind="paid", name="m", spec="chat:m", price_microdollars=9_999)
    ledger.open_purse(batch, CAP)
    whole = Purse.objects.create(project=project)
    ledger.set_cap(whole, CAP)
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    workers = [
        context.Process(target=spend, args=(seed * 1000 + n, tries, tasks, paid.pk, start, results))
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    began = time.monotonic()
    start.set()
    seen = [results.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    used = [p.held_microdollars + p.spent_microdollars - p.cap_microdollars for p in Purse.objects.all()]
    return {
        "fault": "budget_race",
        "engine": engine(),
        "seed": seed,
        "processes": processes,
        "questions": questions,
        "granted": sum(granted for granted, _, _ in seen),
        "refused": sum(refused for _, refused, _ in seen),
        "cap": CAP,
        "used": max(used) + CAP,
        "overspend": max(0, *used, *(worst for _, _, worst in seen)),
        "ledger_sum": LedgerEntry.objects.aggregate(total=Sum("microdollars"))["total"] or 0,
        "book_faults": ledger.faults(),
        "seconds": round(time.monotonic() - began, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
