"""Free chat models vote chunk by chunk, over a real connection on this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.crowd.openai_chat import ChatModel
from labeling.models import Annotator, Batch, Chunk, Project, Reservation, Task, Vote
from labeling.people import recruiting, rules, voters
from labeling.rounds import story, voting
from tests.fake_openai import FakeOpenAI

pytestmark = pytest.mark.django_db


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


def after(answers: int, happens: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen between the n-th answer and the next call."""
    make, made = voters.vote, iter(range(1, 100))

    def vote(*given: Any) -> Vote:
        if next(made) == answers:
            happens()
        return make(*given)

    monkeypatch.setattr(voters, "vote", vote)


def again(chunk: Chunk) -> Chunk | None:
    """The chunk once its model's rest is over."""
    Annotator.objects.update(retry_at=None)
    return chunk.batch.chunks.claim(30)


def test_what_was_answered_before_a_failure_is_kept_and_only_the_rest_is_asked_again(
    chunk: Chunk, server: FakeOpenAI
) -> None:
    server.behaviours.extend(["label", "500"])
    assert voting.vote_on(chunk)
    assert Vote.objects.count() == 1 and "HTTP 500" in Annotator.objects.get().error
    assert chunk.batch.chunks.claim(30) is None, "it rests for a moment"
    retried = again(chunk)
    assert retried is not None and voting.vote_on(retried)
    assert Vote.objects.count() == 6 and len(server.requests) == 7
    assert not Annotator.objects.get().error and not chunk.batch.chunks.unfinished().exists()


def test_a_server_of_a_free_tier_is_waited_for_as_it_says_and_no_answer_is_lost(
    chunk: Chunk, server: FakeOpenAI
) -> None:
    """Two calls, then 429 with Retry-After, over and over: six texts need eight calls and no vote is lost."""
    server.behaviours.extend(["label", "label", "429"] * 3)
    pending: Chunk | None = chunk
    for kept in (2, 4):
        assert pending is not None and voting.vote_on(pending)
        waits = Annotator.objects.get().retry_at
        assert waits is not None and timedelta(seconds=5) < waits - timezone.now() <= timedelta(seconds=7)
        assert Vote.objects.count() == kept and not chunk.batch.paused_at
        pending = again(chunk)
    assert pending is not None and voting.vote_on(pending)
    assert Vote.objects.filter(label__isnull=False).count() == 6 and len(server.requests) == 8


def test_a_model_that_loads_for_half_a_minute_is_waited_for(chunk: Chunk, server: FakeOpenAI) -> None:
    server.behaviours.extend(["503"] * 5)
    server.retry_after = ""
    pauses = []
    pending: Chunk | None = chunk
    while pending is not None and chunk.batch.chunks.unfinished().exists():
        assert voting.vote_on(pending)
        until = Annotator.objects.get().retry_at
        pauses.append(round((until - timezone.now()).total_seconds()) if until else 0)
        pending = again(chunk)
    assert pauses == [1, 2, 4, 8, 30, 0] and Vote.objects.count() == 6


def test_other_members_go_on_while_one_fails_and_at_last_a_person_is_asked(chunk: Chunk, server: FakeOpenAI) -> None:
    server.behaviours.append("401")
    batch = chunk.batch
    other = recruiting.add_models(batch.project, [f"chat:other@{server.base_url}?local=yes"])[0]
    chunk.give_back()
    Batch.objects.update(stage=Batch.Stage.VOTING)
    story.hand_out(batch)
    while story.advance(batch.pk):
        pass
    batch.refresh_from_db()
    assert Vote.objects.filter(annotator=other, label__isnull=False).count() == 6
    assert batch.stage == Batch.Stage.VOTING and batch.paused_at
    assert "correct the key" in batch.error and "pause free" in batch.error
    batch.resume()
    assert story.advance(batch.pk), "it is tried again at once"
    assert Vote.objects.count() == 12


def test_or_the_others_go_on_without_it_where_the_project_says_so(chunk: Chunk, server: FakeOpenAI) -> None:
    Project.objects.update(when_model_fails="next")
    server.behaviours.append("401")
    chunk.give_back()
    Batch.objects.update(stage=Batch.Stage.VOTING)
    assert story.advance(chunk.batch.pk) and story.advance(chunk.batch.pk) and story.advance(chunk.batch.pk)
    assert Batch.objects.get().stage == Batch.Stage.WEIGHING and "correct the key" in Annotator.objects.get().error


def test_a_paused_member_holds_nobody_up(chunk: Chunk) -> None:
    chunk.give_back()
    rules.pause(chunk.annotator)
    Batch.objects.update(stage=Batch.Stage.VOTING)
    assert chunk.batch.chunks.claim(30) is None and story.advance(chunk.batch.pk)
    assert Batch.objects.get().stage == Batch.Stage.WEIGHING


@pytest.mark.parametrize("when", ["prepare", "outcomes"])
def test_an_unforeseen_error_of_a_voter_is_a_failure_with_one_sentence(
    chunk: Chunk, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def break_down(*_: Any) -> Any:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(ChatModel, when, break_down)
    assert voting.vote_on(chunk)
    told = Annotator.objects.get()
    assert "ZeroDivisionError: of all things" in told.error and told.error.endswith(".") and told.failures == 1
    assert not Chunk.objects.exclude(leased_until=None).exists() and not Batch.objects.get().paused_at
    monkeypatch.undo()
    retried = again(chunk)
    assert retried is not None and voting.vote_on(retried) and Vote.objects.count() == 6


def test_a_member_that_never_recovers_is_left_alone_after_eight_failures(chunk: Chunk, server: FakeOpenAI) -> None:
    server.behaviours.extend(["500"] * 20)
    pending: Chunk | None = chunk
    while pending is not None:
        voting.vote_on(pending)
        pending = again(chunk)
    assert len(server.requests) == Chunk.TRIES == 8 and chunk.batch.chunks.given_up().count() == 1


def test_a_list_of_garbage_rests_like_a_failing_model_and_is_told(chunk: Chunk, server: FakeOpenAI) -> None:
    server.behaviours.extend(["babble"] * 30)
    assert voting.vote_on(chunk)
    told = Annotator.objects.get()
    assert "without naming a label" in told.error and "talk about the weather" in told.error and told.rests
    assert Vote.objects.filter(label=None).count() == 5
    assert len(server.requests) == 6, "the first text is asked twice, the others once"


def test_a_pause_stops_a_free_model_within_the_chunk(
    chunk: Chunk, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voting, "LOOK_SECONDS", 0.0)
    after(2, lambda: chunk.batch.stop(""), monkeypatch)
    assert voting.vote_on(chunk)
    assert len(server.requests) == Vote.objects.count() == 2
    assert not Chunk.objects.exclude(leased_until=None).exists() and Annotator.objects.get().failures == 0


def test_what_must_stay_from_now_on_is_not_sent_and_no_failure(
    chunk: Chunk, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch made local-only in the middle of a chunk takes hold at the next call; the answer under way is dropped."""
    monkeypatch.setattr(ChatModel, "outside", property(lambda _: True, lambda *_: None), raising=False)
    Annotator.objects.update(outside=True)
    chunk.refresh_from_db()
    after(3, lambda: Batch.objects.update(local_only=True), monkeypatch)
    assert voting.vote_on(chunk)
    assert len(server.requests) == 3 and not Vote.objects.exists()
    told = Annotator.objects.get()
    assert not told.error and not chunk.batch.chunks.unfinished().exists()


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
