"""Money: exact, held before it is spent, never over a cap."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import User
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from labeling.models import Annotator, Batch, LedgerEntry, Project, Purse, Reservation
from labeling.money import ledger
from tests.tasks import put_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(project: Any) -> Annotator:
    return Annotator.objects.create(project=project, kind="paid", name="gpt", spec="chat:gpt", price_microdollars=900)


def counts(purse: Purse) -> tuple[int, int, int]:
    purse.refresh_from_db()
    return purse.held_microdollars, purse.spent_microdollars, purse.free_microdollars


def test_a_reservation_holds_and_a_settlement_books_what_it_cost(batch: Any, paid: Annotator) -> None:
    held = ledger.reserve(batch.tasks.first(), paid, 4_000_000)
    assert counts(batch.purse) == (4_000_000, 0, 6_000_000)
    ledger.settle(held, 1_250_001)
    assert counts(batch.purse) == (0, 1_250_001, 8_749_999)
    assert ledger.faults() == []


def test_settling_or_releasing_twice_changes_nothing(batch: Any, paid: Annotator) -> None:
    held = ledger.reserve(batch.tasks.first(), paid, 100)
    ledger.settle(held, 60)
    ledger.settle(held, 60)
    ledger.release(held)
    assert counts(batch.purse) == (0, 60, 9_999_940)


def test_a_failure_gives_everything_back(batch: Any, paid: Annotator) -> None:
    ledger.release(ledger.reserve(batch.tasks.first(), paid, 100), "nothing was sent")
    assert counts(batch.purse) == (0, 0, 10_000_000)


def test_the_cap_refuses_the_last_micro_dollar_too_many(batch: Any, paid: Annotator) -> None:
    ledger.reserve(batch.tasks.first(), paid, 10_000_000)
    with pytest.raises(
        ledger.Refused, match=r"The money of this batch is spent: \$0.000001 is asked, \$0.00 of \$10.00"
    ):
        ledger.reserve(batch.tasks.first(), paid, 1)
    assert Reservation.objects.count() == 1 and ledger.faults() == []


def test_project_and_day_caps_hold_beside_the_batchs_and_nothing_is_half_held(batch: Any, paid: Annotator) -> None:
    whole = ledger.cap_project(batch.project, 5_000)
    ledger.cap_days(batch.project, 3_000)
    today = Purse.objects.get(day=timezone.now().date())
    old = Purse.objects.create(project=batch.project, day=timezone.now().date() - timedelta(days=1))
    held = ledger.reserve(batch.tasks.first(), paid, 2_000)
    with pytest.raises(ledger.Refused):
        ledger.reserve(batch.tasks.first(), paid, 2_000)
    assert [counts(p)[0] for p in (batch.purse, whole, today, old)] == [2_000, 2_000, 2_000, 0]
    assert ledger.free(batch) == 1_000
    ledger.settle(held, 500)
    assert [counts(p)[1] for p in (batch.purse, whole, today, old)] == [500, 500, 500, 0]
    assert ledger.faults() == []


def test_what_moved_before_a_cap_was_set_counts_under_it(batch: Any, paid: Annotator) -> None:
    task = batch.tasks.first()
    ledger.settle(ledger.reserve(task, paid, 700), 400)
    held = ledger.reserve(task, paid, 300)
    with pytest.raises(ledger.Refused, match="below the"):
        ledger.cap_project(batch.project, 699)
    whole = ledger.cap_project(batch.project, 1_000)
    assert counts(whole) == (300, 400, 300)
    ledger.cap_days(batch.project, 900)
    assert ledger.free(batch) == 200
    ledger.settle(held, 100)
    assert counts(whole) == (0, 500, 500) and ledger.free(batch) == 400
    assert ledger.faults() == []


def test_the_day_cap_begins_anew_each_day_and_can_be_lifted(
    batch: Any, paid: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, now = batch.tasks.first(), timezone.now()
    ledger.cap_days(batch.project, 1_000)
    ledger.reserve(task, paid, 900)
    with pytest.raises(ledger.Refused, match=f"The money of {now.date()} is spent"):
        ledger.reserve(task, paid, 101)
    monkeypatch.setattr(ledger.timezone, "now", lambda: now + timedelta(days=1))
    ledger.reserve(task, paid, 1_000)
    with pytest.raises(ledger.Refused):
        ledger.reserve(task, paid, 1)
    ledger.cap_days(batch.project, None)
    ledger.reserve(task, paid, 5_000)
    assert ledger.faults() == []


def test_a_batch_without_a_budget_of_its_own_may_spend_nothing(batch: Any, paid: Annotator) -> None:
    bare = Batch.objects.create(project=batch.project, name="bare")
    task = put_task(bare, position=0, external_id="b")
    with pytest.raises(ledger.Refused, match="this batch is spent"):
        ledger.reserve(task, paid, 1)
    assert ledger.free(bare) == 0


def test_an_unknown_outcome_keeps_its_hold_until_it_is_reconciled(batch: Any, paid: Annotator) -> None:
    held = ledger.reserve(batch.tasks.first(), paid, 100)
    ledger.keep_unknown(held, "the line was cut")
    assert counts(batch.purse) == (100, 0, 9_999_900)
    assert list(ledger.unreconciled(batch.project)) == [held]
    ledger.reconcile(held, 70, "on the bill of March")
    assert counts(batch.purse) == (0, 70, 9_999_930)
    assert not ledger.unreconciled(batch.project) and ledger.faults() == []


def test_a_call_that_was_not_charged_after_all_gives_everything_back(batch: Any, paid: Annotator) -> None:
    held = ledger.reserve(batch.tasks.first(), paid, 100)
    ledger.keep_unknown(held, "the line was cut")
    ledger.reconcile(held, None, "not on the bill")
    assert counts(batch.purse) == (0, 0, 10_000_000)
    assert Reservation.objects.get().note == "not on the bill"


def test_only_an_unknown_outcome_is_reconciled_and_no_charge_is_below_zero(batch: Any, paid: Annotator) -> None:
    held = ledger.reserve(batch.tasks.first(), paid, 100)
    with pytest.raises(ledger.Refused, match="known already"):
        ledger.reconcile(held, 50, "")
    ledger.keep_unknown(held, "the line was cut")
    with pytest.raises(ledger.Refused, match="state zero or more"):
        ledger.reconcile(held, -1, "")
    ledger.reconcile(held, 100, "")
    with pytest.raises(ledger.Refused, match="known already"):
        ledger.reconcile(held, 100, "")
    assert counts(batch.purse) == (0, 100, 9_999_900)


def test_a_bill_above_what_was_held_is_reconciled_in_full(batch: Any, paid: Annotator) -> None:
    held = ledger.reserve(batch.tasks.first(), paid, 100)
    ledger.keep_unknown(held, "the line was cut")
    ledger.reconcile(held, 101, "as on the bill")
    assert counts(batch.purse) == (0, 101, 9_999_899) and ledger.faults() == []
    assert Reservation.objects.get().note == "$0.0001 was held, $0.000101 was billed. as on the bill"


def test_a_cap_can_be_raised_and_lowered_but_not_below_what_is_held(batch: Any, paid: Annotator) -> None:
    ledger.reserve(batch.tasks.first(), paid, 100)
    ledger.set_cap(batch.purse, 100)
    assert counts(batch.purse) == (100, 0, 0)
    with pytest.raises(ledger.Refused, match="below the"):
        ledger.set_cap(batch.purse, 99)
    with pytest.raises(ledger.Refused, match="below zero"):
        ledger.set_cap(batch.purse, -1)
    ledger.set_cap(batch.purse, 20_000_000)
    assert ledger.faults() == []


def test_the_kill_switch_stops_new_calls_at_once(batch: Any, paid: Annotator) -> None:
    Project.objects.update(calls_stopped_at=timezone.now())
    with pytest.raises(ledger.Refused, match="are stopped"):
        ledger.reserve(batch.tasks.first(), paid, 1)
    ann = Annotator.of(batch.project, User.objects.get(username="ann"), "person")
    ledger.reserve(batch.tasks.first(), ann, 1)  # people go on working, and are paid


def test_faults_are_seen(batch: Any) -> None:
    Purse.objects.update(held_microdollars=5)
    LedgerEntry.objects.create(
        transaction="00000000-0000-0000-0000-000000000001", purse=batch.purse, account="free", microdollars=3, memo="?"
    )
    assert len(ledger.faults()) == 2


def test_dollars_read_like_money() -> None:
    assert [ledger.dollars(n) for n in (0, 1, 1_500, 250_000, 38_120_000, 1_234_567_890)] == [
        "$0.00", "$0.000001", "$0.0015", "$0.25", "$38.12", "$1,234.57",
    ]  # fmt: skip


def test_an_expected_amount_below_a_cent_is_never_told_as_a_cent() -> None:
    told = [ledger.about(n) for n in (0, 0.4, 42, 4_000, 6_000, 9_999, 10_000, 98_912, 1_234_567_890)]
    assert told == ["$0.00", "$0.0000004", "$0.000042", "$0.004", "$0.006", "$0.01", "$0.01", "$0.10", "$1,234.57"]


def test_a_headline_tells_cents_and_never_that_nothing_was_spent_when_something_was() -> None:
    told = [ledger.cents(n) for n in (0, 1, 9_999, 10_000, 98_912, 1_234_567_890)]
    assert told == ["$0.00", "under $0.01", "under $0.01", "$0.01", "$0.10", "$1,234.57"]


def close(held: Reservation, move: str, amount: int) -> None:
    if move == "s":
        ledger.settle(held, amount)
    elif move == "l":
        ledger.release(held)
    elif move == "h":
        with suppress(ledger.Refused):
            ledger.raise_hold(held, amount)
    else:
        ledger.keep_unknown(held, "?")


def beyond(one: Reservation) -> int:
    return max((one.cost_microdollars or 0) - one.reserved_microdollars, 0)


def books_add_up(cap: int, moves: list[tuple[str, int]]) -> None:
    project = Project.objects.create(name="p", slug="p")
    batch = Batch.objects.create(project=project, name="b")
    task = put_task(batch, position=0)
    paid = Annotator.objects.create(project=project, kind="paid", name="m", spec="s", price_microdollars=1)
    purse = ledger.open_purse(batch, cap)
    held: list[Reservation] = []
    for move, amount in moves:
        if move == "r":
            try:
                held.append(ledger.reserve(task, paid, amount))
            except ledger.Refused:
                assert amount > counts(purse)[2]
        elif held:
            close(held[amount % len(held)], move, amount)
        now = counts(purse)
        purse.refresh_from_db()
        assert min(now) >= 0 and sum(now) == cap + purse.overdrawn_microdollars
        assert purse.overdrawn_microdollars <= sum(beyond(one) for one in Reservation.objects.all())
    billed = Reservation.objects.aggregate(all=Sum("cost_microdollars"))["all"] or 0
    assert counts(purse)[1] == billed, "what was billed is booked in full"
    assert ledger.faults() == []


MOVEMENTS = st.lists(st.tuples(st.sampled_from("rsluh"), st.integers(0, 200)), max_size=25)


class AnyOrderOfMovements(TestCase):
    """Whatever happens in whatever order, the books add up, and only a bill above what was held crosses a cap."""

    @pytest.mark.slow
    @given(st.integers(0, 500), MOVEMENTS)
    @hypothesis.settings(max_examples=25)
    def test_books_add_up(self, cap: int, moves: list[tuple[str, int]]) -> None:
        books_add_up(cap, moves)

    @pytest.mark.slow
    @given(st.integers(0, 500), MOVEMENTS)
    @hypothesis.settings(max_examples=200)
    def test_books_add_up_in_many_more_orders(self, cap: int, moves: list[tuple[str, int]]) -> None:
        books_add_up(cap, moves)
