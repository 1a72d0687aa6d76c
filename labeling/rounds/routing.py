"""Where each open task goes after its votes were weighed: settled, to a paid model, to people; with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import transaction

from labeling.live import nudges
from labeling.models import Annotator, Batch, Decision, Escalation, Question, Round, Task
from labeling.money import ledger
from labeling.money.ledger import dollars
from labeling.rounds import affording, buying, decisions, lots, teaching
from labeling.rounds.buying import DECIDED_BY, Purchase, Table
from labeling.rounds.decisions import Verdict
from labeling.rounds.outcomes import expected_labels, outcome
from labeling.rounds.relabelers import Party
from labeling.routing import forecast
from labeling.routing.plan import STOP
from labeling.truth.belief import entropy
from labeling.truth.votes import Bools, Ints

Kind = Annotator.Kind
Reason = Escalation.Reason
By = Decision.By
ROWS = 2000
FIRST_LOT = teaching.FEWEST + 20
"""Texts that people answer before models can learn: enough to be taught, and some to go on with meanwhile."""
BUDGETS = (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1)


@transaction.atomic
def route(table: Table, turn: Round) -> None:
    """Settle what is known, buy the answers that are worth most, and settle the rest once nothing is left to buy."""
    settle_known(table.batch, table.ballot.question)
    if wanted := buying.probes(table):
        probe(table, wanted, turn)
        return
    bought = buying.choose(table)
    turn.to_paid, turn.to_people = send(table, bought, turn)
    if bought.last:
        turn.to_people += send_hopeless(table, bought, turn)
        turn.crowd_settled = settle_the_rest(table, turn)
    turn.parameters |= figures(table, bought)
    turn.outcome = outcome(table, bought, turn)
    nudges.announce(table.batch.project_id, nudges.QUEUE)


def settle_known(batch: Batch, question: Question) -> int:
    """Tasks of the validation slice have their answer from the file."""
    tasks = batch.tasks.about(question).learnable().undecided()
    why = "Known from the file; the methods learn from it."
    return decisions.decide_many(
        Verdict(pk, gold, By.FILE, 1.0, 0.0, why, provenance={"known": True}, marks=marks)
        for pk, gold, marks in tasks.values_list("pk", "gold_id", "gold_marks")
    )


def probe(table: Table, wanted: Iterable[tuple[Party, Ints]], turn: Round) -> None:
    """Ask paid models about known tasks, so that the worth of their answers is measured."""
    told = []
    for party, tasks in wanted:
        why = f"Its label is known: this shows how far {party.name} can be trusted."
        Escalation.objects.bulk_create(
            Escalation(
                task_id=int(table.ballot.task_ids[task]),
                round=turn,
                to=Kind.PAID,
                annotator=party.annotator,
                reason=Reason.PROBE,
                why=why,
                price_microdollars=party.price_at(int(task)),
            )
            for task in tasks
        )
        turn.to_paid += len(tasks)
        price = dollars(sum(map(party.price_at, tasks.tolist())))
        told.append(f"{party.name} answers {len(tasks)} known tasks for about {price}")
    turn.outcome = f"{'; '.join(told)}, to measure what its answers are worth."


def send(table: Table, bought: Purchase, turn: Round) -> tuple[int, int]:
    """Ask what was chosen; returns how many tasks go to models, and how many to people and experts."""
    tasks = np.flatnonzero(bought.action != STOP)
    questions = [each for task in tasks for each in _questions(table, bought, int(task), turn)]
    Escalation.objects.bulk_create(questions, batch_size=ROWS)
    to_models = sum(each.to == Kind.PAID for each in questions)
    return to_models, len(tasks) - to_models


def _questions(table: Table, bought: Purchase, task: int, turn: Round) -> Iterable[Escalation]:
    place = int(bought.action[task])
    party, gain = table.parties[place], float(max(bought.offer.raw[task, place], 0.0))
    slots = table.project.people_per_task if party.kind == Kind.PERSON else 1
    for slot in range(slots):
        yield Escalation(
            task_id=int(table.ballot.task_ids[task]),
            round=turn,
            to=party.kind,
            annotator=party.annotator,
            slot=slot,
            reason=Reason.UNCERTAIN,
            why=f"{why_torn(table, task)} {why_asked(party, task, gain, float(bought.offer.change[task, place]))}",
            priority=float(entropy(table.belief[task])),
            expected_gain=gain,
            price_microdollars=party.price_at(task) // slots,
        )


def why_torn(table: Table, task: int) -> str:
    """What is uncertain about a task, in one sentence."""
    row, labels = table.belief[task], table.ballot.labels
    if not len(labels) > 1:
        return "There is only one label."
    first, second = (labels[int(place)] for place in np.argsort(-row, kind="stable")[:2])
    if row.max() - np.sort(row)[-2] < 1e-9:
        return f"The crowd is tied between {first} and {second}."
    return f"The crowd is only {row.max():.0%} sure of {first}, before {second}."


def why_asked(party: Party, task: int, gain: float, change: float) -> str:
    """Why this party is asked, in one sentence."""
    price = f" for {dollars(party.price_at(task))}" if party.price else ""
    return f"An answer of {party.one} changes the label with a chance of {change:.0%} and adds {gain:.1%}{price}."


def send_hopeless(table: Table, bought: Purchase, turn: Round) -> int:
    """Tasks without any vote, or with a tie, that nobody was asked about go to people: nothing else can settle them.

    Where models of the crowd wait for labels to learn from, only a lot of them goes: it teaches those models.
    """
    hopeless = _hopeless(table) & table.undecided & table.open_to & (bought.action == STOP)
    chosen: Ints = np.flatnonzero(hopeless).astype(np.int32)
    if teaching.awaited(table.batch, table.ballot.question):
        chosen = first_lot(table, chosen)
    votes = table.ballot.votes_per_task()
    Escalation.objects.bulk_create(
        Escalation(
            task_id=int(table.ballot.task_ids[task]),
            round=turn,
            to=Kind.PERSON,
            slot=slot,
            reason=Reason.UNCERTAIN if votes[task] else Reason.NO_VOTES,
            why=why_torn(table, int(task)) if votes[task] else "No model gave a label.",
            priority=float(entropy(table.belief[task])),
            expected_gain=1 - float(table.belief[task].max()),
        )
        for task in chosen
        for slot in range(table.project.people_per_task)
    )
    return len(chosen)


def first_lot(table: Table, hopeless: Ints) -> Ints:
    """Those of the `hopeless` tasks, places in the ballot, that people answer first, so that models learn from them.

    Drawn by chance, for nothing is known by which to choose. While a lot waits there is none; where models cannot learn
    from the last one, the next is as large as all before.
    """
    sent = Escalation.objects.in_batch(table.batch.pk).filter(task__question=table.ballot.question)
    asked = sent.to_people().exclude(reason=Reason.AUDIT)
    if asked.open().exists():
        return hopeless[:0]
    size = max(FIRST_LOT, asked.values("task").distinct().count())
    drawn = np.random.default_rng(table.batch.seed).permutation(hopeless)[:size]
    return np.sort(drawn)


def _hopeless(table: Table) -> Bools:
    best = np.partition(table.belief, -2, axis=1) if table.belief.shape[1] > 1 else None
    tied = best[:, -1] - best[:, -2] < 1e-9 if best is not None else np.zeros(len(table.belief), dtype=np.bool_)
    hopeless: Bools = tied | (table.ballot.votes_per_task() == 0)
    return hopeless


def settle_the_rest(table: Table, turn: Round) -> int:
    """Give every task that nobody is asked about, and that is sure enough, its most believed label, lot by lot.

    Labels that changed are superseded; where the new one is not sure enough, the task is open again.
    """
    waiting = set(Escalation.objects.open().in_batch(table.batch.pk).values_list("task_id", flat=True))
    asked = np.isin(table.ballot.task_ids, list(waiting))
    free = table.open_to & ~asked & ~_hopeless(table)
    sure = free & table.undecided & _sure(table)
    settled = lots.settle(
        table.batch, table.ballot.question, table.ballot.task_ids, sure, lambda some: _verdicts(table, some, turn)
    )
    by_machine = Decision.objects.current().filter(task__batch=table.batch, decided_by__in=[By.CROWD, By.PAID])
    before = dict(by_machine.values_list("task_id", "label_id"))
    now = np.array([label.pk for label in table.ballot.labels], dtype=np.int64)[table.belief.argmax(axis=1)].tolist()
    tasks = zip(table.ballot.task_ids.tolist(), now, strict=True)
    changed = np.array([before.get(task, label) != label for task, label in tasks], dtype=np.bool_)
    for verdict in _verdicts(table, free & ~table.undecided & changed, turn):
        if verdict.confidence >= table.batch.accepts_from:
            decisions.decide(verdict)
        else:
            decisions.reopen(Task.objects.locked().get(pk=verdict.task_id))
    return settled


def _sure(table: Table) -> Bools:
    """Which tasks are believed surely enough to be settled without anybody's answer, (n_tasks,)."""
    sure: Bools = table.belief.max(axis=1) >= table.batch.accepts_from
    return sure


def _verdicts(table: Table, chosen: Bools, turn: Round) -> Iterator[Verdict]:
    """The most believed label of each chosen task, (n_tasks,), as a verdict."""
    provenance = {
        "round": turn.pk,
        "method": turn.chosen or turn.method,
        "calibrated": turn.calibrated,
        "up_to_vote": table.ballot.last_vote,
        "accepted_from": table.batch.accepts_from,
    }
    label, confidence, bits = table.belief.argmax(axis=1), table.belief.max(axis=1), entropy(table.belief)
    for task in np.flatnonzero(chosen):
        yield Verdict(
            int(table.ballot.task_ids[task]),
            table.ballot.labels[int(label[task])].pk,
            DECIDED_BY[int(table.strongest_of[task])],
            min(float(confidence[task]), 1.0),
            float(bits[task]),
            provenance=provenance,
        )


def figures(table: Table, bought: Purchase) -> dict[str, Any]:
    """What the round reckoned with, for its page and for replay."""
    own = slice(0, table.ballot.n_own)
    plan = bought.plan
    return {
        "free_microdollars": bought.free,
        "only_held_microdollars": bought.free - affording.spendable(bought.free, table.parties),
        "planned_microdollars": plan.spend,
        "expected_gain": round(expected_labels(bought), 4),
        "gap": round(plan.gap, 6),
        "marginal_dollars": plan.marginal_dollars,
        "expected_accuracy": round(float(table.belief[own].max(axis=1).mean()), 6) if table.ballot.n_own else None,
        "holds": {party.name: party.holds[0] for party in table.parties if party.holds[0]},
        "prices": {party.name: party.price for party in table.parties if party.available},
        "forecast": outlook(table),
    }


def outlook(table: Table) -> dict[str, Any] | None:
    """What each budget is expected to buy from here on, with its band; None where no label is known to rest it on.

    Money in micro-dollars beyond what is spent already; `accuracy`: share of right labels among the unknown tasks.
    """
    router = table.router
    if not len(router.crowd.known_tasks):
        return None
    now, everything = forecast.level(router), forecast.on_everything(router)
    asked = [each for each, party in zip(everything, table.parties, strict=True) if party.available]
    most = max([ledger.free(table.batch), *(each.cost for each in asked)])
    curve = forecast.forecast(router, sorted({int(most * share) for share in BUDGETS}))
    marginal = [None if dollars == np.inf else float(dollars) for dollars in curve.marginal_dollars]
    return {
        "level": {"accuracy": now.accuracy, "low": now.low, "high": now.high, "validated": now.validated},
        "budget": curve.budget.tolist(),
        "spend": curve.spend.tolist(),
        "accuracy": curve.accuracy.tolist(),
        "low": curve.low.tolist(),
        "high": curve.high.tolist(),
        "marginal_dollars": marginal,
        "everything": [asdict(each) for each in asked],
        "spent_before": table.batch.purse.spent_microdollars,
        "tasks": int((table.ballot.known[: table.ballot.n_own] < 0).sum()),
    }
