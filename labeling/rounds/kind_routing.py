"""Where each task goes whose answer is more than one label: settled, to a paid model, to people; with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.db import transaction
from django.db.models.functions import Now

from labeling import said
from labeling.checks import holds
from labeling.kinds.base import Answers
from labeling.live import nudges
from labeling.models import Annotator, Decision, Escalation, Round
from labeling.money.ledger import dollars
from labeling.rounds import kind_buying, lots, routing, teaching
from labeling.rounds.buying import room_for_people
from labeling.rounds.decisions import Verdict
from labeling.rounds.kind_buying import Board, Purchase
from labeling.rounds.relabelers import Party
from labeling.rounds.routing import FIRST_LOT, ROWS
from labeling.routing.plan import STOP
from labeling.truth.votes import Bools, Ints

Kind = Annotator.Kind
Reason = Escalation.Reason
By = Decision.By


@transaction.atomic
def route(board: Board, turn: Round) -> None:
    """Buy the answers that are worth most; once nothing is left to buy, ask people what is torn and settle the rest."""
    routing.settle_known(board.batch, board.question)
    take_back(board)
    asked = kind_buying.parties(board)
    if wanted := kind_buying.probes(board, asked):
        for party, tasks in wanted:
            turn.to_paid += probe(board, party, tasks, turn)
        turn.outcome = f"Paid models answer {turn.to_paid:,} known tasks, to measure what their answers are worth."
        return
    bought = kind_buying.choose(board, asked)
    turn.to_paid = send(board, asked, bought, turn)
    if bought.last:
        turn.to_people = send_to_people(board, turn)
        turn.crowd_settled = settle_the_sure(board, turn)
    turn.parameters |= figures(board, bought)
    turn.outcome = outcome(board, bought, turn)
    nudges.announce(board.batch.project_id, nudges.QUEUE)


def take_back(board: Board) -> None:
    """Withdraw open questions to people whose task is sure by now; what lies on a desk stays."""
    sure = (board.confidence >= board.batch.asks_until) & (board.n_votes > 0)
    wanted = set(board.task_ids[sure].tolist()) - holds.held(board.batch, board.question)
    waiting = Escalation.objects.in_batch(board.batch.pk).open().filter(task__question=board.question)
    asked = waiting.to_people().filter(reason__in=[Reason.UNCERTAIN, Reason.NO_VOTES]).on_no_desk()
    chosen = [pk for pk, task in asked.values_list("pk", "task_id") if task in wanted]
    for first in range(0, len(chosen), ROWS // 4):
        free = Escalation.objects.open().filter(pk__in=chosen[first : first + ROWS // 4]).on_no_desk()
        free.update(state=Escalation.State.WITHDRAWN, closed_at=Now())
    board.open_to[:] |= kind_buying.open_tasks(board.batch, board.question, board.task_ids.tolist(), board.known)


def probe(board: Board, party: Party, tasks: Ints, turn: Round) -> int:
    """Ask a paid model about known tasks; returns about how many."""
    why = f"Its answer is known: this shows how far {party.name} can be trusted."
    common = {"round": turn, "to": Kind.PAID, "annotator": party.annotator, "reason": Reason.PROBE, "why": why}
    Escalation.objects.bulk_create(
        Escalation(task_id=int(board.task_ids[task]), price_microdollars=party.price_at(int(task)), **common)
        for task in tasks
    )
    return len(tasks)


def send(board: Board, asked: list[Party], bought: Purchase, turn: Round) -> int:
    """Ask models what was chosen; returns about how many tasks."""
    chosen = np.flatnonzero(bought.action != STOP)
    rows = []
    for task in chosen:
        party, gain = asked[bought.action[task]], float(bought.gains[task, bought.action[task]])
        price = f", for about {dollars(party.price_at(int(task)))}" if party.price else ""
        rows.append(
            Escalation(
                task_id=int(board.task_ids[task]),
                round=turn,
                to=Kind.PAID,
                annotator=party.annotator,
                reason=Reason.UNCERTAIN,
                why=f"{why_torn(board, int(task))} {party.name} is asked{price}.",
                priority=float(board.doubt[task]),
                expected_gain=gain,
                price_microdollars=party.price_at(int(task)),
            )
        )
    Escalation.objects.bulk_create(rows, batch_size=ROWS)
    return len(rows)


def why_torn(board: Board, task: int) -> str:
    """What is uncertain about a task, in one sentence."""
    if board.opinion is None or not board.n_votes[task]:
        return "No model gave an answer."
    answer = board.question.answers.words(board.opinion.answers[task], board.table.space)
    if board.opinion.ties[task]:
        return f"The crowd is tied; {answer} is one of its answers."
    return f"The crowd is only {board.confidence[task]:.0%} sure that all of its answer is right: {answer}."


def send_to_people(board: Board, turn: Round) -> int:
    """Ask people about what is torn, most uncertain first, within the project's share of the batch; returns how many.

    What nobody answered goes in any case; where models wait to be taught, a first lot of it, drawn by chance.
    """
    lot = np.random.default_rng(board.batch.seed).permutation(len(board.torn))
    torn = board.torn & board.open_to & (board.n_votes > 0)
    order = np.lexsort((lot, -board.doubt))
    chosen = [int(task) for task in order if torn[task]][: room_for_people(board.batch, board.question)]
    hopeless = np.flatnonzero(board.open_to & (board.n_votes == 0)).astype(np.int32)
    if teaching.awaited(board.batch, board.question):
        hopeless = first_lot(board, hopeless)
    chosen += hopeless.tolist()
    Escalation.objects.bulk_create((each for task in chosen for each in _to_people(board, task, turn)), batch_size=ROWS)
    board.open_to[chosen] = False
    return len(chosen)


def first_lot(board: Board, hopeless: Ints) -> Ints:
    """Tasks that people answer first, so that models learn from them; none while a lot waits."""
    asked = Escalation.objects.in_batch(board.batch.pk).to_people().filter(task__question=board.question)
    if asked.open().exclude(reason=Reason.AUDIT).exists():
        return hopeless[:0]
    return np.sort(np.random.default_rng(board.batch.seed).permutation(hopeless)[:FIRST_LOT])


def _to_people(board: Board, task: int, turn: Round) -> Iterator[Escalation]:
    for slot in range(board.batch.project.people_per_task):
        yield Escalation(
            task_id=int(board.task_ids[task]),
            round=turn,
            to=Kind.PERSON,
            slot=slot,
            reason=Reason.UNCERTAIN if board.n_votes[task] else Reason.NO_VOTES,
            why=why_torn(board, task),
            priority=float(board.doubt[task]),
            expected_gain=1 - float(board.confidence[task]),
        )


def settle_the_sure(board: Board, turn: Round) -> int:
    """Give every task that nobody is asked about, and that is sure enough, its most believed answer, lot by lot."""
    waiting = Escalation.objects.open().in_batch(board.batch.pk).values_list("task_id", flat=True)
    free = ~np.isin(board.task_ids, list(waiting))
    chosen: Bools = board.open_to & free & ~board.torn & (board.n_votes > 0)
    return lots.settle(board.batch, board.question, board.task_ids, chosen, lambda some: _verdicts(board, some, turn))


def _verdicts(board: Board, chosen: Bools, turn: Round) -> Iterator[Verdict]:
    kind, space, answers = board.question.answers, board.table.space, _answers(board)
    provenance = {"round": turn.pk, "method": turn.chosen or turn.method, "accepted_from": board.batch.accepts_from}
    by_paid = _answered_by_paid(board)
    for task in np.flatnonzero(chosen):
        held = said.of_plain(board.question, kind.to_marks(answers[task], space), board.labels)
        label, pk = held["label"], int(board.task_ids[task])
        yield Verdict(
            pk,
            label.pk if label else None,
            By.PAID if by_paid[task] else By.CROWD,
            min(float(board.confidence[task]), 1.0),
            float(board.doubt[task]),
            provenance=provenance,
            marks=held["marks"],
        )


def _answers(board: Board) -> Answers:
    """What is believed of each task; nothing where nobody has answered anything."""
    return [] if board.opinion is None else board.opinion.answers


def _answered_by_paid(board: Board) -> Bools:
    """Tasks where the answer of a paid model is the one that is believed, (n_tasks,)."""
    kind, space, table, answers = board.question.answers, board.table.space, board.table, _answers(board)
    paid = {str(pk) for pk in board.batch.project.annotators.filter(kind=Kind.PAID).values_list("pk", flat=True)}
    columns = [at for at, name in enumerate(table.annotators) if name in paid]
    found = np.zeros(len(table.tasks), dtype=np.bool_)
    for entry in np.flatnonzero(np.isin(table.annotator, columns)):
        task = table.task[entry]
        believed = kind.to_marks(answers[task], space)
        found[task] |= kind.to_marks(table.answers[entry], space) == believed
    return found


def figures(board: Board, bought: Purchase) -> dict[str, float | int | None]:
    """What the round reckoned with, for its page."""
    own = board.confidence[: board.n_own]
    return {
        "free_microdollars": bought.free,
        "planned_microdollars": bought.plan.spend,
        "expected_gain": round(float(bought.plan.gain), 4),
        "gap": round(bought.plan.gap, 6),
        "expected_accuracy": round(float(own.mean()), 6) if len(own) else None,
    }


def outcome(board: Board, bought: Purchase, turn: Round) -> str:
    """What the round did, or why it stops."""
    if turn.to_paid:
        return f"{turn.to_paid:,} tasks go to paid models, for about {dollars(bought.plan.spend)} in all."
    left = board.batch.tasks.filter(question=board.question).unasked().count()
    noun = "task" if turn.crowd_settled == 1 else "tasks"
    told = f"{turn.crowd_settled:,} {noun} settled, {turn.to_people:,} sent to people."
    if not left:
        return told
    stay = "task stays" if left == 1 else "tasks stay"
    sure = f"less than {board.batch.accepts_from:.0%} sure that the whole answer is right"
    return f"{told} {left:,} {stay} open: {sure}, and nobody is asked about them."
