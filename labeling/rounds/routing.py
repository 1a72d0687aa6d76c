"""Where each open task goes after its votes were weighed: settled, to a paid model, to people; with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import transaction

from labeling.live import nudges
from labeling.models import Annotator, Batch, Decision, Escalation, Project, Round, Task
from labeling.money import ledger
from labeling.money.ledger import dollars
from labeling.rounds import buying, decisions
from labeling.rounds.buying import DECIDED_BY, Purchase, Table
from labeling.rounds.decisions import Verdict
from labeling.rounds.relabelers import Party
from labeling.routing import forecast
from labeling.routing.plan import STOP
from labeling.routing.promises import TRIAL
from labeling.routing.value import FLOOR
from labeling.truth.belief import entropy
from labeling.truth.votes import Bools, Ints

Kind = Annotator.Kind
Reason = Escalation.Reason
By = Decision.By
ROWS = 2000
BUDGETS = (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1)


@transaction.atomic
def route(table: Table, turn: Round) -> None:
    """Settle what is known, buy the answers that are worth most, and settle the rest once nothing is left to buy."""
    settle_known(table.batch)
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


def settle_known(batch: Batch) -> int:
    """Tasks of the validation slice have their label from the file."""
    tasks = batch.tasks.learnable().undecided()
    why = "Known from the file; the methods learn from it."
    return decisions.decide_many(
        Verdict(task.pk, task.gold_id, By.FILE, 1.0, 0.0, why, provenance={"known": True})
        for task in tasks
        if task.gold_id
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
                price_microdollars=party.price,
            )
            for task in tasks
        )
        turn.to_paid += len(tasks)
        told.append(f"{party.name} answers {len(tasks)} known tasks for about {dollars(len(tasks) * party.price)}")
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
            why=f"{why_torn(table, task)} {why_asked(party, gain, float(bought.offer.change[task, place]))}",
            priority=float(entropy(table.belief[task])),
            expected_gain=gain,
            price_microdollars=party.price // slots,
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


def why_asked(party: Party, gain: float, change: float) -> str:
    """Why this party is asked, in one sentence."""
    price = f" for {dollars(party.price)}" if party.price else ""
    return f"An answer of {party.one} changes the label with a chance of {change:.0%} and adds {gain:.1%}{price}."


def send_hopeless(table: Table, bought: Purchase, turn: Round) -> int:
    """Tasks without any vote, or with a tie, that nobody was asked about go to people: nothing else can settle them."""
    chosen = np.flatnonzero(_hopeless(table) & table.undecided & table.open_to & (bought.action == STOP))
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


def _hopeless(table: Table) -> Bools:
    best = np.partition(table.belief, -2, axis=1) if table.belief.shape[1] > 1 else None
    tied = best[:, -1] - best[:, -2] < 1e-9 if best is not None else np.zeros(len(table.belief), dtype=np.bool_)
    hopeless: Bools = tied | (table.ballot.votes_per_task() == 0)
    return hopeless


def settle_the_rest(table: Table, turn: Round) -> int:
    """Give every task that nobody is asked about, and that is sure enough, its most believed label.

    Labels that changed are superseded; where the new one is not sure enough, the task is open again.
    """
    waiting = set(Escalation.objects.open().in_batch(table.batch.pk).values_list("task_id", flat=True))
    asked = np.isin(table.ballot.task_ids, list(waiting))
    free = table.open_to & ~asked & ~_hopeless(table)
    settled = decisions.decide_many(_verdicts(table, free & table.undecided & _sure(table), turn))
    by_machine = Decision.objects.current().filter(task__batch=table.batch, decided_by__in=[By.CROWD, By.PAID])
    before = dict(by_machine.values_list("task_id", "label_id"))
    for verdict in _verdicts(table, free & ~table.undecided, turn):
        if before.get(verdict.task_id, verdict.label_id) == verdict.label_id:
            continue
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
        "planned_microdollars": plan.spend,
        "expected_gain": round(expected_labels(bought), 4),
        "gap": round(plan.gap, 6),
        "marginal_dollars": plan.marginal_dollars,
        "expected_accuracy": round(float(table.belief[own].max(axis=1).mean()), 6) if table.ballot.n_own else None,
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


def outcome(table: Table, bought: Purchase, turn: Round) -> str:
    """What the round did, or why it stops, in a sentence or two."""
    stopped = stops(table)
    if turn.to_paid:
        asked = "; ".join(_counts(table, bought.action))
        money = f"All that {dollars(bought.free)} can buy would add about {expected_labels(bought):.1f} correct labels"
        return " ".join([f"{asked}. {money}{_how_near(table, bought)}.", *stopped])
    told = f"{turn.crowd_settled} tasks settled, {turn.to_people} sent to people."
    return " ".join(filter(None, [told, _left_open(table), *stopped, why_no_model(table, bought)]))


def _left_open(table: Table) -> str:
    """How many tasks stay open though nobody is asked; empty where there are none."""
    count = table.batch.tasks.unasked().count()
    if not count:
        return ""
    verb = "tasks stay" if count > 1 else "task stays"
    return f"{count} {verb} open: less than {table.batch.accepts_from:.0%} sure, and nobody is asked about them."


def expected_labels(bought: Purchase) -> float:
    """Extra correct labels that the whole plan is expected to buy, whatever order it was made by."""
    tasks = np.flatnonzero(bought.plan.action != STOP)
    return float(np.maximum(bought.offer.raw[tasks, bought.plan.action[tasks]], 0.0).sum())


def _how_near(table: Table, bought: Purchase) -> str:
    """How far the plan may be from the best one; empty where it was not made to be the best."""
    if table.project.router == Project.Router.ENTROPY or not bought.plan.gain:
        return ""
    return (
        ", the best plan there is" if bought.plan.gap < 0.0005 else f", within {bought.plan.gap:.1%} of the best plan"
    )


def stops(table: Table) -> list[str]:
    """Why some paid models are asked about nothing more, a sentence each."""
    told = []
    for place, why in table.watch.stopped.items():
        name, trial = table.parties[place].name, table.watch.trials[place]
        if why == TRIAL:
            told.append(
                f"Nothing is bought from {name}: of {trial.unsure} known tasks where the crowd is unsure its answers "
                f"would mend {trial.mended} and spoil {trial.spoilt}, and it is right on {trial.own} of all "
                f"{trial.known} known tasks, the crowd on {trial.crowd}."
            )
        else:
            count = int(((table.given.annotator == place) & (table.ballot.known[table.given.task] < 0)).sum())
            told.append(
                f"No more is bought from {name}: its {count} answers contradict what its answers to known tasks let "
                "expect, so that their worth cannot be told."
            )
    return told


def _counts(table: Table, action: Ints) -> Iterable[str]:
    for place, party in enumerate(table.parties):
        if count := int((action == place).sum()):
            yield f"{count} tasks go to {party.name} for about {dollars(count * party.price)}"


def why_no_model(table: Table, bought: Purchase) -> str:
    """Why no paid model is asked any more; empty where there is none."""
    paid = [place for place, party in enumerate(table.parties) if party.kind == Kind.PAID]
    if not paid:
        return ""
    usable = [place for place in paid if table.parties[place].available]
    if not usable:
        return "Paid models cannot be asked now."
    usable = [place for place in usable if place not in table.watch.stopped]
    if not usable:
        return ""
    prices = np.array([table.parties[place].price for place in usable])
    if prices.min() > bought.free:
        return f"The money is spent: {dollars(bought.free)} is free, an answer costs {dollars(int(prices.min()))}."
    may_be_asked = np.isfinite(bought.offer.gain[:, usable])
    if not may_be_asked.any():
        return "Every model has been asked about all it may be asked about."
    if table.project.router == Project.Router.ENTROPY:
        return "No model that beats the crowd on the known tasks may be asked about a torn task any more."
    raw = np.where(may_be_asked, bought.offer.raw[:, usable], -np.inf)
    best, price = float(raw.max()), int(prices[int(raw.max(axis=0).argmax())])
    return _not_worth(best, price, bought.free, table.project.worth_microdollars)


def _not_worth(best: float, price: int, free: int, worth: int | None) -> str:
    """Why the best answer left, which adds `best` to one label's chance to be right, is not bought."""
    said = f"the best one left would add {best:.1%} to one task"
    if best < FLOOR:
        return f"No model's answer is worth its price any more: {said}, too little to tell from nothing."
    if price > free:
        return f"The money does not reach: {said} for {dollars(price)}, and {dollars(free)} is free."
    if worth is not None and best * worth < price:
        value = f"{dollars(round(best * worth))} at {dollars(worth)} a right label, and costs {dollars(price)}"
        return f"No model's answer is worth its price any more: {said}, which is {value}."
    return f"No model is asked now: {said}."
