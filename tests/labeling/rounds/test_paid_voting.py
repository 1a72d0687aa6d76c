"""Members of the crowd that cost money: each vote is held before its call and booked with it, under the batch's cap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from labeling.crowd.errors import Misconfigured
from labeling.managing import budgets
from labeling.models import Annotator, Batch, Chunk, Decision, Escalation, Instance, Project, Reservation, Task, Vote
from labeling.money import ledger
from labeling.people import recruiting, voters
from labeling.reports.money import bills
from labeling.rounds import asking, calls, paid_voting, story
from labeling.rounds.sheets import sheets_of
from tests.fake_openai import FakeOpenAI
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db
Stage = Batch.Stage
CAP = 10_000_000


def spec(server: FakeOpenAI, name: str = "small", **options: Any) -> str:
    given = {"local": "yes", "input": "0.15", "output": "0.60", "timeout": 5, **options}
    return f"chat:{name}@{server.base_url}?" + "&".join(f"{key}={value}" for key, value in given.items())


@pytest.fixture
def member(batch: Batch, server: FakeOpenAI) -> Annotator:
    """A priced member of a batch whose voting begins."""
    return join(batch, server)


def join(batch: Batch, server: FakeOpenAI, **options: Any) -> Annotator:
    [made] = recruiting.add_models(batch.project, [spec(server, **options)], priced=True)
    Batch.objects.filter(pk=batch.pk).update(stage=Stage.VOTING)
    story.hand_out(batch)
    return made


def collect(batch: Batch) -> None:
    """Vote until nothing more can be asked right now; rests of failing models pass at once."""
    for _ in range(30):
        Annotator.objects.update(retry_at=None)
        more = story.advance(batch.pk)
        batch.refresh_from_db()
        if not more or batch.stage != Stage.VOTING:
            return
    raise AssertionError("it never ends")


def money(batch: Batch) -> tuple[int, int, int]:
    """Held, spent and free; the books must add up."""
    batch.purse.refresh_from_db()
    assert ledger.faults() == []
    return batch.purse.held_microdollars, batch.purse.spent_microdollars, batch.purse.free_microdollars


def one_hold(batch: Batch, member: Annotator) -> int:
    voter = voters.ready(member, batch)
    return max(calls.most_it_can_cost(voter, member, task) for task in batch.tasks.all())


class TestVotes:
    def test_each_vote_is_held_and_what_it_cost_is_booked_to_the_micro_dollar(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        collect(batch)
        assert Vote.objects.filter(annotator=member, label__isnull=False).count() == len(server.requests) == 6
        assert money(batch) == (0, server.bill_microdollars, CAP - server.bill_microdollars)
        assert sum(vote.cost_microdollars for vote in Vote.objects.all()) == server.bill_microdollars > 0
        held = Reservation.objects.all()
        assert {one.state for one in held} == {"settled"} and not Escalation.objects.exists()
        assert all(one.reserved_microdollars >= (one.cost_microdollars or 0) for one in held)

    @pytest.mark.slow
    def test_they_are_votes_of_the_crowd_and_the_bill_says_whose(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        recruiting.add_models(batch.project, [f"chat:free@{server.base_url}?local=yes"])
        story.hand_out(batch)
        collect(batch)
        assert batch.stage == Stage.WEIGHING and Vote.objects.count() == 12
        assert story.advance(batch.pk) is not None and batch.rounds.get().finished_at
        lines = {line.name: line.spent for line in bills.by_annotator(batch)}
        assert lines == {"small": money(batch)[1], "free": 0}

    def test_it_joins_only_where_that_was_chosen(self, batch: Batch, server: FakeOpenAI, manager: Client) -> None:
        with pytest.raises(Misconfigured, match="votes on every task for money"):
            recruiting.add_models(batch.project, [spec(server)])
        refused = manager.post("/p/city/crowd/", {"kind": "model", "spec": spec(server)})
        assert refused.status_code == 422 and "costs money" in told(refused)
        joined = manager.post("/p/city/crowd/", {"kind": "priced", "spec": spec(server)}, follow=True)
        assert "small votes, for money under the budget of each batch" in told(joined)
        assert Annotator.objects.crowd().get().priced
        page = told(manager.get("/p/city/money/"))
        assert "votes on every task" in page and "small" in page

    def test_a_free_member_that_would_now_cost_money_is_not_asked(self, batch: Batch, server: FakeOpenAI) -> None:
        member = join(batch, server)
        Annotator.objects.filter(pk=member.pk).update(price_microdollars=None)
        collect(batch)
        assert not server.requests and "would now cost money" in Annotator.objects.get().error

    @pytest.mark.slow
    def test_once_weighed_nothing_is_paid_for_a_task_that_is_settled(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        batch.rounds.create(number=1, method="auto", router="value")
        settled = batch.tasks.get(position=2)
        label = batch.project.label_list()[0]
        Decision.objects.create(task=settled, label=label, decided_by="crowd", confidence=0.9, entropy=0.1)
        Task.objects.filter(pk=settled.pk).update(stage="decided")
        collect(batch)
        assert len(server.requests) == 5 and not settled.votes.exists()


class TestTheCap:
    def test_where_the_money_ends_it_rests_for_the_batch_and_the_pages_say_so(
        self, batch: Batch, server: FakeOpenAI, member: Annotator, manager: Client
    ) -> None:
        ledger.set_cap(batch.purse, one_hold(batch, member) + 60)
        collect(batch)
        held, spent, _ = money(batch)
        assert held == 0 and spent == server.bill_microdollars and 0 < len(server.requests) < 6
        assert batch.stage == Stage.WEIGHING and not batch.chunks.unfinished().exists()
        page = told(manager.get(batch.get_absolute_url()))
        assert f"small</bdi> rests in this batch</b> after {len(server.requests)} of 6 tasks" in page
        assert "The money of this batch is spent" in page and "With more money it goes on." in page
        assert "Rests in March" in told(manager.get("/p/city/money/"))

    @pytest.mark.slow
    def test_with_more_money_it_votes_on_what_is_open(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        ledger.set_cap(batch.purse, 1)
        collect(batch)
        assert not server.requests and batch.chunks.resting().exists()
        Batch.objects.update(stage=Stage.REVIEWING)
        batch.refresh_from_db()
        budgets.cap_batch(batch, CAP)
        assert not batch.chunks.resting().exists() and story.has_newcomers(batch)
        Batch.objects.update(stage=Stage.VOTING)
        collect(batch)
        member.refresh_from_db()
        assert Vote.objects.count() == 6 and not member.error

    @pytest.mark.slow
    def test_two_members_share_the_cap_and_neither_breaks_it(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        join(batch, server, name="other")
        cap = one_hold(batch, member) + 60
        ledger.set_cap(batch.purse, cap)
        collect(batch)
        assert money(batch)[:2] == (0, server.bill_microdollars) and server.bill_microdollars <= cap
        assert batch.chunks.resting().count() == 2 and batch.stage == Stage.WEIGHING

    def test_what_a_person_holds_keeps_no_member_waiting(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        ann = Annotator.of(batch.project, batch.project.memberships.get(user__username="ann").user, "person")
        ledger.reserve(batch.tasks.get(position=0), ann, CAP - 1)
        collect(batch)
        assert batch.stage == Stage.WEIGHING and batch.chunks.resting().exists()

    def test_money_that_a_call_under_way_may_give_back_is_waited_for(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        paid = recruiting.add_paid(batch.project, spec(server, name="other"))
        held = ledger.reserve(batch.tasks.get(position=0), paid, CAP - 1)
        chunk = batch.chunks.claim(30)
        assert chunk is not None
        paid_voting.vote(
            chunk, voters.ready(member, batch), sheets_of(batch.tasks.all(), batch.project.questions.all())
        )
        member.refresh_from_db()
        assert member.rests and not batch.chunks.resting().exists() and not server.requests
        ledger.release(held)
        chunk.give_back()
        collect(batch)
        assert Vote.objects.count() == 6


class TestFailures:
    @pytest.mark.slow
    def test_five_failures_rest_the_member_and_nothing_is_charged(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        server.behaviours.extend(["500"] * 20)
        server.retry_after = ""
        for _ in range(Annotator.BREAKER):
            Annotator.objects.update(retry_at=None)
            story.advance(batch.pk)
        member.refresh_from_db()
        assert member.rests and member.failures == Annotator.BREAKER == len(server.requests)
        assert money(batch) == (0, 0, CAP) and not Vote.objects.exists()

    @pytest.mark.slow
    def test_a_call_of_unknown_outcome_is_not_repeated_and_its_money_stays_held(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        server.behaviours.append("dropped")
        collect(batch)
        [unknown] = ledger.unreconciled(batch.project)
        assert len(server.requests) == 6 and Vote.objects.count() == 5
        assert money(batch)[0] == unknown.reserved_microdollars
        assert server.bill_microdollars <= sum(money(batch)[:2])

    def test_a_text_the_server_refuses_is_an_abstention_that_costs_nothing(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        server.behaviours.append("413")
        collect(batch)
        assert Vote.objects.get(label=None).cost_microdollars == 0 and Vote.objects.count() == 6
        assert money(batch)[:2] == (0, server.bill_microdollars)

    def test_answers_without_a_label_are_paid_and_rest_the_member(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        server.behaviours.extend(["babble"] * 30)
        story.advance(batch.pk)
        member.refresh_from_db()
        assert member.rests and "without naming a label" in member.error
        assert Vote.objects.filter(label=None).count() == Annotator.BREAKER
        assert money(batch)[:2] == (0, server.bill_microdollars)

    def test_a_bill_above_what_was_held_stops_it_and_the_batch_goes_on(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        server.behaviours.append("millions")
        collect(batch)
        member.refresh_from_db()
        assert member.paused_at and "billed $" in member.error and len(server.requests) == 1
        assert money(batch)[1] == server.bill_microdollars and batch.stage == Stage.WEIGHING

    def test_a_wrong_key_waits_for_a_person_and_names_the_member(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        server.behaviours.append("401")
        collect(batch)
        assert batch.paused_at and "correct the key" in batch.error and money(batch) == (0, 0, CAP)


class TestStops:
    @pytest.mark.slow
    @pytest.mark.parametrize("switch", ["stopped", "paused"])
    def test_a_stop_in_the_middle_stops_the_next_call_and_nothing_is_lost(
        self, batch: Batch, server: FakeOpenAI, member: Annotator, monkeypatch: pytest.MonkeyPatch, switch: str
    ) -> None:
        book = calls.book

        def then_stop(*answer: Any) -> Vote | None:
            vote = book(*answer)
            if switch == "stopped":
                Project.objects.update(calls_stopped_at=timezone.now())
            else:
                Batch.objects.update(paused_at=timezone.now())
            return vote

        with monkeypatch.context() as patch:
            patch.setattr(calls, "book", then_stop)
            story.advance(batch.pk)
        assert len(server.requests) == Vote.objects.count() == 1 and money(batch)[0] == 0
        collect(batch)
        assert len(server.requests) == 1 and batch.stage == Stage.VOTING
        Project.objects.update(calls_stopped_at=None)
        Batch.objects.update(paused_at=None)
        collect(batch)
        assert Vote.objects.count() == len(server.requests) == 6 and batch.stage == Stage.WEIGHING

    def test_or_the_batch_goes_on_without_it_where_the_project_says_so(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        Project.objects.update(when_model_fails="next")
        budgets.stop_calls(batch.project)
        collect(batch)
        assert batch.stage == Stage.WEIGHING and batch.chunks.resting().get().why == "Paid calls were stopped."
        Batch.objects.update(stage=Stage.REVIEWING)
        budgets.allow_calls(Project.objects.get())
        assert story.has_newcomers(batch)

    def test_a_killed_worker_s_call_is_never_made_twice(
        self, batch: Batch, server: FakeOpenAI, member: Annotator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def die(*_: Any) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(calls, "book", die)
            patch.setattr(paid_voting.Run, "keep_what_nobody_knows", lambda _: None)
            with pytest.raises(Killed):
                story.advance(batch.pk)
        held = Reservation.objects.get(state="held")
        assert asking.give_up_lost_calls() == 0, "its chunk is still leased"
        Chunk.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert asking.give_up_lost_calls() == 1
        collect(batch)
        held.refresh_from_db()
        assert held.state == "unknown" and len(server.requests) == 6 and Vote.objects.count() == 5
        assert server.bill_microdollars <= sum(money(batch)[:2])

    def test_a_worker_whose_chunk_has_passed_on_asks_nothing(
        self, batch: Batch, server: FakeOpenAI, member: Annotator
    ) -> None:
        chunk = batch.chunks.claim(30)
        assert chunk is not None
        Chunk.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert batch.chunks.claim(30)
        assert (
            paid_voting.vote(
                chunk, voters.ready(member, batch), sheets_of(batch.tasks.all(), batch.project.questions.all())
            )
            is None
        )
        assert not server.requests and not Reservation.objects.exists()


class TestLeaving:
    @pytest.fixture
    def outside(self, batch: Batch, server: FakeOpenAI, far_away: None) -> Annotator:
        """The server's model, taken for one of outside."""
        return join(batch, server)

    def test_a_text_that_must_stay_is_neither_sent_nor_paid_for(
        self, batch: Batch, server: FakeOpenAI, outside: Annotator
    ) -> None:
        secret = batch.tasks.get(position=2)
        Instance.objects.filter(tasks=secret).update(local_only=True)
        collect(batch)
        assert secret.text not in "".join(request.prompt for request in server.requests)
        assert len(server.requests) == Vote.objects.count() == 5 and not secret.reservations.exists()
        assert batch.stage == Stage.WEIGHING

    def test_a_text_that_must_stay_while_it_is_asked_about_is_paid_for_and_its_vote_dropped(
        self, batch: Batch, server: FakeOpenAI, outside: Annotator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book = calls.book

        def stay_from_now_on(*answer: Any) -> Vote | None:
            Batch.objects.update(local_only=True)
            return book(*answer)

        monkeypatch.setattr(calls, "book", stay_from_now_on)
        collect(batch)
        assert len(server.requests) == 1 and not Vote.objects.exists()
        assert money(batch)[:2] == (0, server.bill_microdollars)
