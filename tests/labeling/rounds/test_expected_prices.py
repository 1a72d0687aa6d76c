"""What an answer is likely to cost: from the batch's bills, from answers elsewhere, from the texts alone."""

from __future__ import annotations

import pytest

from labeling.models import Annotator, Batch, Vote
from labeling.money import ledger
from labeling.people import recruiting, voters
from labeling.rounds import expected_prices
from labeling.rounds.expected_prices import Metered
from tests.fake_openai import FakeOpenAI
from tests.tasks import put_tasks

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(batch: Batch, server: FakeOpenAI) -> Annotator:
    return recruiting.add_paid(batch.project, f"chat:m@{server.base_url}?local=yes&input=10&output=40")


def longer(batch: Batch) -> Batch:
    """Another batch, whose texts are forty times as long."""
    other = Batch.objects.create(project=batch.project, name="Long", rows_read=6, rows_new=6)
    put_tasks(other, ({"position": one.position, "parts": [["Text", one.text * 40]]} for one in batch.tasks.all()))
    return other


def test_before_any_answer_the_texts_tell(batch: Batch, paid: Annotator) -> None:
    short, long = expected_prices.of(paid, batch), expected_prices.of(paid, longer(batch))
    voter = voters.ready(paid, batch)
    assert isinstance(voter, Metered)
    tokens = [voter.most_tokens(voters.question(task)) for task in batch.tasks.all()]
    assert short == pytest.approx(10 * sum(tokens) / 18 + 40 * 20, rel=0.01) and long > 2 * short


def test_what_its_answers_used_elsewhere_is_reckoned_for_these_texts(batch: Batch, paid: Annotator) -> None:
    voter = voters.ready(paid, batch)
    assert isinstance(voter, Metered)
    for task in batch.tasks.all():
        most = voter.most_tokens(voters.question(task))
        Vote.objects.create(task=task, annotator=paid, input_tokens=most // 5, output_tokens=9, prompt_version="p")
    other = longer(batch)
    tokens = [voter.most_tokens(voters.question(task)) for task in other.tasks.all()]
    assert expected_prices.of(paid, other) == pytest.approx(10 * sum(tokens) / 6 / 5 + 40 * 9, rel=0.02)


def test_the_batch_s_own_bills_count_most_and_their_spread_makes_it_careful(batch: Batch, paid: Annotator) -> None:
    for cost, task in zip((100, 100, 100, 100, 200, 300), batch.tasks.all(), strict=True):
        held = ledger.reserve(task, paid, 1000)
        ledger.settle(held, cost)
    mean = 150
    assert mean < expected_prices.of(paid, batch) <= 300
    assert expected_prices.at_most([150.0] * 6) == 150.0


def test_a_model_without_tokens_costs_what_was_stated(batch: Batch) -> None:
    made = Annotator.objects.create(
        project=batch.project,
        kind="paid",
        name="Gone",
        spec="replay:/nowhere.csv?worker=x&call=1",
        price_microdollars=7,
    )
    assert expected_prices.of(made, batch) == 7
