"""Money moves here and nowhere else: hold before a call, settle or release after it, never over a cap.

Every movement is one database transaction: counters change by conditional updates (so that any number of workers
cannot overspend by one micro-dollar) and the same movement is written as entries that sum to zero.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import floor, log10

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from labeling.crowd.prices import shares
from labeling.models import Annotator, Batch, Escalation, LedgerEntry, Project, Purse, Reservation, Task

Account = LedgerEntry.Account
State = Reservation.State
OPEN = (State.HELD, State.UNKNOWN)
LOCK_ORDER = (F("batch").asc(nulls_last=True), "pk")
"""The batch's own purse comes first: whoever holds it sees every cap that was set before."""
STOPPED = "Paid calls of this project are stopped; a manager can allow them again."


class Refused(Exception):
    """Money that cannot be moved; the message is one sentence that says why and what to do."""


class Stopped(Refused):
    """The paid calls of the project are stopped."""


class TooLittle(Refused):
    """A cap leaves less free money than is asked; what other calls hold may still come back."""


def dollars(microdollars: int) -> str:
    """Micro-dollars as people read them: cents, or more digits for amounts below a dime."""
    value = microdollars / 1_000_000
    return f"${value:,.2f}" if value == 0 or abs(value) >= 0.1 else f"${value:.6f}".rstrip("0")


def cents(microdollars: int) -> str:
    """Micro-dollars as a headline tells them: cents, and no more; the ledger has every digit."""
    return "under $0.01" if 0 < microdollars < 10_000 else f"${microdollars / 1_000_000:,.2f}"


def about(microdollars: float) -> str:
    """An expected amount: cents, below a cent its first two digits, so that half a cent never reads as a whole one."""
    value = microdollars / 1_000_000
    if not value or abs(value) >= 0.01:
        return f"${value:,.2f}"
    return f"${value:.{1 - floor(log10(abs(value)))}f}".rstrip("0")


def open_purse(batch: Batch, cap_microdollars: int = 0) -> Purse:
    """The batch's purse, made with this cap on first use."""
    purse, made = Purse.objects.get_or_create(batch=batch, defaults={"project": batch.project})
    if made and cap_microdollars:
        set_cap(purse, cap_microdollars)
    return purse


@transaction.atomic
def set_cap(purse: Purse, cap_microdollars: int) -> None:
    """Raise or lower a cap, also while calls are under way.

    Raises Refused for a negative cap, or one below what is already held and spent.
    """
    if cap_microdollars < 0:
        raise Refused(f"A budget of {dollars(cap_microdollars)} is below zero; give zero or more.")
    locked = Purse.objects.select_for_update().get(pk=purse.pk)
    used = locked.held_microdollars + locked.spent_microdollars
    if cap_microdollars < used:
        raise Refused(
            f"A budget of {dollars(cap_microdollars)} is below the {dollars(used)} already spent or held; "
            "give at least that."
        )
    change = cap_microdollars - locked.cap_microdollars - locked.overdrawn_microdollars
    Purse.objects.filter(pk=purse.pk).update(cap_microdollars=cap_microdollars, overdrawn_microdollars=0)
    _write([locked], "cap changed", {Account.SOURCE: -change, Account.FREE: change})
    purse.refresh_from_db()


@transaction.atomic
def cap_project(project: Project, cap_microdollars: int) -> Purse:
    """Set how much all batches of a project may cost together; what is held and spent already counts."""
    purse = _joint_purse(project, None)
    set_cap(purse, cap_microdollars)
    return purse


@transaction.atomic
def cap_days(project: Project, cap_microdollars: int | None) -> None:
    """Set how much a project may hold and spend on one UTC day, from today on; None lifts this cap."""
    if cap_microdollars is not None:
        set_cap(_joint_purse(project, timezone.now().date()), cap_microdollars)
    Project.objects.filter(pk=project.pk).update(day_cap_microdollars=cap_microdollars)
    project.day_cap_microdollars = cap_microdollars


def _joint_purse(project: Project, day: date | None) -> Purse:
    """The purse of a project or of one of its days, into which what is held and spent already is carried over."""
    found = Purse.objects.filter(project=project, batch=None, day=day).first()
    if found:
        return found
    list(Purse.objects.select_for_update().filter(project=project).order_by(*LOCK_ORDER))
    purse, made = Purse.objects.get_or_create(project=project, batch=None, day=day)
    if made:
        _carry_over(purse)
        purse.refresh_from_db()
    return purse


def _carry_over(purse: Purse) -> None:
    """Count money that moved before this cap was set; reservations that are still open are settled under it, too."""
    earlier = Reservation.objects.filter(task__project=purse.project)
    if purse.day is not None:
        midnight = datetime.combine(purse.day, time.min, UTC)
        earlier = earlier.filter(created_at__gte=midnight, created_at__lt=midnight + timedelta(days=1))
    open_ones = list(earlier.filter(state__in=OPEN))
    held = sum(one.reserved_microdollars for one in open_ones)
    spent = earlier.filter(state=State.SETTLED).aggregate(total=Sum("cost_microdollars"))["total"] or 0
    counted = Purse.objects.filter(pk=purse.pk)
    counted.update(cap_microdollars=held + spent, held_microdollars=held, spent_microdollars=spent)
    _write([purse], "spent before this cap", {Account.SOURCE: -held - spent, Account.FREE: held, Account.SPENT: spent})
    for one in open_ones:
        amount = one.reserved_microdollars
        _write([purse], "held before this cap", {Account.FREE: -amount, Account.HELD: amount}, one)


def purses_of(batch: Batch) -> list[Purse]:
    """Every cap that an answer to this batch's tasks falls under, in the fixed order in which they are locked."""
    open_purse(batch)
    return _caps_on(batch)


def _caps_on(batch: Batch) -> list[Purse]:
    """The caps of a batch whose purse is there."""
    project, today = batch.project, timezone.now().date()
    mine = Q(batch=batch) | Q(batch=None, day=None, project=project)
    if project.day_cap_microdollars is not None:
        purse, made = Purse.objects.get_or_create(project=project, batch=None, day=today)
        if made:
            set_cap(purse, project.day_cap_microdollars)
        mine |= Q(project=project, day=today)
    return list(Purse.objects.filter(mine).order_by(*LOCK_ORDER))


def free(batch: Batch) -> int:
    """Micro-dollars that may still be held for this batch: what the tightest of its caps leaves."""
    return min(purse.free_microdollars for purse in purses_of(batch))


def reserve(task: Task, annotator: Annotator, microdollars: int, escalation: Escalation | None = None) -> Reservation:
    """Hold the most one answer can cost under every cap that applies, before anything is asked.

    Raises Refused where a cap leaves too little, or the project's paid calls are stopped; nothing is held then.
    """
    return reserve_call([task], annotator, microdollars, [escalation])[0]


def reserve_call(
    tasks: Sequence[Task],
    annotator: Annotator,
    microdollars: int,
    escalations: Sequence[Escalation | None] | None = None,
) -> list[Reservation]:
    """Hold the most one call can cost that asks about all of these tasks of a batch: a reservation for each, evenly.

    Raises Refused as `reserve`; nothing is held then.
    """
    if microdollars < 0:
        raise Refused(f"A price of {dollars(microdollars)} is below zero; state zero or more.")
    made: list[Reservation] = []
    with transaction.atomic():
        batch = _batch_now(tasks[0]) if annotator.kind in Annotator.MACHINES else tasks[0].batch
        _hold(open_purse(batch), microdollars)
        purses = _caps_on(batch)
        for purse in purses[1:]:
            _hold(purse, microdollars)
        of_each = zip(tasks, escalations or [None] * len(tasks), shares(microdollars, len(tasks)), strict=True)
        for task, escalation, share in of_each:
            held = Reservation(task=task, annotator=annotator, escalation=escalation, reserved_microdollars=share)
            held.call = made[0] if made else None
            held.save()
            made.append(held)
            _write(purses, f"held for {annotator.name}", {Account.FREE: -share, Account.HELD: share}, held)
    return made


def raise_hold(held: Reservation, microdollars: int) -> None:
    """Hold so much in all for an answer that is to be asked for once more; see `raise_call`."""
    raise_call([held], microdollars)


def raise_call(held: Sequence[Reservation], microdollars: int) -> None:
    """Hold so much in all for a call that is to be made once more, under the same caps; never less than before.

    `held`: all reservations of the call, the first first. Raises Refused where a cap leaves too little, paid calls are
    stopped, or the call is booked; nothing changes then.
    """
    with transaction.atomic():
        rows = Reservation.objects.select_for_update().in_bulk([one.pk for one in held])
        mine = [rows[one.pk] for one in held]
        if any(one.state != State.HELD for one in mine):
            raise Refused("This call is booked already.")
        wanted = shares(microdollars, len(mine))
        more = [max(share - one.reserved_microdollars, 0) for share, one in zip(wanted, mine, strict=True)]
        if any(more):
            _hold(open_purse(_batch_now(mine[0].task)), sum(more))
            purses = list(_purses_under(*mine).order_by(*LOCK_ORDER))
            for purse in purses[1:]:
                _hold(purse, sum(more))
            for one, amount in zip(mine, more, strict=True):
                one.reserved_microdollars += amount
                Reservation.objects.filter(pk=one.pk).update(reserved_microdollars=one.reserved_microdollars)
                _write(purses, "held to ask once more", {Account.FREE: -amount, Account.HELD: amount}, one)
    for one, now in zip(held, mine, strict=True):
        one.reserved_microdollars = now.reserved_microdollars


def _purses_under(*held: Reservation) -> QuerySet[Purse]:
    """The purses that this money of a call is held in; of nothing that is held, those that apply now."""
    if any(one.reserved_microdollars for one in held):
        entries = LedgerEntry.objects.filter(reservation__in=[one.pk for one in held])
        return Purse.objects.filter(pk__in=entries.values("purse"))
    return Purse.objects.filter(pk__in=[purse.pk for purse in _caps_on(held[0].task.batch)])


def waits_for_calls(project: Project) -> bool:
    """Whether calls to models are under way whose money may come back in part; people take their time."""
    calls = Reservation.objects.filter(task__project=project, annotator__kind__in=Annotator.MACHINES)
    return calls.filter(state=State.HELD).exists()


def _batch_now(task: Task) -> Batch:
    """The batch as it is now. Raises Refused once the project's paid calls are stopped."""
    batch = Batch.objects.select_related("project").get(pk=task.batch_id)
    if batch.project.calls_stopped_at:
        raise Stopped(STOPPED)
    return batch


def _hold(purse: Purse, microdollars: int) -> None:
    """Move free money to held in one conditional update; the database decides who of many gets the last cent."""
    used = F("held_microdollars") + F("spent_microdollars") - F("overdrawn_microdollars")
    fits = Q(cap_microdollars__gte=used + microdollars)
    held = Purse.objects.filter(fits, pk=purse.pk).update(held_microdollars=F("held_microdollars") + microdollars)
    if not held:
        scope = "this batch" if purse.batch_id else f"{purse.day}" if purse.day else "this project"
        raise TooLittle(
            f"The money of {scope} is spent: {dollars(microdollars)} is asked, "
            f"{dollars(purse.free_microdollars)} of {dollars(purse.cap_microdollars)} is free."
        )


@transaction.atomic(savepoint=False)
def settle(held: Reservation, cost_microdollars: int, note: str = "") -> None:
    """Book what the answer did cost and give the rest back. Settling twice changes nothing.

    A cost above what was held is booked in full, also where that breaks a cap; the note tells of it.
    """
    if _close(held, State.SETTLED, cost_microdollars, _of_more(held, cost_microdollars, note)):
        _give_back(held, cost_microdollars)


@transaction.atomic
def release(held: Reservation, note: str = "") -> None:
    """Give all of it back: nothing was charged. Releasing twice changes nothing."""
    if _close(held, State.RELEASED, None, note):
        _give_back(held, 0)


def keep_unknown(held: Reservation, note: str) -> None:
    """Keep the hold: nobody knows whether it was charged, until somebody looks it up and calls `reconcile`."""
    Reservation.objects.filter(pk=held.pk, state=State.HELD).update(state=State.UNKNOWN, note=note[:300])


def unreconciled(project: Project) -> QuerySet[Reservation]:
    """Calls whose outcome nobody knows, oldest first, the first reservation of each; their money is held."""
    return Reservation.objects.filter(task__project=project, state=State.UNKNOWN, call=None).order_by("pk")


@transaction.atomic
def reconcile(held: Reservation, charged_microdollars: int | None, note: str) -> None:
    """Book what the provider's bill says about a call of unknown outcome: the amount charged, or None for nothing.

    `held`: the first reservation of the call; of several each is charged an even share. A bill above what was held is
    booked in full, as in `settle`. Raises Refused for a call whose outcome is known already, and for an amount below
    zero.
    """
    charged = charged_microdollars or 0
    if charged < 0:
        raise Refused(f"{dollars(charged)} is no charge for this call; state zero or more.")
    state = State.RELEASED if charged_microdollars is None else State.SETTLED
    call = held.of_the_call
    for one, share in zip(call, shares(charged, len(call)), strict=True):
        cost = None if charged_microdollars is None else share
        if not _close(one, state, cost, _of_more(one, share, note), open_states=(State.UNKNOWN,)):
            raise Refused("The outcome of this call is known already; there is nothing to reconcile.")
        _give_back(one, share)
    held.refresh_from_db(fields=["reserved_microdollars"])


def _of_more(held: Reservation, cost: int, note: str) -> str:
    """The note of a bill, which tells where it is above what was held."""
    if cost <= held.reserved_microdollars:
        return note
    return f"{dollars(held.reserved_microdollars)} was held, {dollars(cost)} was billed. {note}"


def _close(held: Reservation, state: str, cost: int | None, note: str, open_states: tuple[State, ...] = OPEN) -> bool:
    """Close a reservation that is still held or unknown; True for the one caller who closed it."""
    still_open = Reservation.objects.filter(pk=held.pk, state__in=open_states)
    closed = still_open.update(state=state, cost_microdollars=cost, note=note[:300], closed_at=Now())
    held.refresh_from_db(fields=["reserved_microdollars"])
    return bool(closed)


def _give_back(held: Reservation, cost: int) -> None:
    """Close what was held in every purse: the cost is spent, the rest is free again.

    What was billed beyond the hold comes out of the free money; where that is not enough, the purse is overdrawn.
    """
    amount = held.reserved_microdollars
    purses = _purses_under(held).order_by(*LOCK_ORDER)
    if cost > amount:
        purses = purses.select_for_update(no_key=True)
    within = []
    for purse in purses:
        beyond = max(cost - amount - purse.free_microdollars, 0) if cost > amount else 0
        Purse.objects.filter(pk=purse.pk).update(
            held_microdollars=F("held_microdollars") - amount,
            spent_microdollars=F("spent_microdollars") + cost,
            overdrawn_microdollars=F("overdrawn_microdollars") + beyond,
        )
        if beyond:
            moves = {Account.FREE: amount + beyond - cost, Account.SOURCE: -beyond}
            _write([purse], "billed beyond the cap", {Account.HELD: -amount, Account.SPENT: cost, **moves}, held)
        else:
            within.append(purse)
    moves = {Account.HELD: -amount, Account.SPENT: cost, Account.FREE: amount - cost}
    _write(within, "settled" if cost else "given back", moves, held)


def _write(purses: Iterable[Purse], memo: str, moves: dict[Account, int], held: Reservation | None = None) -> None:
    """Write one transaction: the same moves, which sum to zero, in each purse."""
    together = uuid.uuid4()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            transaction=together, purse=purse, account=account, microdollars=amount, reservation=held, memo=memo[:120]
        )
        for purse in purses
        for account, amount in moves.items()
        if amount
    )


def faults() -> list[str]:
    """Sentences about everything in the books that does not add up; an empty list is the normal answer."""
    odd = LedgerEntry.objects.values("transaction").annotate(total=Sum("microdollars")).exclude(total=0)
    found = [f"Transaction {row['transaction']} sums to {row['total']} micro-dollars, not zero." for row in odd]
    for purse in Purse.objects.all():
        sums = dict(purse.entries.values_list("account").annotate(Sum("microdollars")).order_by())
        booked = (sums.get(Account.HELD, 0), sums.get(Account.SPENT, 0), sums.get(Account.FREE, 0))
        counted = (purse.held_microdollars, purse.spent_microdollars, purse.free_microdollars)
        if booked != counted:
            found.append(f"The {purse} counts held, spent, free {counted}, its entries say {booked}.")
    return found
