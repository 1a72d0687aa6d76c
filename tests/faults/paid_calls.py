"""A provider that errs, dawdles, charges and hangs up, and workers that are killed: its bill stays within the books.

    python tests/faults/paid_calls.py [--tasks 120] [--processes 3] [--kills 8] [--seed 0] [--member] [--questions 1]

`--member`: the model is a member of the crowd that votes on everything; else every task is sent to it as a question.
`--questions`: so many are asked about each text, in one call. With DATABASE_URL on PostgreSQL.

Prints one JSON line. It must hold that billed_by_provider <= booked <= cap (booked: spent and held, those of unknown
outcome included), for every single task as well, and at every look. `lost`: tasks billed without anything in the books,
answers without a vote, questions left open. `duplicate`: tasks answered, or perhaps answered, more than once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.fake_openai import FakeOpenAI, Request
from tests.faults.scratch import ROOT, engine, scratch_database

LABELS = ("roads", "water", "noise")
BEHAVIOURS = {
    "label": 50, "partial": 4, "prose": 6, "malformed": 6, "garbage": 4, "uncounted": 4, "refusal": 3,
    "truncated": 4, "dropped": 5, "slow": 4, "drip": 1, "429": 3, "500": 5, "502": 2, "400": 2,
}  # fmt: skip
LEASE_SECONDS = 2
PATIENCE = 300


class Provider(FakeOpenAI):
    """The fake server, somewhat slow, with a bill for each text beside the whole one."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance.choices(list(BEHAVIOURS), weights=list(BEHAVIOURS.values()), k=20_000))
        self.chance = chance
        self.bills: Counter[str] = Counter()
        self.slow_seconds = 0.9
        self.retry_after = "1"

    def received(self, request: Request) -> str:
        time.sleep(self.chance.uniform(0.0, 0.15))
        return super().received(request)

    def charge(self, request: Request, content: str, *, beyond: int = 0) -> dict[str, int]:
        used = super().charge(request, content, beyond=beyond)
        price = self.prices[0] * used["prompt_tokens"] + self.prices[1] * used["completion_tokens"]
        self.bills[request.text] += int(-(-price // 1))
        return used


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=120)
    arguments.add_argument("--processes", type=int, default=3)
    arguments.add_argument("--kills", type=int, default=8)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--member", action="store_true")
    arguments.add_argument("--questions", type=int, default=1)
    arguments.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.worker:
        return vote(chosen.worker) if chosen.member else work(chosen.worker)
    os.environ["CONCORD_CHUNK"] = "8"
    os.environ["CONCORD_LEASE_SECONDS"] = str(LEASE_SECONDS)
    chance = random.Random(chosen.seed)
    with scratch_database() as environment, Provider(random.Random(chosen.seed + 1)) as provider:
        batch = open_batch(provider, chosen.tasks, chosen.member, chosen.questions)
        run = {
            "fault": "paid_calls",
            "member": chosen.member,
            "in_one_call": chosen.questions,
            "engine": engine(),
            "seed": chosen.seed,
            "processes": chosen.processes,
        }
        run |= disturb(batch, provider, chosen, chance, environment)
        run |= books(batch, provider)
        print(json.dumps(run), flush=True)
    sound = run["billed_by_provider"] <= run["booked"] <= run["cap"] and not run["worst"] and not run["book_faults"]
    return 0 if sound and not (run["lost"] or run["duplicate"] or run["ledger_sum"]) else 1


def work(batch_id: int) -> int:
    """One worker: asks until it is killed."""
    import django

    django.setup()
    from labeling.models import Escalation
    from labeling.rounds import asking

    while True:
        if not asking.ask_some(Escalation.objects.in_batch(batch_id).to_paid().free()):
            time.sleep(0.1)


def vote(batch_id: int) -> int:
    """One worker: votes for the member until it is killed."""
    import django

    django.setup()
    from django.conf import settings

    from labeling.models import Batch
    from labeling.rounds import voting

    chunks = Batch.objects.get(pk=batch_id).chunks
    while True:
        chunk = chunks.claim(settings.LEASE_SECONDS)
        if chunk is None:
            time.sleep(0.1)
        else:
            voting.vote_on(chunk)


def open_batch(provider: Provider, tasks: int, member: bool, questions: int) -> Any:
    """Tasks that are all sent to one paid model, or voted on by it, under a cap that will not do for all of them."""
    from labeling.models import Batch, Escalation, Label, Project
    from labeling.money import ledger
    from labeling.people import recruiting
    from labeling.rounds import story
    from tests.questions import batch_of, question

    project = Project.objects.create(name="paid", slug="paid")
    for position, name in enumerate(LABELS):
        Label.objects.create(question=project.first_question, position=position, name=name)
    for number in range(1, questions):
        question(project, ("choices", "scale")[number % 2], LABELS)
    options = "local=yes&input=0.15&output=0.60&timeout=0.6&concurrency=4&max_tokens=20"
    spec = f"chat:fake@{provider.base_url}?{options}"
    paid = recruiting.add_models(project, [spec], priced=True)[0] if member else recruiting.add_paid(project, spec)
    texts = [f"{LABELS[n % 3]} number {n} " + "and so on " * (n % 17) for n in range(tasks)]
    batch = batch_of(project, texts)
    Batch.objects.filter(pk=batch.pk).update(stage="asking")
    for task in batch.tasks.all() if not member else ():
        Escalation.objects.create(task=task, to="paid", annotator=paid, reason="uncertain", why="Torn.")
    if member:
        story.hand_out(batch)
    ledger.set_cap(batch.purse, tasks * 80 * (1 + questions) // 2)
    return batch


def disturb(
    batch: Any, provider: Provider, chosen: argparse.Namespace, chance: random.Random, environment: dict[str, str]
) -> dict[str, Any]:
    """Let workers ask, kill one now and then, let a resting model go on; compare bill and books at every look."""
    from labeling.models import Annotator, Escalation
    from labeling.people import rules
    from labeling.rounds import asking

    def unfinished() -> bool:
        questions = Escalation.objects.in_batch(batch.pk).open()
        return bool(questions.exists() or batch.chunks.unfinished().exists())

    began, killed, worst = time.monotonic(), 0, 0
    workers = [start_worker(batch.pk, chosen.member, environment) for _ in range(chosen.processes)]
    while time.monotonic() - began < PATIENCE and unfinished():
        time.sleep(chance.uniform(0.3, 0.9))
        if killed < chosen.kills and len(provider.requests) > killed * 12:
            place = chance.randrange(chosen.processes)
            stop_worker(workers[place])
            workers[place] = start_worker(batch.pk, chosen.member, environment)
            killed += 1
        asking.give_up_lost_calls()
        rules.go_on(Annotator.objects.get())
        batch.chunks.unfinished().update(failures=0)
        billed = provider.bill_microdollars
        worst = max(worst, billed - booked(batch), booked(batch) - batch.purse.cap_microdollars)
    for worker in workers:
        stop_worker(worker)
    time.sleep(LEASE_SECONDS + 1)
    asking.give_up_lost_calls()
    return {"killed": killed, "worst": max(worst, 0), "seconds": round(time.monotonic() - began, 1)}


def start_worker(batch_id: int, member: bool, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(__file__).resolve()), "--worker", str(batch_id)]
    command += ["--member"] if member else []
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def stop_worker(worker: subprocess.Popen[bytes]) -> None:
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()


def booked(batch: Any) -> int:
    batch.purse.refresh_from_db()
    return int(batch.purse.held_microdollars + batch.purse.spent_microdollars)


def books(batch: Any, provider: Provider) -> dict[str, Any]:
    """Bill and books at the end, together and task by task."""
    from django.db.models import Count, Q, Sum

    from labeling.models import Escalation, LedgerEntry, Reservation, Vote
    from labeling.money import ledger

    questions = Escalation.objects.in_batch(batch.pk)
    unknown = Q(reservations__state=Reservation.State.UNKNOWN)
    told = batch.tasks.annotate(
        answers=Count("votes", distinct=True), unknown=Count("reservations", filter=unknown, distinct=True)
    )
    booked_by_text: Counter[str] = Counter()
    for task in batch.tasks.all():
        booked_by_text[task.text] += booked_for(task)
    under = sum(provider.bills[text] > amount for text, amount in booked_by_text.items())
    unvoted = questions.filter(state="answered", vote=None).count()
    return {
        "calls": len(provider.requests),
        "billed_by_provider": provider.bill_microdollars,
        "booked": booked(batch),
        "spent": batch.purse.spent_microdollars,
        "cap": batch.purse.cap_microdollars,
        "lost": under + unvoted + questions.open().count() + batch.chunks.unfinished().count(),
        "duplicate": sum(task.answers + task.unknown > 1 for task in told),
        "ledger_sum": LedgerEntry.objects.aggregate(total=Sum("microdollars"))["total"] or 0,
        "book_faults": ledger.faults(),
        "votes": Vote.objects.count(),
        "rests": [chunk.why for chunk in batch.chunks.resting()[:1]],
        "refused": questions.filter(why__contains="money of this batch is spent").count(),
        "unknown": ledger.unreconciled(batch.project).count(),
        "questions": dict(questions.values_list("state").annotate(Count("pk")).order_by()),
    }


def booked_for(task: Any) -> int:
    """Micro-dollars spent and held for one task."""
    return sum(
        one.cost_microdollars if one.state == "settled" else one.reserved_microdollars
        for one in task.reservations.exclude(state="released")
    )


if __name__ == "__main__":
    sys.exit(main())
