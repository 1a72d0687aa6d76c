"""What is spent on each group, held against numbers counted by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from fairness.intervals import wilson
from fairness.spending.of_batch import Spending, spending
from labeling.models import Annotator, Batch, Decision, Escalation, Label, Vote
from labeling.money import ledger
from tests.labeling.managed import settled_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(project) -> Batch:
    """100 tasks in each of two groups; Harbour's waited an hour longer, and 10 of its labels cost a cent."""
    cache.clear()
    made = settled_batch(project, tasks=200, gold_every=1000)
    began = timezone.now() - timedelta(hours=4)
    Batch.objects.filter(pk=made.pk).update(created_at=began)
    paid = Annotator.objects.create(project=project, kind="paid", name="gpt", spec="chat:x", price_microdollars=1)
    for group, hours in (("Harbour", 2), ("Old Town", 1)):
        tasks = made.tasks.in_group(["Group"], group)
        Decision.objects.filter(task__in=tasks).update(created_at=began + timedelta(hours=hours))
    for task in made.tasks.in_group(["Group"], "Harbour").order_by("pk")[:10]:
        ledger.settle(ledger.reserve(task, paid, 20_000), 10_000)
        Escalation.objects.create(task=task, to="person", reason="uncertain", why="Torn.")
    made.refresh_from_db()
    return made


def row(found: Spending | None, group: str) -> dict:
    assert found is not None
    one = next(each for each in found.rows if each.group == group)
    return {cell.told.head: cell for cell in one.cells}


def told(batch: Batch) -> Spending | None:
    return spending(batch, ("Group",), batch.project.first_question)


def test_money_waiting_and_second_opinions_are_counted_by_group(batch: Batch) -> None:
    harbour, old = row(told(batch), "Harbour"), row(told(batch), "Old Town")
    assert harbour["Money"].found.value == pytest.approx(10 * 0.01 / 100) and old["Money"].found.value == 0
    assert harbour["Waited"].found.value == pytest.approx(7200) and old["Waited"].found.value == pytest.approx(3600)
    low, high = wilson(10, 100)
    sent = harbour["Sent on"].found
    assert (sent.value, sent.low, sent.high) == (0.1, pytest.approx(float(low)), pytest.approx(float(high)))
    assert old["Sent on"].found.value == 0 and harbour["Still open"].found.value == 0
    assert harbour["Waited"].differs and harbour["Sent on"].differs and not harbour["Overruled"].differs


def test_votes_that_say_nothing_are_shared_among_those_cast(batch: Batch) -> None:
    """Gamma, one of three models, says nothing on every tenth task; of those half are in each group or all in one."""
    for group in ("Harbour", "Old Town"):
        votes = Vote.objects.filter(task__in=batch.tasks.in_group(["Group"], group))
        assert row(told(batch), group)["No answer"].found.value == pytest.approx(
            votes.filter(label=None).count() / votes.count()
        )


def test_a_label_that_an_expert_replaced_is_overruled_and_one_that_was_confirmed_is_not(batch: Batch) -> None:
    labels = list(Label.objects.filter(question=batch.project.first_question))
    for place, task in enumerate(batch.tasks.in_group(["Group"], "Old Town").order_by("pk")[:20]):
        made = Decision.objects.current().get(task=task)
        other = next(one for one in labels if one.pk != made.label_id)
        Decision.objects.filter(pk=made.pk).update(superseded_at=timezone.now())
        label = other if place < 15 else made.label
        Decision.objects.create(task=task, label=label, decided_by="expert", confidence=1, entropy=0)
    assert row(told(batch), "Old Town")["Overruled"].found.value == pytest.approx(0.15)
    assert row(told(batch), "Harbour")["Overruled"].found.value == 0


def test_small_groups_say_not_enough_and_equal_ones_do_not_differ(project, manager: Client) -> None:
    cache.clear()
    batch = settled_batch(project, tasks=50, gold_every=2)
    found = told(batch)
    assert found is not None and not found.differing
    assert all(not cell.found.estimable and "of 30" in cell.found.reason for each in found.rows for cell in each.cells)
    page = manager.get(batch.get_absolute_url()).content.decode()
    assert "What is spent on each group" in page and "not enough" in page


def test_the_page_tells_hours_cents_and_who_differs(batch: Batch, manager: Client) -> None:
    page = " ".join(manager.get(batch.get_absolute_url()).content.decode().split())
    assert "<b>2 h</b>" in page and "$0.0010" in page and "differs</span>" in page


def test_batches_without_groups_have_no_such_table(batch: Batch) -> None:
    batch.instances.update(groups={})
    assert told(batch) is None
