"""What more money buys: stored forecasts made into a curve, plans and words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from labeling.checks import results
from labeling.models import Annotator, Batch, Decision, Purse, Round, Task, Vote
from labeling.money import ledger
from labeling.reports import kept
from labeling.reports.batch import levels
from labeling.reports.drawing.curves import Spot
from labeling.reports.money import outlook
from labeling.reports.money.outlook import Ahead
from labeling.routing.forecast import GAIN_ERROR
from tests.labeling.managed import settled_batch, told

pytestmark = pytest.mark.django_db

TOLD: dict[str, Any] = {
    "level": {"accuracy": 0.8, "low": 0.7, "high": 0.9, "validated": 40},
    "budget": [0, 1_000_000, 5_000_000, 10_000_000, 20_000_000],
    "spend": [0, 1_000_000, 5_000_000, 8_000_000, 8_000_000],
    "accuracy": [0.8, 0.85, 0.9, 0.902, 0.902],
    "low": [0.7, 0.75, 0.8, 0.802, 0.802],
    "high": [0.9, 0.95, 1.0, 1.0, 1.0],
    "marginal_dollars": [0.2, 0.4, 2.0, None, None],
    "everything": [{"name": "Dear", "cost": 6_000_000, "alone": 0.83, "low": 0.7, "high": 0.9, "together": 0.91}],
    "spent_before": 0,
    "tasks": 200,
}


def foretold(batch: Batch, told: dict[str, Any] = TOLD, number: int = 1, up_to_vote: int = 10**9) -> Round:
    parameters = {"forecast": told, "up_to_vote": up_to_vote}
    return Round.objects.create(batch=batch, number=number, method="auto", router="value", parameters=parameters)


class TestAhead:
    def test_between_two_budgets_a_straight_line_is_drawn(self) -> None:
        ahead = Ahead.of({**TOLD, "spent_before": 500_000})
        assert ahead.at(500_000).value == 0.8 and ahead.at(1_000_000).value == pytest.approx(0.825)
        assert ahead.at(10**9).value == 0.902 and ahead.end == 8_500_000

    def test_from_a_measured_level_the_same_part_of_the_errors_is_taken_away(self) -> None:
        ahead = Ahead.of(TOLD).from_level(Spot(1.0, 0.94, 0.88, 0.97), 1_000_000)
        now, later = ahead.at(1_000_000), ahead.at(5_000_000)
        assert (now.value, now.low, now.high) == pytest.approx((0.94, 0.88, 0.97))
        assert later.value == pytest.approx(1 - 0.06 * 0.10 / 0.15), "a third of the errors"
        error = 1.96 * GAIN_ERROR * 0.02
        assert later.low == pytest.approx(later.value - np.hypot(0.06, error), abs=1e-5)
        assert later.high == pytest.approx(later.value + np.hypot(0.03, error), abs=1e-5)
        assert ahead.price_of_the_next(1_000_000) == pytest.approx(0.4 * 0.15 / 0.06), "so each is dearer"

    def test_where_nothing_is_wrong_nothing_is_left_to_gain(self) -> None:
        ahead = Ahead.of(TOLD).from_level(Spot(0.0, 1.0, 0.93, 1.0), 0)
        assert ahead.at(8_000_000).value == 1.0 and ahead.price_of_the_next(0) is None

    def test_the_price_of_the_next_label_is_that_of_the_step_one_stands_on(self) -> None:
        ahead = Ahead.of(TOLD)
        prices = [ahead.price_of_the_next(spent) for spent in (0, 999_999, 1_000_000, 6_000_000, 9_000_000)]
        assert prices == [0.2, 0.2, 0.4, 2.0, None]

    def test_the_least_money_for_an_accuracy_lies_on_the_line(self) -> None:
        ahead = Ahead.of(TOLD)
        assert ahead.least_for(0.825) == pytest.approx(500_000) and ahead.least_for(0.5) == 0
        assert ahead.least_for(0.99) == 8_000_000


def test_before_anything_is_weighed_there_is_no_outlook(manager: Client, batch: Batch) -> None:
    assert outlook.outlook(batch) is None
    assert "What more money buys" not in told(manager.get("/p/city/money/"))
    Round.objects.create(batch=batch, number=1, method="auto", router="value", parameters={"forecast": None})
    assert "no known labels to rest a forecast on" in told(manager.get("/p/city/money/"))


def test_a_money_page_of_before_the_last_change_fetches_itself_once_more(
    manager: Client, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 10_000)
    foretold(batch)
    assert "load delay" not in told(manager.get("/p/city/money/"))
    voter = Annotator.objects.create(project=batch.project, kind="model", name="Alpha", spec="word_logistic")
    Vote.objects.create(task=batch.tasks.all()[0], annotator=voter, label=None)
    for part in ("ahead", "bill"):
        page = told(manager.get("/p/city/money/", headers={"HX-Request": "true", "HX-Target": part}))
        assert page.startswith(f'<div class="page-part" id="{part}"') and page.count(", load delay:") == 1


def test_the_rounds_of_a_batch_ask_again_while_one_is_under_way(manager: Client, batch: Batch) -> None:
    turn, address = foretold(batch), f"{batch.get_absolute_url()}rounds/"
    assert "load delay" in told(manager.get(address))
    Round.objects.filter(pk=turn.pk).update(finished_at=timezone.now())
    assert "load delay" not in told(manager.get(address))


def test_where_nothing_is_checked_the_forecast_stands_alone(manager: Client, batch: Batch) -> None:
    foretold(batch)
    found = outlook.outlook(batch)
    assert found is not None and not found.now.estimable
    assert found.next_dollars == 10 and found.next_labels == pytest.approx(200 * 0.102)
    names = [(plan.name, plan.dollars) for plan in found.plans]
    assert names == [("Up to the cap", 8.0), ("Nearly as good", pytest.approx(4.76)), ("Dear on everything", 6.0)]
    words = [spot.words for spot in found.curve.expected]
    assert words[0] == "expected; one more for about $0.20" and words[-1].endswith("nothing more is worth its price")
    page = told(manager.get("/p/city/money/"))
    assert "The next $10.00 should buy <b>about 20 more right labels</b>" in page and "Fewer than 30" in page


def test_little_money_buys_little(batch: Batch) -> None:
    foretold(batch)
    ledger.set_cap(Purse.objects.get(batch=batch), 500_000)
    found = outlook.outlook(batch)
    assert found is not None and found.next_dollars == 0.5 and found.next_labels == pytest.approx(200 * 0.025)
    assert found.curve.expected[-1].dollars == 0.5 and found.plans[0].dollars == 0.5


def test_money_that_cannot_be_held_for_one_answer_promises_nothing(manager: Client, batch: Batch) -> None:
    turn = foretold(batch)
    Round.objects.filter(pk=turn.pk).update(parameters=turn.parameters | {"holds": {"Dear": 600_000}})
    ledger.set_cap(Purse.objects.get(batch=batch), 500_000)
    found = outlook.outlook(batch)
    assert found is not None and found.next_labels == 0 and found.short_of == 0.6
    page = told(manager.get("/p/city/money/"))
    assert "Less money is free than the $0.60 that must be held while one answer is asked for" in page


def test_without_free_money_the_page_says_what_one_more_would_cost(manager: Client, batch: Batch) -> None:
    foretold(batch)
    ledger.set_cap(Purse.objects.get(batch=batch), 0)
    assert "one more right label costs about $0.20" in told(manager.get("/p/city/money/"))


@pytest.mark.slow
def test_what_was_measured_is_held_against_what_was_foreseen(manager: Client, project: Any) -> None:
    project.weigh_by("majority_vote")
    batch = Batch.objects.get(pk=settled_batch(project, 120, gold_every=1, wrong_every=4).pk)
    paid = Annotator.objects.create(project=project, kind="paid", name="Dear", spec="x", price_microdollars=1000)
    tasks = list(batch.tasks.order_by("position"))
    Task.objects.filter(pk__in=[task.pk for task in tasks[:40]]).update(slice="validation")
    last = Vote.objects.latest("pk").pk
    foretold(batch, up_to_vote=last)
    for task in tasks[40:60]:
        Vote.objects.create(task=task, annotator=paid, label=task.gold, cost_microdollars=50_000)
        ledger.settle(ledger.reserve(task, paid, 50_000), 50_000)
        task.decisions.update(label=task.gold)
    found = outlook.outlook(batch)
    assert found is not None
    assert [spot.dollars for spot in found.curve.measured] == [0.0, 1.0]
    right = [spot.value for spot in found.curve.measured]
    assert right == pytest.approx([60 / 80, 65 / 80])
    assert found.foreseen.value == 0.85 and found.now.value == right[1] and found.met
    assert found.curve.expected[0].value == pytest.approx(right[1])
    assert "lies within what the first forecast foresaw" in told(manager.get("/p/city/money/"))
    assert "What more money buys" in told(manager.get("/p/city/"))


def test_tasks_that_wait_count_by_their_likeliest_label_so_that_nothing_jumps_when_they_are_settled(
    project: Any,
) -> None:
    """A crowd that settles only what it is sure of must not look better than it is."""
    project.weigh_by("majority_vote")
    batch = Batch.objects.get(pk=settled_batch(project, 120, gold_every=1, wrong_every=4).pk)
    wrong = [task.pk for task in batch.tasks.order_by("position") if task.position % 4 == 0]
    Decision.objects.filter(task__in=wrong).delete()
    Task.objects.filter(pk__in=wrong).update(stage="open")
    foretold(batch)
    found = outlook.outlook(batch)
    assert found is not None and found.now.value == pytest.approx(90 / 120)
    assert found.now.low is not None and found.now.low < 0.75 < (found.now.high or 0)
    assert found.curve.expected[0].value == pytest.approx(0.75)
    whole, sure = levels.now(project.first_question), levels.settled(results.load(project))
    assert whole.value == pytest.approx(0.75) and sure.value == 1.0
    assert whole.low is not None and whole.low < 0.75 < (whole.high or 0)


def test_without_checks_among_the_tasks_that_wait_nothing_is_held_against_the_forecast(project: Any) -> None:
    batch = settled_batch(project, 120, gold_every=2, wrong_every=10)
    waits = batch.tasks.filter(gold=None)[:30].values_list("pk", flat=True)
    Decision.objects.filter(task__in=list(waits)).delete()
    Task.objects.filter(pk__in=list(waits)).update(stage="open")
    foretold(batch)
    found = outlook.outlook(batch)
    assert found is not None and not found.now.estimable and not found.curve.measured
    assert found.curve.expected[0].value == 0.8, "the forecast's own level"


def test_experts_see_no_money_on_the_overview(client: Client, batch: Batch) -> None:
    foretold(batch)
    client.force_login(User.objects.get(username="eve"))
    assert "What more money buys" not in told(client.get("/p/city/"))


def test_the_newest_batch_with_a_forecast_is_shown_or_the_one_that_was_asked_for(
    manager: Client, batch: Batch, project: Any
) -> None:
    other = Batch.objects.create(project=project, name="April")
    ledger.open_purse(other, 1_000_000)
    for one in (batch, other):
        foretold(one)
    assert manager.get("/p/city/money/").context["batch"] == other
    assert manager.get("/p/city/money/", {"batch": batch.pk}).context["batch"] == batch
    assert manager.get("/p/city/money/", {"batch": "x"}).context["batch"] == other
