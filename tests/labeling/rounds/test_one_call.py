"""All that a chat model is to say about an instance is asked in one call, of members of the crowd and paid models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from labeling.managing import budgets
from labeling.models import Annotator, Batch, Chunk, Decision, Escalation, Project, Reservation, Task, Vote
from labeling.money import ledger
from labeling.people import recruiting, voters
from labeling.reports.money import bills
from labeling.rounds import asking, call_prices, calls, conditions, expected_prices, paid_voting, story, weighing
from labeling.rounds.sheets import sheets_of
from tests.fake_openai import FakeOpenAI
from tests.labeling.managed import told
from tests.questions import batch_of, question

pytestmark = pytest.mark.django_db
ROUND = "It began on Monday after the rain, and nobody has come since, though we called the office twice. "
TEXTS = [f"Request number {n} about the water in the yard. {8 * ROUND}" for n in range(5)]
CAP = 10_000_000
Stage = Batch.Stage


@pytest.fixture
def three(project: Project) -> Batch:
    """Five instances with three questions of different kinds about each."""
    question(project, "choices", ("lamp", "water"), wording="What is it about?")
    question(project, "scale", ("1", "2", "3"), wording="How urgent is it?")
    made = batch_of(project, TEXTS)
    ledger.set_cap(made.purse, CAP)
    return made


def spec(server: FakeOpenAI, name: str = "small", **options: Any) -> str:
    given = {"local": "yes", "input": "0.15", "output": "0.60", "timeout": 5, **options}
    return f"chat:{name}@{server.base_url}?" + "&".join(f"{key}={value}" for key, value in given.items())


def join(batch: Batch, line: str) -> Annotator:
    [made] = recruiting.add_models(batch.project, [line], priced=True)
    Batch.objects.filter(pk=batch.pk).update(stage=Stage.VOTING)
    story.hand_out(batch)
    return made


def send(batch: Batch, server: FakeOpenAI, **options: Any) -> Annotator:
    """Send every open task of the batch to a paid model."""
    paid = recruiting.add_paid(batch.project, spec(server, "large", **options))
    for task in batch.tasks.asked():
        Escalation.objects.create(task=task, to="paid", annotator=paid, reason="uncertain", why="The crowd is torn.")
    Batch.objects.filter(pk=batch.pk).update(stage=Stage.ASKING)
    return paid


def collect(batch: Batch) -> None:
    for _ in range(30):
        Annotator.objects.update(retry_at=None)
        more = story.advance(batch.pk)
        batch.refresh_from_db()
        if not more or batch.stage != Stage.VOTING:
            return
    raise AssertionError("it never ends")


def ask(batch: Batch) -> None:
    for _ in range(30):
        if not asking.ask_some(Escalation.objects.in_batch(batch.pk).to_paid().free()):
            return
    raise AssertionError("it never ends")


def money(batch: Batch) -> tuple[int, int]:
    """Held and spent; the books must add up."""
    batch.purse.refresh_from_db()
    assert ledger.faults() == []
    return batch.purse.held_microdollars, batch.purse.spent_microdollars


def one_each(annotator: Annotator) -> int:
    """How many votes it has; each of its tasks has one."""
    tasks = list(Vote.objects.current().filter(annotator=annotator).values_list("task_id", flat=True))
    assert len(tasks) == len(set(tasks))
    return len(tasks)


def sums_up(batch: Batch, server: FakeOpenAI) -> None:
    """What votes, reservations, questions and the ledger say all sum to the provider's bill."""
    settled = Reservation.objects.filter(state="settled")
    assert money(batch) == (0, server.bill_microdollars)
    assert sum(one.cost_microdollars or 0 for one in settled) == server.bill_microdollars
    assert sum(vote.cost_microdollars for vote in Vote.objects.all()) == server.bill_microdollars
    by_question = [line.spent for one in batch.project.questions.all() for line in bills.by_kind(batch, one)]
    assert sum(by_question) == server.bill_microdollars
    assert all(one.reserved_microdollars >= (one.cost_microdollars or 0) for one in settled)


class TestTheCrowd:
    @pytest.mark.parametrize("price", [{}, {"input": "0", "output": "0"}])
    def test_three_questions_about_five_instances_are_five_requests_and_fifteen_votes(
        self, three: Batch, server: FakeOpenAI, price: dict[str, str]
    ) -> None:
        member = join(three, spec(server, **price))
        collect(three)
        assert len(server.requests) == 5 and one_each(member) == 15 and three.stage == Stage.WEIGHING
        assert all(len(request.asked) == 3 for request in server.requests)
        votes = Vote.objects.all()
        assert all(vote.label is not None or vote.marks is not None for vote in votes)
        if not price:
            sums_up(three, server)
            assert Reservation.objects.filter(call=None).count() == 5 and Reservation.objects.count() == 15

    @pytest.mark.slow
    def test_one_call_costs_less_than_three_and_the_saving_is_measured(
        self, three: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        join(three, spec(server))
        collect(three)
        together, used = server.bill_microdollars, sum(vote.input_tokens for vote in Vote.objects.all())
        monkeypatch.setattr(voters, "joins", lambda _: False)
        other = join(three, spec(server, "other"))
        collect(three)
        apart = server.bill_microdollars - together
        assert len(server.requests) == 5 + 15 and one_each(other) == 15
        assert together < 0.6 * apart
        assert used < sum(vote.input_tokens for vote in Vote.objects.filter(annotator=other))

    @pytest.mark.slow
    def test_a_chunk_cuts_no_instance(self, three: Batch, server: FakeOpenAI, settings: Any) -> None:
        settings.CHUNK_SIZE = 4
        join(three, spec(server))
        assert [one.last - one.first for one in three.chunks.order_by("first")] == [2] * 5
        story.hand_out(three)
        settings.CHUNK_SIZE = 64
        story.hand_out(three)
        assert three.chunks.count() == 5, "whoever has chunks gets no others"
        collect(three)
        assert len(server.requests) == 5

    @pytest.mark.slow
    def test_a_question_that_waits_for_another_is_not_asked_and_later_is_asked_alone(
        self, project: Project, server: FakeOpenAI
    ) -> None:
        question(project, "scale", ("1", "2", "3"))
        after = question(project, "choices", ("lamp", "road"), asked_after=project.first_question, asked_if=1)
        batch = batch_of(project, TEXTS)
        conditions.apply(batch)
        ledger.set_cap(batch.purse, CAP)
        member = join(batch, spec(server))
        collect(batch)
        assert len(server.requests) == 5 and one_each(member) == 10
        assert all(list(request.asked) == ["q1", "q2"] for request in server.requests)
        first = batch.tasks.about(project.first_question).order_by("pk")[0]
        Decision.objects.create(
            task=first, label=project.label_list()[1], decided_by="person", confidence=0.9, entropy=0.1
        )
        Task.objects.filter(pk=first.pk).update(stage="decided")
        Batch.objects.update(stage=Stage.WEIGHING)
        batch.refresh_from_db()
        assert conditions.asks_more(batch, Stage.WEIGHING)
        collect(batch)
        assert len(server.requests) == 6 and one_each(member) == 11
        assert not server.requests[-1].asked and batch.tasks.about(after).get(instance=first.instance).votes.exists()

    def test_a_part_that_cannot_be_read_is_an_abstention_of_its_question_alone(
        self, three: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.extend(["partial", "babble", "babble"])
        member = join(three, spec(server))
        collect(three)
        assert one_each(member) == 15 and len(server.requests) == 7, "asked for once more, then the words repeat"
        silent = Vote.objects.abstaining()
        assert {vote.task.question.position for vote in silent} == {1, 2} and silent.count() == 2
        member.refresh_from_db()
        assert not member.failures
        sums_up(three, server)

    def test_a_refusal_counts_for_all_questions_of_its_instance(self, three: Batch, server: FakeOpenAI) -> None:
        server.behaviours.extend(["refusal", "400"])
        member = join(three, spec(server))
        collect(three)
        assert one_each(member) == 15 and Vote.objects.abstaining().count() == 6 and len(server.requests) == 5
        sums_up(three, server)

    @pytest.mark.slow
    @pytest.mark.parametrize("price", [{"concurrency": 4}, {"input": "0", "output": "0"}])
    def test_what_is_too_long_together_is_asked_apart(
        self, three: Batch, server: FakeOpenAI, price: dict[str, Any]
    ) -> None:
        server.behaviours.append("toolong")
        member = join(three, spec(server, **price))
        collect(three)
        assert one_each(member) == 15 and not Vote.objects.abstaining().exists()
        assert len(server.requests) == 5 + 3 and three.stage == Stage.WEIGHING
        assert sorted(len(request.asked) for request in server.requests) == [0, 0, 0, 3, 3, 3, 3, 3]

    def test_where_the_money_is_short_of_a_whole_call_single_questions_may_still_fit(
        self, three: Batch, server: FakeOpenAI
    ) -> None:
        member = join(three, spec(server))
        alone = voters.ready(member, three, three.project.first_question)
        ledger.set_cap(three.purse, calls.most_it_can_cost(alone, member, three.tasks.all()[0]) + 5)
        collect(three)
        held, spent = money(three)
        assert held == 0 and spent == server.bill_microdollars <= three.purse.cap_microdollars
        assert server.requests and not any(request.asked for request in server.requests)
        assert three.chunks.resting().exists()

    @pytest.mark.slow
    def test_a_killed_worker_s_call_is_never_made_twice_for_any_of_its_questions(
        self, three: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, manager: Client
    ) -> None:
        class Killed(BaseException):
            pass

        book, booked = calls.book, list[Any]()

        def die(*answer: Any) -> Any:
            if len(booked) == 4:  # in the middle of the second call's booking
                raise Killed
            booked.append(answer)
            return book(*answer)

        member = join(three, spec(server))
        with monkeypatch.context() as patch:
            patch.setattr(calls, "book", die)
            patch.setattr(paid_voting.Run, "keep_what_nobody_knows", lambda _: None)
            with pytest.raises(Killed):
                story.advance(three.pk)
        assert Reservation.objects.filter(state="held").count() == 3 and Vote.objects.count() == 3
        Chunk.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert asking.give_up_lost_calls() == 3
        collect(three)
        assert len(server.requests) == 5 and one_each(member) == 12
        [unknown] = ledger.unreconciled(three.project)
        assert money(three)[0] == unknown.held_for_the_call and server.bill_microdollars <= sum(money(three))
        page = told(manager.get("/p/city/money/"))
        assert page.count("was not charged") == 1 and "3 questions" in page
        missing = server.bill_microdollars - money(three)[1]
        budgets.book(unknown, missing, "as on the bill")
        assert money(three) == (0, server.bill_microdollars)
        unknown.refresh_from_db()
        shares = sorted(one.cost_microdollars or 0 for one in unknown.of_the_call)
        assert sum(shares) == missing and shares[-1] - shares[0] <= 1
        with pytest.raises(ledger.Refused, match="known already"):
            ledger.reconcile(unknown, 5, "again")

    def test_a_bill_above_what_was_held_is_booked_in_full(self, three: Batch, server: FakeOpenAI) -> None:
        server.behaviours.append("millions")
        member = join(three, spec(server))
        ledger.set_cap(three.purse, 20_000)
        collect(three)
        member.refresh_from_db()
        assert member.paused_at and len(server.requests) == 1 and one_each(member) == 3
        assert money(three) == (0, server.bill_microdollars)


class TestPaidModels:
    def test_what_is_asked_about_an_instance_is_one_call_and_sums_up(self, three: Batch, server: FakeOpenAI) -> None:
        paid = send(three, server)
        ask(three)
        assert len(server.requests) == 5 and one_each(paid) == 15
        assert set(Escalation.objects.values_list("state", flat=True)) == {"answered"}
        sums_up(three, server)

    @pytest.mark.slow
    def test_only_what_is_asked_about_is_asked(self, three: Batch, server: FakeOpenAI) -> None:
        paid = send(three, server)
        second = three.project.questions.all()[1]
        Escalation.objects.filter(task__question=second).update(state="withdrawn")
        ask(three)
        assert len(server.requests) == 5 and one_each(paid) == 10
        assert not Vote.objects.filter(task__question=second).exists()

    @pytest.mark.slow
    def test_a_question_that_was_asked_before_is_left_out_of_the_call(self, three: Batch, server: FakeOpenAI) -> None:
        paid = send(three, server)
        task = three.tasks.all()[1]
        Vote.objects.create(task=task, annotator=paid, marks=[0])
        ask(three)
        assert one_each(paid) == 15 and len(server.requests) == 5
        assert "has been asked about it before" in task.escalations.get().why

    @pytest.mark.slow
    @pytest.mark.parametrize("behaviour", ["dropped", "truncated"])
    def test_of_a_call_of_unknown_outcome_all_money_stays_held_and_no_question_is_asked_again(
        self, three: Batch, server: FakeOpenAI, behaviour: str
    ) -> None:
        server.behaviours.append(behaviour)
        paid = send(three, server)
        ask(three)
        Annotator.objects.update(retry_at=None)
        ask(three)
        [unknown] = ledger.unreconciled(three.project)
        assert len(unknown.of_the_call) == 3 and money(three)[0] == unknown.held_for_the_call
        assert len(server.requests) == 5 and one_each(paid) == 12
        assert Escalation.objects.filter(state="withdrawn").count() == 3
        assert server.bill_microdollars <= sum(money(three))
        ledger.reconcile(unknown, None, "not on the bill")
        assert money(three)[0] == 0 and unknown.of_the_call[2].state == "released"

    def test_asking_again_for_a_part_holds_more_first_and_its_price_is_shared(
        self, three: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        raised: list[int] = []
        more = asking.Run.more

        def look(self: asking.Run, asked: Any, most: int) -> bool:
            granted = more(self, asked, most)
            raised.append(money(three)[0])
            assert server.bill_microdollars <= raised[-1] and granted
            return granted

        monkeypatch.setattr(asking.Run, "more", look)
        server.behaviours.append("partial")
        paid = send(three, server)
        ask(three)
        assert len(raised) == 1 and one_each(paid) == 15 and len(server.requests) == 6
        assert not Vote.objects.abstaining().exists()
        sums_up(three, server)

    @pytest.mark.slow
    def test_what_is_too_long_together_is_asked_apart(self, three: Batch, server: FakeOpenAI) -> None:
        server.behaviours.append("toolong")
        paid = send(three, server, concurrency=4)
        ask(three)
        assert one_each(paid) == 15 and len(server.requests) == 8
        sums_up(three, server)

    @pytest.mark.slow
    def test_near_the_cap_single_questions_are_asked_and_it_is_never_broken(
        self, three: Batch, server: FakeOpenAI
    ) -> None:
        paid = send(three, server)
        voter = voters.panel(paid, three, list(three.project.questions.all()))
        [sheet, *_] = sheets_of(three.tasks.all(), list(three.project.questions.all()))
        ledger.set_cap(three.purse, calls.most_of(voter, paid, sheet) + 100)
        ask(three)
        held, spent = money(three)
        assert held == 0 and spent == server.bill_microdollars <= three.purse.cap_microdollars
        assert {bool(request.asked) for request in server.requests} == {True, False}

    @pytest.mark.slow
    def test_the_story_of_a_task_tells_its_share(self, three: Batch, server: FakeOpenAI, manager: Client) -> None:
        send(three, server)
        ask(three)
        task = three.tasks.all()[1]
        assert task.reservations.get().cost_microdollars == task.votes.get().cost_microdollars
        page = told(manager.get(task.get_absolute_url()))
        assert "one call for 3 questions" in page
        log = told(manager.get("/p/city/money/calls/"))
        assert log.count("a share of one call for 3 questions") == 15 and "no answer" not in log
        assert log.count("What is it about?") == 5 and log.count("<bdi>water</bdi>") == 5


class TestPrices:
    @pytest.mark.slow
    def test_a_question_about_an_instance_that_is_asked_about_anyway_costs_what_it_adds(
        self, three: Batch, server: FakeOpenAI
    ) -> None:
        paid = send(three, server)
        first, second, _ = three.project.questions.all()
        Escalation.objects.exclude(task__question=first, task__instance__position__lt=2).delete()
        tasks = list(three.tasks.about(second).order_by("position").values_list("pk", flat=True))
        alone = expected_prices.of(paid, three, second)
        prices = call_prices.on_tasks(paid, three, second, tasks, alone)
        assert prices is not None and set(prices[2:].tolist()) == {alone} and 0 < prices[0] == prices[1] < alone / 2
        assert call_prices.beside(paid, three, second) == set(tasks[:2])
        assert call_prices.on_tasks(paid, three, first, [1], alone) is None, "nothing else is asked"
        ask(three)
        before = server.bill_microdollars / 2
        for task in three.tasks.filter(question__in=[first, second], instance__position__gte=2):
            Escalation.objects.create(task=task, to="paid", annotator=paid, reason="uncertain", why="Torn.")
        ask(three)
        added = (server.bill_microdollars - 2 * before) / 3 - before
        assert 0 < added < alone

    @pytest.mark.slow
    def test_bills_of_calls_that_asked_more_do_not_make_a_single_question_cheap(
        self, three: Batch, server: FakeOpenAI
    ) -> None:
        paid = send(three, server)
        guess = expected_prices.of(paid, three)
        ask(three)
        assert Reservation.objects.filter(state="settled", task__question__position=0).count() == 5
        assert expected_prices.of(paid, three) == guess

    def test_a_member_that_is_asked_singly_has_one_price(self, three: Batch, tmp_path: Any) -> None:
        votes = tmp_path / "votes.csv"
        votes.write_text("task,worker,label\nT-0,x,Roads and lights\n")
        paid = recruiting.add_paid(three.project, f"replay:{votes}?worker=x&call=0.001")
        first, second, _ = three.project.questions.all()
        task = three.tasks.about(first)[0]
        Escalation.objects.create(task=task, to="paid", annotator=paid, reason="uncertain", why="Torn.")
        assert call_prices.on_tasks(paid, three, second, [1], 1000) is None

    @pytest.mark.slow
    def test_a_round_plans_the_second_question_at_that_price_and_probes_the_same_instances(
        self, project: Project, server: FakeOpenAI
    ) -> None:
        question(project, "choices", ("lamp", "water"), wording="What is it about?")
        batch = batch_of(project, [f"{text} {n}" for n in range(4) for text in TEXTS])
        ledger.set_cap(batch.purse, CAP)
        first, second = project.questions.all()
        label = project.label_list()[0]
        for task in batch.tasks.filter(instance__position__lt=12):
            gold: dict[str, Any] = {"gold": label} if task.question_id == first.pk else {"gold_marks": [0]}
            Task.objects.filter(pk=task.pk).update(slice="validation", **gold)
        paid = recruiting.add_paid(project, spec(server))
        batch.lease(600)
        weighing.weigh(batch)
        asked = Escalation.objects.filter(annotator=paid, reason="probe")
        price = {
            one.pk: {row.price_microdollars for row in asked.filter(task__question=one)} for one in (first, second)
        }
        assert max(price[second.pk]) < min(price[first.pk]) / 2
        instances = [set(asked.filter(task__question=one).values_list("task__instance", flat=True)) for one in price]
        assert instances[0] == instances[1] and len(instances[0]) == 12
        ask(batch)
        assert len(server.requests) == 12 and one_each(paid) == 24
