"""The replay page: a batch once more on its own votes, with the difference in money and accuracy."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from labeling.models import Annotator, Batch, Decision, Task, Vote
from labeling.money import ledger
from labeling.reports.drawing.curves import Curve, Spot, round_step
from tests.labeling.managed import settled_batch, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def bought(project: Any) -> Batch:
    """120 tasks, gold on every one, 40 of them known; a paid model was right about 40 others, at $0.001 each."""
    batch = settled_batch(project, 120, gold_every=1, wrong_every=4)
    paid = Annotator.objects.create(project=project, kind="paid", name="Dear", spec="x", price_microdollars=1000)
    tasks = list(batch.tasks.order_by("position"))
    Task.objects.filter(pk__in=[task.pk for task in tasks[:40]]).update(slice="validation")
    Decision.objects.filter(task__in=tasks[:40]).update(label=project.label_list()[0])
    for task in tasks[:80]:
        Vote.objects.create(task=task, annotator=paid, label=task.gold, cost_microdollars=1000)
        ledger.settle(ledger.reserve(task, paid, 5000), 1000)
    return batch


def address(batch: Batch) -> str:
    return f"/p/city/batches/{batch.pk}/replay/"


@pytest.mark.slow
def test_it_starts_as_the_project_has_it(manager: Client, bought: Batch) -> None:
    answer = manager.get(address(bought))
    found = answer.context["found"]
    assert (found.ours.calls, found.ours.cost, found.checks) == (40, 40_000, 80)
    assert found.ours.right.value == pytest.approx(60 / 80)
    assert found.theirs.cost == 1000 * found.theirs.calls <= 40_000
    assert found.parties == (("paid", "Dear", 40, 1000),)
    assert f"always saying <bdi>{found.common.label}</bdi> is right {found.common.share:.1%} of the time" in told(
        answer
    )


@pytest.mark.slow
def test_no_money_buys_nothing_and_says_what_it_saves(manager: Client, bought: Batch) -> None:
    asked = {"router": "value", "aggregator": "majority_vote", "budget": "0"}
    answer = manager.get(address(bought), asked)
    found = answer.context["found"]
    assert (found.theirs.calls, found.theirs.cost, found.saved) == (0, 0, 40_000)
    assert "$0.04 less than it did" in told(answer)


@pytest.mark.slow
def test_money_buys_what_the_past_run_lacked(manager: Client, bought: Batch) -> None:
    asked = {"router": "random", "aggregator": "majority_vote", "budget": "1"}
    found = manager.get(address(bought), asked).context["found"]
    assert found.theirs.calls == 40 and found.saved == 0
    assert found.difference.value == pytest.approx(found.theirs.right.value - found.ours.right.value)
    assert found.difference.low < found.difference.value < found.difference.high
    rights = [spot.value for spot in found.curve.measured]
    assert rights[-1] >= rights[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"budget": "NaN"}, "no amount of money"),
        ({"budget": "-1"}, "below zero"),
        ({"router": "x"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    manager: Client, bought: Batch, change: dict[str, str], sentence: str
) -> None:
    answer = manager.get(address(bought), {"router": "value", "aggregator": "auto", "budget": "1", **change})
    assert answer.status_code == 422 and sentence in told(answer)


def test_where_nothing_was_bought_the_page_says_where_to_look(manager: Client, project: Any, batch: Batch) -> None:
    assert "Nobody has voted" in told(manager.get(address(batch)))
    assert "Nothing was bought" in told(manager.get(address(settled_batch(project))))


@pytest.mark.slow
def test_no_learning_library_is_loaded_for_it() -> None:
    code = "import django; django.setup(); import labeling.reports.batch.replays, sys; "
    code += "print([name for name in ('torch', 'sklearn', 'transformers', 'openai') if name in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_a_curve_s_corners_lie_within_the_drawing() -> None:
    spots = (Spot(0, 0.7, 0.6, 0.8), Spot(2, 0.9, 0.85, 0.95))
    curve = Curve(spots, (Spot(4, 0.95, 0.8, 1.0),), (Spot(2, 0.9, words="now"),))
    corners = [tuple(map(float, corner.split(","))) for corner in curve.band.split()]
    assert len(corners) == 6 and all(0 <= part <= 100 for corner in corners for part in corner)
    assert curve.solid.split()[-1] == curve.dashed.split()[0]
    assert [tick.text for tick in curve.ticks] == ["$0", "$1", "$2", "$3", "$4"]
    assert [round_step(least) for least in (0.3, 1, 1.1, 7, 0.04)] == pytest.approx([0.5, 1, 2, 10, 0.05])
