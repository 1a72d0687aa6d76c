"""A batch run once more on its recorded answers of any kind: what a budget would have bought, and how right it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labeling.checks import draws
from labeling.kinds.base import AnswerTable, Known, joined, taken
from labeling.models import Annotator, Batch, Escalation, Question
from labeling.reports.batch import kind_comparison, kind_ground
from labeling.reports.batch.kind_ground import Ground
from labeling.reports.batch.replayed import MICRO, STEPS, Compared, Side, Wanted, difference_of, share_right
from labeling.reports.drawing.curves import Curve, Spot
from labeling.rounds import expected_prices
from labeling.routing.answer_replay import Recorded, Standing, Way, replay
from labeling.truth.votes import Bools

MOST_TASKS = 3000
"""More tasks take too long for a page."""
Kind = Annotator.Kind
ROUTERS = {"value": "value per dollar, as Concord does", "random": "at random"}
NOBODY = "Nobody has answered this question in this batch yet, so there is nothing to replay."
NOTHING = "Nothing was bought about this question in this batch, so only the methods can be compared."


@dataclass(frozen=True, slots=True)
class Seller:
    """Whose answers are bought again: a paid model, or the people as one. `price`: micro-dollars of an answer."""

    kind: str
    name: str
    price: int
    recorded: Recorded


def compare(batch: Batch, wanted: Wanted, question: Question) -> Compared:
    """Both runs side by side, as far as recorded answers tell; what checks are answered with is not bought."""
    ground = kind_ground.ground(batch, question)
    if not len(ground.table.task):
        return Compared(NOBODY)
    seller = _seller(batch, ground)
    if seller is None:
        return Compared(NOTHING)
    known = np.zeros(0, dtype=np.int32) if ground.known is None else ground.known.task
    there = seller.recorded.bought_from()
    there[known] = False
    calls, n = int(there.sum()), len(there)
    most = min(wanted.budget // seller.price, calls)
    way = Way(wanted.router if wanted.router in ROUTERS else "value", question.answers.methods[0], batch.seed)
    budgets = [most * step / n for step in STEPS]
    points = list(replay(seller.recorded, known, way, budgets))
    return _told(ground, seller, calls, points)


def _told(ground: Ground, seller: Seller, calls: int, points: list[Standing]) -> Compared:
    where = ground.truth >= 0
    before, after = ground.stands[where] == ground.truth[where], ground.right(points[-1].answers)
    ours = Side(calls, calls * seller.price, share_right(before))
    theirs = Side(points[-1].calls, points[-1].calls * seller.price, share_right(after))
    now = Spot(ours.cost / MICRO, ours.right.value, words="as it went", estimable=ours.right.estimable)
    spots = tuple(_spot(ground, seller, point) for point in points)
    return Compared(
        "",
        ours,
        theirs,
        difference_of(before, after),
        ours.cost - theirs.cost,
        int(where.sum()),
        ((seller.kind, seller.name, calls, seller.price),),
        Curve(spots, (), (now,)) if ours.right.estimable else None,
        kind_comparison.commonest(ground),
    )


def _spot(ground: Ground, seller: Seller, point: Standing) -> Spot:
    found = share_right(ground.right(point.answers))
    cost = point.calls * seller.price / MICRO
    return Spot(cost, found.value, found.low, found.high, f"{point.calls:,} answers", found.estimable)


def _seller(batch: Batch, ground: Ground) -> Seller | None:
    """The paid model with most answers here; where none answered, the people."""
    rows = {str(one.pk): one for one in batch.project.annotators.all()}
    voters = [rows[name] for name in ground.table.annotators]
    n = np.bincount(ground.table.annotator, minlength=len(voters))
    paid = [at for at, one in enumerate(voters) if one.kind == Kind.PAID and n[at]]
    if paid:
        at = max(paid, key=lambda one: n[one])
        crowd = [place for place, one in enumerate(voters) if one.kind == Kind.MODEL]
        table = ground.table.only(np.isin(ground.table.annotator, [*crowd, at]))
        price = expected_prices.of(voters[at], batch, ground.question)
        return Seller(Kind.PAID, voters[at].name, max(price, 1), _recorded(ground, table, at))
    bought = _with_people_as_one(batch, ground, voters)
    if bought is None:
        return None
    price = (draws.price_of_one(batch, Kind.PERSON) or 0) * batch.project.people_per_task
    return Seller(Kind.PERSON, "people", max(price, 1), _recorded(ground, bought, len(voters)))


def _with_people_as_one(batch: Batch, ground: Ground, voters: list[Annotator]) -> AnswerTable | None:
    """The models' answers, and the first answer of any person to each task as that of one more annotator."""
    table = ground.table
    crowd: Bools = np.array([one.kind == Kind.MODEL for one in voters], dtype=np.bool_)[table.annotator]
    audits = Escalation.objects.in_batch(batch.pk).filter(reason=Escalation.Reason.AUDIT)
    drawn = {str(pk) for pk in audits.values_list("task_id", flat=True)}
    person: Bools = np.array([one.kind == Kind.PERSON for one in voters], dtype=np.bool_)[table.annotator]
    asked: Bools = np.array([table.tasks[task] not in drawn for task in table.task], dtype=np.bool_)
    at = np.flatnonzero(person & asked)
    first = at[np.unique(table.task[at], return_index=True)[1]]
    if not len(first):
        return None
    models = table.only(crowd)
    return replace(
        models,
        annotators=[*table.annotators, "people"],
        task=np.concatenate([models.task, table.task[first]]),
        annotator=np.concatenate([models.annotator, np.full(len(first), len(voters), dtype=np.int32)]),
        answers=joined(models.answers, taken(table.answers, first)),
    )


def _recorded(ground: Ground, table: AnswerTable, paid: int) -> Recorded:
    """The recording; what is right is known of the tasks that teach alone, and read of no other."""
    kind, n = ground.question.answers, len(table.tasks)
    empty = Known(np.zeros(0, dtype=np.int32), taken(table.answers, np.zeros(0, dtype=np.int64)))
    known = ground.known or empty
    gold = taken(table.answers, np.zeros(n, dtype=np.int64))
    for place, task in enumerate(known.task.tolist()):
        gold[task] = known.answers[place]
    return Recorded(kind, table, gold, paid, by_part=False)
