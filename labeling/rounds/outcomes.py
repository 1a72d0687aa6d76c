"""What a round says: what it buys, what stays open, and why it stops; every sentence true as a stranger reads it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from labeling.models import Annotator, Project, Round
from labeling.money.ledger import dollars
from labeling.rounds import teaching
from labeling.rounds.buying import Purchase, Table
from labeling.routing.plan import STOP
from labeling.routing.promises import TRIAL
from labeling.routing.value import FLOOR
from labeling.truth.votes import Ints

Kind = Annotator.Kind


def outcome(table: Table, bought: Purchase, turn: Round) -> str:
    """What the round did, or why it stops, in a sentence or two."""
    stopped = stops(table)
    if turn.to_paid:
        asked = "; ".join(_counts(table, bought.action))
        money = f"All that {dollars(bought.free)} can buy would add about {expected_labels(bought):.1f} correct labels"
        return " ".join([f"{asked}. {money}{_how_near(table, bought)}.", *stopped])
    noun = "task" if turn.crowd_settled == 1 else "tasks"
    told = f"{turn.crowd_settled:,} {noun} settled, {turn.to_people:,} sent to people."
    return " ".join(filter(None, [told, _left_open(table), *stopped, why_no_model(table, bought)]))


def _left_open(table: Table) -> str:
    """How many tasks stay open though nobody is asked; empty where there are none."""
    count = table.batch.tasks.about(table.ballot.question).unasked().count()
    if not count:
        return ""
    if teaching.has_a_lot_out(table.batch):
        waits = "tasks wait" if count > 1 else "task waits"
        return f"{count} {waits}: models of the crowd learn from what people answer first."
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
        tasks = np.flatnonzero(action == place).tolist()
        if tasks:
            yield f"{len(tasks)} tasks go to {party.name} for about {dollars(sum(map(party.price_at, tasks)))}"


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
    least = min(table.parties[place].holds[0] for place in usable)
    if least > bought.free:
        return (
            f"The money does not reach for one answer: {dollars(bought.free)} is free, and {dollars(least)} must be "
            "held while a model is asked, the most that it can cost; raise the budget to at least that."
        )
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
