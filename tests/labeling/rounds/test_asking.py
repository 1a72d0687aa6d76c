"""Paid answers from a real server on this machine: what they cost is held before, and booked after, each call."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from labeling import jobs
from labeling.crowd.errors import Misconfigured, PriceUnknown, WrongKey
from labeling.crowd.openai_chat import ChatModel
from labeling.models import Annotator, Batch, Escalation, Instance, Project, Purse, Reservation, Task, Vote
from labeling.models.escalation import EscalationQuerySet
from labeling.money import ledger
from labeling.people import recruiting, rules
from labeling.rounds import asking, calls, fallback, story
from tests.fake_openai import FakeOpenAI

pytestmark = pytest.mark.django_db
CAP = 10_000_000


def send(batch: Batch, server: FakeOpenAI, **options: Any) -> Annotator:
    """Send every task of the batch to a paid model behind the server."""
    told = {"local": "yes", "input": "0.15", "output": "0.60", "timeout": 5, **options}
    spec = f"chat:small@{server.base_url}?" + "&".join(f"{name}={value}" for name, value in told.items())
    paid = recruiting.add_paid(batch.project, spec)
    for task in batch.tasks.all():
        Escalation.objects.create(task=task, to="paid", annotator=paid, reason="uncertain", why="The crowd is torn.")
    Batch.objects.filter(pk=batch.pk).update(stage=Batch.Stage.ASKING)
    return paid


def questions(batch: Batch) -> EscalationQuerySet:
    return Escalation.objects.in_batch(batch.pk).to_paid()


def ask(batch: Batch) -> int:
    """Ask until nothing more can be asked right now; how many turns that took."""
    turns = 1
    while asking.ask_some(questions(batch).free()):
        turns += 1
        assert turns < 50
    return turns


def money(batch: Batch) -> tuple[int, int, int]:
    """Held, spent and free; the books must add up."""
    batch.purse.refresh_from_db()
    assert ledger.faults() == []
    return batch.purse.held_microdollars, batch.purse.spent_microdollars, batch.purse.free_microdollars


def states(batch: Batch) -> list[str]:
    return list(questions(batch).order_by("task").values_list("state", flat=True))


class TestAnswers:
    @pytest.mark.slow
    def test_each_answer_is_a_vote_and_what_it_cost_is_booked_to_the_micro_dollar(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        paid = send(batch, server)
        ask(batch)
        assert states(batch) == ["answered"] * 6 and len(server.requests) == 6
        assert money(batch) == (0, server.bill_microdollars, CAP - server.bill_microdollars)
        votes = Vote.objects.filter(annotator=paid)
        assert sum(vote.cost_microdollars for vote in votes) == server.bill_microdollars > 0
        assert all(vote.label and vote.input_tokens and vote.prompt_version for vote in votes)
        assert set(Reservation.objects.values_list("state", flat=True)) == {"settled"}

    def test_what_asking_once_can_cost_is_held_while_it_is_asked(
        self, batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take = asking._take
        held: list[int] = []

        def look_first(question: Escalation, reservation: Reservation, *rest: Any) -> None:
            held.append(money(batch)[0])
            assert held[-1] == reservation.reserved_microdollars
            take(question, reservation, *rest)

        monkeypatch.setattr(asking, "_take", look_first)
        send(batch, server)
        ask(batch)
        costs = Reservation.objects.order_by("pk").values_list("cost_microdollars", flat=True)
        assert all(most >= (cost or 0) > 0 for most, cost in zip(held, costs, strict=True))
        voter = asking.voters.ready(Annotator.objects.get(kind="paid"), batch)
        assert isinstance(voter, ChatModel)
        assert held[0] == voter.most_it_can_cost(asking.voters.question(batch.tasks.get(position=0))), "one attempt"

    def test_more_is_held_only_when_a_question_is_asked_again(
        self, batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        raised: list[tuple[int, int]] = []
        more = asking.Run.more

        def look(self: asking.Run, asked: Any, most: int) -> bool:
            before = money(batch)[0]
            granted = more(self, asked, most)
            raised.append((before, money(batch)[0]))
            assert server.bill_microdollars <= money(batch)[0] == most
            return granted

        monkeypatch.setattr(asking.Run, "more", look)
        server.behaviours.extend(["malformed"] * 3)
        send(batch, server)
        ask(batch)
        assert len(raised) == 2 and all(before < after for before, after in raised)
        assert Vote.objects.get(attempts=3).label is None and money(batch)[:2] == (0, server.bill_microdollars)

    def test_without_the_money_to_ask_again_the_first_answer_stands_and_the_cap_holds(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.append("malformed")
        annotator = send(batch, server)
        most = calls.most_it_can_cost(asking.voters.ready(annotator, batch), annotator, batch.tasks.get(position=0))
        ledger.set_cap(batch.purse, most)
        asking.ask_some(questions(batch).filter(task__position=0).free())
        vote = Vote.objects.get()
        assert (vote.label, vote.attempts, len(server.requests)) == (None, 1, 1)
        held, spent, _ = money(batch)
        assert (held, spent) == (0, server.bill_microdollars) and spent <= most

    def test_a_question_waits_for_the_money_that_calls_under_way_may_give_back(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        """Eight at once, money for the hold of one: each is asked once another one's rest is free again."""
        annotator = send(batch, server, concurrency=4)
        voter = asking.voters.ready(annotator, batch)
        holds = [calls.most_it_can_cost(voter, annotator, task) for task in batch.tasks.all()]
        ledger.set_cap(batch.purse, max(holds) + 6 * 60)
        ask(batch)
        assert states(batch) == ["answered"] * 6 and len(server.requests) == 6
        assert money(batch)[:2] == (0, server.bill_microdollars)

    def test_three_answers_without_a_label_are_an_abstention_and_all_are_paid(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.extend(["malformed"] * 3)
        send(batch, server)
        ask(batch)
        vote = Vote.objects.get(attempts=3)
        assert vote.label is None and len(server.requests) == 8
        assert vote.cost_microdollars == vote.escalations.get().reservations.get().cost_microdollars
        assert server.bill_microdollars <= money(batch)[1] == sum(v.cost_microdollars for v in Vote.objects.all())

    def test_a_text_the_server_refuses_is_withdrawn_with_its_reason_and_the_others_are_asked(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.extend(["400", "413"])
        send(batch, server)
        ask(batch)
        assert states(batch) == ["withdrawn"] * 2 + ["answered"] * 4
        assert "refuses the request" in questions(batch).order_by("task")[0].why
        assert money(batch)[:2] == (0, server.bill_microdollars)

    def test_an_answer_to_a_closed_question_is_kept_and_booked(
        self, batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(batch, server)
        take = asking._take

        def closed_meanwhile(question: Escalation, *rest: Any) -> None:
            question.close("withdrawn")
            take(question, *rest)

        monkeypatch.setattr(asking, "_take", closed_meanwhile)
        ask(batch)
        assert Vote.objects.count() == 6 and money(batch)[:2] == (0, server.bill_microdollars)


class TestFailures:
    def test_five_failures_in_a_row_open_the_breaker_and_nothing_is_charged(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.extend(["500", "503"] * 20)
        server.retry_after = ""
        paid = send(batch, server)
        ask(batch)
        assert len(server.requests) == Annotator.BREAKER
        assert money(batch) == (0, 0, CAP) and states(batch) == ["open"] * 6
        paid.refresh_from_db()
        assert paid.rests and "failed (HTTP 500)" in paid.error
        assert not asking.ask_some(questions(batch).free()) and len(server.requests) == Annotator.BREAKER

    @pytest.mark.slow
    def test_after_its_rest_a_model_is_tried_with_one_call_and_rests_twice_as_long(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.extend(["500"] * 6)
        paid = send(batch, server)
        ask(batch)
        rested(paid)
        began = timezone.now()
        ask(batch)
        assert len(server.requests) == 6
        paid.refresh_from_db()
        assert paid.retry_at is not None
        assert began <= paid.retry_at - timedelta(seconds=60) <= timezone.now()
        rested(paid)
        ask(batch)
        paid.refresh_from_db()
        assert states(batch) == ["answered"] * 6 and paid.failures == 0 and not paid.error

    def test_a_server_that_asks_to_wait_is_left_alone_so_long(self, batch: Batch, server: FakeOpenAI) -> None:
        server.behaviours.append("429")
        paid = send(batch, server)
        began = timezone.now()
        ask(batch)
        paid.refresh_from_db()
        assert len(server.requests) == 1 and money(batch) == (0, 0, CAP)
        assert paid.retry_at is not None
        assert began <= paid.retry_at - timedelta(seconds=7) <= timezone.now()

    @pytest.mark.slow
    @pytest.mark.parametrize("behaviour", ["slow", "dropped", "truncated", "504"])
    def test_where_nobody_knows_whether_a_call_was_charged_its_money_stays_held(
        self, batch: Batch, server: FakeOpenAI, behaviour: str
    ) -> None:
        server.behaviours.append(behaviour)
        send(batch, server, timeout=0.3 if behaviour == "slow" else 5)
        asking.ask_some(questions(batch).free())
        [unknown] = ledger.unreconciled(batch.project)
        assert money(batch) == (unknown.reserved_microdollars, 0, CAP - unknown.reserved_microdollars)
        assert server.bill_microdollars <= unknown.reserved_microdollars
        asked = unknown.escalation
        assert asked and asked.state == "withdrawn" and "until somebody looks it up" in asked.why
        ledger.reconcile(unknown, server.bill_microdollars or None, "as on the bill")
        assert money(batch)[:2] == (0, server.bill_microdollars)

    @pytest.mark.slow
    def test_five_timeouts_open_the_breaker(self, batch: Batch, server: FakeOpenAI) -> None:
        server.behaviours.extend(["slow"] * 20)
        paid = send(batch, server, timeout=0.3)
        ask(batch)
        assert len(server.requests) == Annotator.BREAKER and Annotator.objects.failing().get() == paid
        assert money(batch)[1] == 0 and ledger.unreconciled(batch.project).count() == Annotator.BREAKER

    def test_what_an_attempt_cost_before_the_server_failed_is_booked(self, batch: Batch, server: FakeOpenAI) -> None:
        server.behaviours.extend(["malformed", "500"])
        send(batch, server)
        asking.ask_some(questions(batch).free())
        assert money(batch)[:2] == (0, server.bill_microdollars) and server.bill_microdollars > 0
        assert "HTTP 500" in Reservation.objects.get().note

    def test_a_wrong_key_stops_the_batch_with_one_sentence(self, batch: Batch, server: FakeOpenAI) -> None:
        server.behaviours.append("401")
        send(batch, server)
        assert not story.advance(batch.pk)
        batch.refresh_from_db()
        assert "correct the key" in batch.error and batch.paused_at
        assert states(batch) == ["open"] * 6 and money(batch) == (0, 0, CAP)
        assert not questions(batch).filter(leased_until__gt=timezone.now() + timedelta(seconds=5)).exists()

    def test_a_missing_key_is_found_before_any_call(
        self, batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MISSING_API_KEY", raising=False)
        send(batch, server, key="MISSING_API_KEY")
        with pytest.raises(WrongKey, match="MISSING_API_KEY"):
            ask(batch)
        assert not server.requests and questions(batch).free().count() == 6 and not Reservation.objects.exists()


class TestFallback:
    def test_questions_to_a_failing_model_wait_by_default(self, batch: Batch, server: FakeOpenAI) -> None:
        server.behaviours.extend(["500"] * 5)
        paid = send(batch, server)
        run(batch)
        assert batch.stage == Batch.Stage.ASKING and states(batch) == ["open"] * 6
        assert list(fallback.askable(batch)) == [paid], "it is still a choice"

    @pytest.mark.slow
    @pytest.mark.parametrize("behaviours", [["500"] * 5, ["401"]])
    def test_or_go_to_the_next_choice_where_the_project_says_so(
        self, batch: Batch, server: FakeOpenAI, behaviours: list[str]
    ) -> None:
        Project.objects.update(when_model_fails="next")
        batch.refresh_from_db()
        server.behaviours.extend(behaviours)
        send(batch, server)
        run(batch, until=Batch.Stage.WEIGHING)
        assert batch.stage == Batch.Stage.WEIGHING and not batch.error
        assert states(batch) == ["withdrawn"] * 6
        assert questions(batch).first().why.endswith("The model cannot be asked now.")  # type: ignore[union-attr]
        assert not fallback.askable(batch)

    def test_questions_to_a_paused_model_go_on(self, batch: Batch, server: FakeOpenAI) -> None:
        send(batch, server)
        Annotator.objects.update(paused_at=timezone.now())
        run(batch, until=Batch.Stage.WEIGHING)
        assert not server.requests and states(batch) == ["withdrawn"] * 6

    def test_a_model_is_not_asked_again_about_what_it_answered_or_may_have_answered(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.extend(["label", "dropped"])
        paid = send(batch, server)
        asking.ask_some(questions(batch).free())
        first, second = batch.tasks.order_by("pk")[:2]
        left = fallback.unasked(batch.tasks.all(), paid)
        assert not left.filter(pk__in=[first.pk, second.pk]).exists() and left.count() == 4
        for task in (first, second):
            Escalation.objects.create(
                task=task, to="paid", annotator=paid, reason="uncertain", why="Again.", priority=9
            )
        ask(batch)
        assert len(server.requests) == 6
        assert questions(batch).filter(why="Again. small has been asked about it before.").count() == 2


class TestLimits:
    def test_where_the_money_ends_questions_are_withdrawn_with_a_sentence_and_the_batch_goes_on(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        send(batch, server)
        ask_one = calls.most_it_can_cost
        annotator = Annotator.objects.get(kind="paid")
        voter = asking.voters.ready(annotator, batch)
        ledger.set_cap(batch.purse, ask_one(voter, annotator, batch.tasks.get(position=3)) + 60)
        run(batch, until=Batch.Stage.WEIGHING)
        told = [question.why for question in questions(batch).filter(state="withdrawn")]
        assert told and all("The money of this batch is spent" in why for why in told)
        assert 0 < len(server.requests) < 6 and server.bill_microdollars == money(batch)[1]
        assert batch.stage == Batch.Stage.WEIGHING

    @pytest.mark.parametrize("scope", ["project", "day"])
    def test_the_caps_of_project_and_day_hold_as_well(self, batch: Batch, server: FakeOpenAI, scope: str) -> None:
        (ledger.cap_project if scope == "project" else ledger.cap_days)(batch.project, 1)
        send(batch, server)
        ask(batch)
        assert not server.requests and states(batch) == ["withdrawn"] * 6 and money(batch) == (0, 0, CAP)

    @pytest.mark.slow
    @pytest.mark.parametrize("switch", ["stopped", "paused"])
    def test_a_stop_in_the_middle_of_a_run_stops_the_next_call(
        self, batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, switch: str
    ) -> None:
        send(batch, server)
        take = asking._take

        def then_stop(*answer: Any) -> None:
            take(*answer)
            if switch == "stopped":
                Project.objects.update(calls_stopped_at=timezone.now())
            else:
                Batch.objects.update(paused_at=timezone.now())

        monkeypatch.setattr(asking, "_take", then_stop)
        assert not asking.ask_some(questions(batch).free())
        assert len(server.requests) == 1 and money(batch)[0] == 0
        assert sorted(states(batch)) == ["answered"] + ["open"] * 5 and questions(batch).free().count() == 5
        Project.objects.update(calls_stopped_at=None)
        Batch.objects.update(paused_at=None)
        monkeypatch.setattr(asking, "_take", take)
        ask(batch)
        assert states(batch) == ["answered"] * 6

    def test_stopped_calls_go_to_the_next_choice_where_the_project_says_so(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        Project.objects.update(when_model_fails="next", calls_stopped_at=timezone.now())
        send(batch, server)
        run(batch, until=Batch.Stage.WEIGHING)
        assert not server.requests and states(batch) == ["withdrawn"] * 6

    def test_a_model_without_a_price_may_not_be_asked(self, batch: Batch, server: FakeOpenAI) -> None:
        for spec in (f"chat:m@{server.base_url}?local=yes", "chat:m@https://models.example/v1?key=M_API_KEY"):
            with pytest.raises(PriceUnknown, match="0 if it is free"):
                recruiting.add_paid(batch.project, spec)
        assert not Annotator.objects.exists()
        assert recruiting.add_paid(batch.project, f"chat:m@{server.base_url}?local=yes&call=0").price_microdollars == 0

    def test_a_model_that_costs_does_not_vote_for_free(self, batch: Batch) -> None:
        with pytest.raises(Misconfigured, match="join as a paid model"):
            recruiting.add_models(batch.project, ["chat:m@https://models.example/v1?input=2&output=8"])


class TestLeaving:
    @pytest.fixture
    def outside(self, batch: Batch, server: FakeOpenAI, far_away: None) -> Annotator:
        """The server's model, taken for one of outside."""
        return send(batch, server)

    @pytest.mark.parametrize("mark", ["task", "batch", "project"])
    def test_a_text_that_must_stay_is_not_sent(
        self, batch: Batch, server: FakeOpenAI, outside: Annotator, mark: str
    ) -> None:
        secret = batch.tasks.get(position=2)
        if mark == "task":
            Instance.objects.filter(tasks=secret).update(local_only=True)
        else:
            (Batch if mark == "batch" else Project).objects.update(local_only=True)
        ask(batch)
        assert secret.text not in "".join(request.prompt for request in server.requests)
        assert len(server.requests) == (5 if mark == "task" else 0)
        told = secret.escalations.get()
        assert told.state == "withdrawn" and "must not leave" in told.why

    @pytest.mark.slow
    @pytest.mark.parametrize("mark", ["task", "batch", "project"])
    def test_a_text_that_must_stay_while_it_is_asked_about_is_paid_for_and_its_answer_dropped(
        self, batch: Batch, server: FakeOpenAI, outside: Annotator, monkeypatch: pytest.MonkeyPatch, mark: str
    ) -> None:
        take = asking._take

        def stay_from_now_on(question: Escalation, *rest: Any) -> None:
            if mark == "task":
                Instance.objects.filter(tasks=question.task_id).update(local_only=True)
            else:
                (Batch if mark == "batch" else Project).objects.update(local_only=True)
            take(question, *rest)

        monkeypatch.setattr(asking, "_take", stay_from_now_on)
        ask(batch)
        assert not Vote.objects.exists() and states(batch) == ["withdrawn"] * 6
        assert len(server.requests) == (6 if mark == "task" else 1), "no call after the text has to stay"
        assert money(batch)[:2] == (0, server.bill_microdollars) and not Annotator.objects.get(kind="paid").error

    def test_a_known_task_that_must_stay_is_no_worked_example(
        self, batch: Batch, server: FakeOpenAI, outside: Annotator
    ) -> None:
        label = batch.project.label_list()[0]
        Task.objects.filter(position__gte=3).update(gold=label, slice="validation")
        kept, shown = Task.objects.get(position=4), Task.objects.get(position=5)
        Instance.objects.filter(tasks=kept).update(local_only=True)
        Annotator.objects.filter(pk=outside.pk).update(spec=f"{outside.spec}&shots=4")
        ask(batch)
        prompts = "".join(request.prompt for request in server.requests)
        assert shown.text in prompts and kept.text not in prompts

    def test_personal_data_is_hidden_from_outside_models_and_counted(
        self, batch: Batch, server: FakeOpenAI, outside: Annotator
    ) -> None:
        parts = [["Text", "Water in the cellar, write to jo.moss@example.org or to jo.moss@example.org."]]
        Instance.objects.filter(position=0).update(parts=parts)
        ask(batch)
        prompt = next(request.prompt for request in server.requests if "cellar" in request.text)
        assert "jo.moss" not in prompt and prompt.count("[email 1]") == 2
        assert Vote.objects.get(task__position=0).hidden == {"email": 1}
        assert Vote.objects.filter(hidden__isnull=True).count() == 5
        assert batch.project.hidden_values() == {"email": 1}

    def test_a_project_may_show_everything(self, batch: Batch, server: FakeOpenAI, outside: Annotator) -> None:
        Project.objects.update(hide_personal_data=False)
        Instance.objects.filter(position=0).update(parts=[["Text", "Water, write to jo.moss@example.org."]])
        ask(batch)
        assert any("jo.moss@example.org" in request.text for request in server.requests)
        assert not Vote.objects.filter(hidden__isnull=False).exists()

    def test_a_model_that_was_local_and_is_not_any_more_is_refused(
        self, batch: Batch, server: FakeOpenAI, outside: Annotator
    ) -> None:
        Annotator.objects.update(outside=False)
        with pytest.raises(Misconfigured, match="let it join anew"):
            ask(batch)
        assert not server.requests


class TestBillsAndGarbage:
    def test_a_bill_above_what_was_held_is_booked_in_full_and_stops_the_model_at_once(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        paid = send_to_a_dear_one(batch, server)
        ask(batch)
        paid.refresh_from_db()
        assert len(server.requests) == 1 and paid.paused_at
        assert "billed $170.00" in paid.error and "let it go on" in paid.error
        held, spent, free = money(batch)
        assert (held, spent, free) == (0, server.bill_microdollars, 0) and spent > CAP
        purse = Purse.objects.get(batch=batch)
        assert purse.overdrawn_microdollars == spent - CAP and ledger.faults() == []
        assert Vote.objects.get().cost_microdollars == spent == Reservation.objects.get().cost_microdollars
        assert "was held" in Reservation.objects.get().note
        with pytest.raises(ledger.Refused, match="is spent"):
            ledger.reserve(batch.tasks.first(), paid, 1)

    def test_it_waits_for_the_manager_until_the_model_may_go_on(
        self, batch: Batch, server: FakeOpenAI, client: Client
    ) -> None:
        paid = send_to_a_dear_one(batch, server)
        ask(batch)
        client.login(username="max", password="max-secret-1")
        address = batch.project.get_absolute_url()
        page = client.get(address).content.decode()
        assert "small</bdi></b> was stopped" in " ".join(page.split()) and "billed $170.00" in page
        rules.go_on(paid)
        assert "was stopped" not in client.get(address).content.decode()

    def test_a_cap_that_was_broken_counts_again_once_it_is_raised(self, batch: Batch, server: FakeOpenAI) -> None:
        send_to_a_dear_one(batch, server)
        ask(batch)
        spent = money(batch)[1]
        ledger.set_cap(batch.purse, spent + 70)
        assert money(batch) == (0, spent, 70) and ledger.faults() == []
        assert Purse.objects.get(batch=batch).overdrawn_microdollars == 0

    def test_a_list_of_garbage_opens_the_breaker_and_is_not_paid_three_times(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        server.behaviours.extend(["babble"] * 30)
        paid = send(batch, server)
        ask(batch)
        paid.refresh_from_db()
        assert paid.rests and "without naming a label" in paid.error
        assert states(batch).count("answered") == Annotator.BREAKER and len(server.requests) == Annotator.BREAKER + 1
        assert money(batch)[:2] == (0, server.bill_microdollars)

    @pytest.mark.slow
    @pytest.mark.parametrize("behaviour", ["garbage", "error", "stream", "nochoices"])
    def test_a_success_that_is_no_answer_costs_nothing_and_is_asked_again(
        self, batch: Batch, server: FakeOpenAI, behaviour: str
    ) -> None:
        server.behaviours.append(behaviour)
        send(batch, server)
        asking.ask_some(questions(batch).free())
        assert money(batch) == (0, 0, CAP) and states(batch) == ["open"] * 6 and not Vote.objects.exists()

    def test_a_refused_set_up_stops_the_batch_with_the_servers_words(self, batch: Batch, server: FakeOpenAI) -> None:
        server.behaviours.append("setup")
        send(batch, server)
        assert not story.advance(batch.pk)
        batch.refresh_from_db()
        assert "Unsupported parameter: 'temperature'" in batch.error and batch.paused_at
        assert len(server.requests) == 1 and states(batch) == ["open"] * 6

    def test_an_unforeseen_error_leaves_no_lease_and_its_money_is_looked_up(
        self, batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_down(*_: Any) -> None:
            raise ZeroDivisionError("of all things")

        send(batch, server)
        monkeypatch.setattr(ChatModel, "_take", break_down)
        asking.ask_some(questions(batch).free())
        paid = Annotator.objects.get(kind="paid")
        assert "ZeroDivisionError: of all things" in paid.error and paid.failures == 1
        assert states(batch) == ["withdrawn"] + ["open"] * 5 and questions(batch).free().count() == 5
        assert ledger.unreconciled(batch.project).count() == 1


def send_to_a_dear_one(batch: Batch, server: FakeOpenAI) -> Annotator:
    """A model that counts five million tokens for its first answer."""
    server.prices = Decimal("0.15"), Decimal("34")
    server.behaviours.append("millions")
    return send(batch, server, output="34")


class TestKilledWorkers:
    def test_a_call_that_was_cut_off_is_not_repeated_and_its_money_stays_held(
        self, batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def die(*_: Any) -> None:
            raise Killed

        send(batch, server)
        monkeypatch.setattr(asking.Run, "give_back_leases", lambda _: None)
        with monkeypatch.context() as patch:
            patch.setattr(asking, "_take", die)
            with pytest.raises(Killed):
                ask(batch)
        held = Reservation.objects.get(state="held")
        assert questions(batch).free().count() == 0, "all are still leased"
        questions(batch).update(leased_until=timezone.now() - timedelta(seconds=1))
        ask(batch)
        assert len(server.requests) == 6, "one call was cut off, five were made afterwards"
        assert asking.give_up_lost_calls() == 1
        held.refresh_from_db()
        assert held.state == "unknown" and money(batch)[0] == held.reserved_microdollars
        assert held.escalation and held.escalation.state == "withdrawn"
        assert server.bill_microdollars <= sum(money(batch)[:2])

    def test_a_lost_call_is_found_though_its_question_was_closed_meanwhile(self, batch: Batch) -> None:
        paid = Annotator.objects.create(project=batch.project, kind="paid", name="m", spec="s", price_microdollars=1)
        past = timezone.now() - timedelta(seconds=1)
        question = Escalation.objects.create(
            task=batch.tasks.first(), to="paid", annotator=paid, reason="uncertain", why="?", leased_until=past
        )
        ledger.reserve(question.task, paid, 50, question)
        question.close("withdrawn")
        jobs.sweep()
        assert ledger.unreconciled(batch.project).count() == 1

    def test_a_question_that_has_passed_on_to_another_worker_is_not_asked(
        self, batch: Batch, server: FakeOpenAI
    ) -> None:
        send(batch, server)
        slow = asking.Run.of(asking._claim(questions(batch)))
        questions(batch).update(leased_until=timezone.now() - timedelta(seconds=1))
        for question in questions(batch):
            assert question.lease(30)
        assert list(slow.answers()) == [] and not server.requests and not Reservation.objects.exists()

    @pytest.mark.slow
    def test_a_long_run_keeps_its_leases(
        self, batch: Batch, server: FakeOpenAI, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.LEASE_SECONDS = 1
        server.slow_seconds = 0.25
        server.behaviours.extend(["slow"] * 6)
        send(batch, server)
        take = asking._take

        def somebody_else_looks(*answer: Any) -> None:
            assert asking._claim(questions(batch)) == [] and asking.give_up_lost_calls() == 0
            take(*answer)

        monkeypatch.setattr(asking, "_take", somebody_else_looks)
        asking.ask_some(questions(batch).free())
        assert states(batch) == ["answered"] * 6 and len(server.requests) == 6


def rested(annotator: Annotator) -> None:
    """The rest of a failing model is over, and questions that waited a second may be asked."""
    Annotator.objects.filter(pk=annotator.pk).update(retry_at=timezone.now())
    Escalation.objects.open().update(leased_until=None)


def run(batch: Batch, until: str = "") -> None:
    for _ in range(50):
        Escalation.objects.open().update(leased_until=None)
        more = story.advance(batch.pk)
        batch.refresh_from_db()
        if not more or batch.stage == until:
            return
