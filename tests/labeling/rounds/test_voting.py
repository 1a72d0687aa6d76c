"""Free chat models vote chunk by chunk, over a real connection on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.crowd import errors
from labeling.models import Annotator, Batch, Chunk, Reservation, Task, Vote
from labeling.people import recruiting
from labeling.rounds import story, voting
from tests.fake_openai import FakeOpenAI

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def chunk(batch: Batch, server: FakeOpenAI) -> Chunk:
    """The six tasks of the batch, leased for a free model behind the server."""
    recruiting.add_models(batch.project, [f"chat:free@{server.base_url}?local=yes&timeout=5"])
    story.hand_out(batch)
    leased = batch.chunks.claim(30)
    assert leased is not None
    return leased


def test_every_task_gets_a_vote_and_no_money_moves(chunk: Chunk, server: FakeOpenAI) -> None:
    assert voting.vote_on(chunk)
    assert Vote.objects.filter(label__isnull=False).count() == len(server.requests) == 6
    assert not Reservation.objects.exists() and not Vote.objects.exclude(cost_microdollars=0).exists()


def test_a_text_the_server_will_not_read_is_an_abstention_and_the_others_are_voted_on(
    chunk: Chunk, server: FakeOpenAI
) -> None:
    server.behaviours.extend(["label", "413", "400"])
    assert voting.vote_on(chunk)
    assert Vote.objects.count() == 6
    told = Vote.objects.filter(label=None).order_by("task").values_list("raw", flat=True)
    assert "too long" in told[0] and "refuses the request" in told[1]


def test_a_passing_failure_writes_nothing_and_is_tried_again(chunk: Chunk, server: FakeOpenAI) -> None:
    server.behaviours.extend(["label", "500"])
    assert not voting.vote_on(chunk)
    assert not Vote.objects.exists() and "HTTP 500" in Annotator.objects.get().error
    Chunk.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    again = Chunk.objects.claim(30)
    assert again is not None and voting.vote_on(again)
    assert Vote.objects.count() == 6 and not Annotator.objects.get().error


def test_a_wrong_key_is_raised(chunk: Chunk, server: FakeOpenAI) -> None:
    server.behaviours.append("401")
    with pytest.raises(errors.WrongKey, match="correct the key"):
        voting.vote_on(chunk)


@pytest.mark.slow
def test_the_lease_is_kept_during_one_long_call(
    chunk: Chunk, server: FakeOpenAI, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[float] = []
    monkeypatch.setattr(Chunk, "renew", lambda _, seconds: kept.append(seconds))
    settings.LEASE_SECONDS = 1
    Task.objects.filter(position__gt=0).delete()
    server.slow_seconds = 1.3
    server.behaviours.append("slow")
    assert voting.vote_on(chunk)
    assert Vote.objects.count() == 1 and len(kept) >= 2
