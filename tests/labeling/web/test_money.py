"""The pages of money: caps, the switch, calls that were cut off, the log, and what it was worth."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from labeling.models import Annotator, Batch, Project, Purse, Question, Reservation, Round, Task, Vote
from labeling.money import ledger
from tests.labeling.managed import person, settled_batch, told

pytestmark = pytest.mark.django_db
MONEY = "/p/city/money/"


@pytest.fixture
def paid(project: Any) -> Annotator:
    return Annotator.objects.create(
        project=project, kind="paid", name="Dear", spec="chat:dear@http://127.0.0.1:9/v1", price_microdollars=2000
    )


def set_cap(client: Client, scope: object, budget: str) -> Any:
    return client.post(f"{MONEY}caps/", {"scope": str(scope), "budget": budget})


def cut_off(batch: Batch, paid: Annotator) -> Reservation:
    held = ledger.reserve(batch.tasks.all()[0], paid, 5000)
    ledger.keep_unknown(held, "The line broke.")
    return held


class TestCaps:
    def test_a_batch_a_project_and_a_day_each_get_one(self, manager: Client, batch: Batch, project: Project) -> None:
        for scope, budget in ((batch.pk, "12.5"), ("project", "40"), ("day", "3.000001")):
            assert set_cap(manager, scope, budget).status_code == 302
        caps = Purse.objects.filter(project=project).values_list("batch", "day", "cap_microdollars")
        today = timezone.now().date()
        assert set(caps) == {(batch.pk, None, 12_500_000), (None, None, 40_000_000), (None, today, 3_000_001)}

    def test_the_day_s_cap_is_lifted_by_an_empty_field_and_no_other_one(self, manager: Client, batch: Batch) -> None:
        set_cap(manager, "day", "3")
        assert set_cap(manager, "day", "").status_code == 302
        assert Project.objects.get().day_cap_microdollars is None
        assert "Say how much" in told(set_cap(manager, batch.pk, ""))

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("budget", "sentence"),
        [
            ("NaN", "That is no amount of money"),
            ("-1", "An amount below zero"),
            ("-0.000001", "An amount below zero"),
            ("Infinity", "That is no amount of money"),
            ("twelve", "That is no amount of money"),
            ("1e9", "slip of the pen"),
            ("0.0000001", "at most six digits"),
        ],
    )
    def test_what_is_no_budget_is_refused_in_a_sentence(
        self, manager: Client, batch: Batch, budget: str, sentence: str
    ) -> None:
        answer = set_cap(manager, batch.pk, budget)
        assert answer.status_code == 422 and sentence in told(answer)
        assert Purse.objects.get(batch=batch).cap_microdollars == 10_000_000

    def test_a_cap_below_what_is_held_is_refused(self, manager: Client, batch: Batch, paid: Annotator) -> None:
        ledger.reserve(batch.tasks.all()[0], paid, 4_000_000)
        answer = set_cap(manager, batch.pk, "3.99")
        assert answer.status_code == 422 and "below the $4.00 already spent or held" in told(answer)
        assert set_cap(manager, batch.pk, "4").status_code == 302

    def test_more_money_lets_the_batch_go_on_and_less_does_not(self, manager: Client, batch: Batch) -> None:
        set_cap(manager, batch.pk, "9")
        assert Batch.objects.get().stage == Batch.Stage.REVIEWING
        set_cap(manager, batch.pk, "11")
        assert Batch.objects.get().stage == Batch.Stage.WEIGHING

    def test_a_paused_batch_stays_paused_when_money_is_added(self, manager: Client, batch: Batch) -> None:
        batch.stop("")
        set_cap(manager, batch.pk, "11")
        assert Batch.objects.get().paused_at is not None

    def test_a_higher_cap_of_the_project_wakes_what_waits_and_nothing_else(
        self, manager: Client, batch: Batch, project: Project
    ) -> None:
        stages = {"stuck": "asking", "paused": "reviewing", "finished": "done"}
        made = {name: Batch.objects.create(project=project, name=name, stage=stage) for name, stage in stages.items()}
        made["stuck"].stop("The money of this project is spent.")
        made["paused"].stop("")
        set_cap(manager, "project", "1")
        assert Batch.objects.get(pk=batch.pk).stage == "reviewing"
        set_cap(manager, "project", "2")
        now = {one.name: (one.stage, one.paused_at is None) for one in Batch.objects.all()}
        assert now["March"] == ("weighing", True) and now["stuck"] == ("asking", True)
        assert now["paused"] == ("reviewing", False) and now["finished"] == ("done", True)

    def test_nonsense_scopes_and_batches_of_others_change_nothing(self, manager: Client, batch: Batch) -> None:
        other = Batch.objects.create(project=Project.objects.create(name="Other", slug="other"), name="Theirs")
        assert set_cap(manager, other.pk, "5").status_code == 404
        assert set_cap(manager, "everything", "5").status_code == 422
        assert not Purse.objects.filter(batch=other).exists()

    def test_a_project_s_cap_shows_in_what_is_free(self, manager: Client, batch: Batch) -> None:
        set_cap(manager, "project", "4")
        assert manager.get(MONEY).context["money"].free == 4_000_000


class TestSwitch:
    @pytest.mark.slow
    def test_paid_calls_are_stopped_everywhere_to_be_seen_and_allowed_again(
        self, manager: Client, batch: Batch, paid: Annotator
    ) -> None:
        manager.post(f"{MONEY}switch/", {"action": "stop"})
        with pytest.raises(ledger.Refused, match="are stopped"):
            ledger.reserve(batch.tasks.all()[0], paid, 1)
        for page in ("", "crowd/", "tasks/", "money/", f"batches/{batch.pk}/", "people/"):
            assert "Paid calls are stopped since" in told(manager.get(f"/p/city/{page}")), page
        manager.post(f"{MONEY}switch/", {"action": "allow"})
        assert Project.objects.get().calls_stopped_at is None
        assert Batch.objects.get().stage == Batch.Stage.WEIGHING
        assert "Paid calls are stopped since" not in told(manager.get(MONEY))

    def test_stopping_twice_keeps_the_first_time(self, manager: Client, batch: Batch) -> None:
        manager.post(f"{MONEY}switch/", {"action": "stop"})
        since = Project.objects.get().calls_stopped_at
        manager.post(f"{MONEY}switch/", {"action": "stop"})
        assert Project.objects.get().calls_stopped_at == since

    def test_people_who_label_are_not_told(self, client: Client, batch: Batch) -> None:
        Project.objects.update(calls_stopped_at=timezone.now())
        client.force_login(User.objects.get(username="ann"))
        assert "stopped" not in told(client.get("/p/city/mine/"))


class TestUnknownOutcomes:
    def test_the_bill_says_how_much(self, manager: Client, batch: Batch, paid: Annotator) -> None:
        held = cut_off(batch, paid)
        assert "The line broke." in told(manager.get(MONEY))
        assert manager.post(f"{MONEY}calls/{held.pk}/", {"outcome": "charged", "amount": "0.003"}).status_code == 302
        held.refresh_from_db()
        assert (held.state, held.cost_microdollars) == ("settled", 3000)
        assert "max" in held.note and ledger.faults() == []

    def test_or_that_nothing_was_charged(self, manager: Client, batch: Batch, paid: Annotator) -> None:
        held = cut_off(batch, paid)
        manager.post(f"{MONEY}calls/{held.pk}/", {"outcome": "free", "amount": ""})
        held.refresh_from_db()
        assert held.state == "released" and Purse.objects.get(batch=batch).held_microdollars == 0

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("amount", "sentence"),
        [
            ("", "Say how much was charged"),
            ("-1", "below zero"),
            ("NaN", "no amount of money"),
        ],
    )
    def test_other_amounts_are_refused_beside_the_call(
        self, manager: Client, batch: Batch, paid: Annotator, amount: str, sentence: str
    ) -> None:
        held = cut_off(batch, paid)
        answer = manager.post(f"{MONEY}calls/{held.pk}/", {"outcome": "charged", "amount": amount})
        assert answer.status_code == 422 and sentence in told(answer)
        held.refresh_from_db()
        assert held.state == "unknown"

    def test_a_bill_above_what_was_held_is_booked_in_full_and_pauses_the_model(
        self, manager: Client, batch: Batch, paid: Annotator
    ) -> None:
        held = cut_off(batch, paid)
        form = {"outcome": "charged", "amount": "11"}  # the batch's cap is $10
        page = told(manager.post(f"{MONEY}calls/{held.pk}/", form, follow=True))
        assert "booked at $11.00, more than was held for it; Dear is paused" in page
        purse = Purse.objects.get(batch=batch)
        assert (purse.spent_microdollars, purse.overdrawn_microdollars) == (11_000_000, 1_000_000)
        held.refresh_from_db()
        paid.refresh_from_db()
        assert held.note.startswith("$0.005 was held, $11.00 was billed.") and ledger.faults() == []
        assert paid.paused_at and "compare the provider's bill with the price" in paid.error

    def test_a_call_whose_outcome_is_known_is_not_booked_again(
        self, manager: Client, batch: Batch, paid: Annotator
    ) -> None:
        held = cut_off(batch, paid)
        ledger.reconcile(held, None, "looked up")
        answer = manager.post(f"{MONEY}calls/{held.pk}/", {"outcome": "charged", "amount": "0.001"})
        assert answer.status_code == 422
        held.refresh_from_db()
        assert held.state == "released"


@pytest.mark.parametrize("page", ["money/", "batches/{}/rounds/"])
def test_live_pages_fetch_only_what_moves(manager: Client, batch: Batch, page: str) -> None:
    headers = {"HX-Request": "true", "HX-Target": "standing"}
    part = manager.get(f"/p/city/{page.format(batch.pk)}", headers=headers)
    assert part.status_code == 200 and part.content.decode().lstrip().startswith('<div class="page-part" id="standing"')
    assert "<header" not in part.content.decode().split("</h1>")[0] and "HX-Target" in part["Vary"]


class TestPaidModels:
    def test_a_resting_model_says_until_when_and_why_and_is_tried_at_once(
        self, manager: Client, paid: Annotator
    ) -> None:
        for _ in range(Annotator.BREAKER):
            paid.note_failure("The server is down.", permanent=False)
        page = told(manager.get(MONEY))
        assert "rests" in page and "five failures in a row" in page and "The server is down." in page
        assert "Try now" in page
        answer = manager.post(f"/p/city/crowd/{paid.pk}/", {"action": "resume", "back": "money"})
        assert answer["Location"] == MONEY
        assert manager.get(MONEY).context["models"][0].state == "answers"

    def test_what_its_questions_do_meanwhile_is_the_project_s_choice(self, manager: Client, project: Project) -> None:
        manager.post(f"{MONEY}policy/", {"when_model_fails": "next"})
        assert Project.objects.get().when_model_fails == "next"
        manager.post(f"{MONEY}policy/", {"when_model_fails": "nonsense"})
        assert Project.objects.get().when_model_fails == "next"

    def test_a_model_without_a_price_is_refused_until_somebody_states_one(
        self, manager: Client, project: Project
    ) -> None:
        line = {"kind": "paid", "spec": "chat:dear@http://127.0.0.1:9/v1?local=yes"}
        answer = manager.post("/p/city/crowd/", line)
        assert answer.status_code == 422 and "is not stated" in told(answer)
        assert manager.post("/p/city/crowd/", {**line, "input": "0", "output": "0"}).status_code == 302
        assert Annotator.objects.get(kind="paid").price_microdollars == 0

    @pytest.mark.parametrize(
        ("prices", "sentence"),
        [
            ({"input": "1"}, "State both prices"),
            ({"input": "-1", "output": "1"}, "below zero"),
            ({"input": "NaN", "output": "1"}, "no amount of money"),
        ],
    )
    def test_half_a_price_or_an_impossible_one_is_refused(
        self, manager: Client, project: Project, prices: dict[str, str], sentence: str
    ) -> None:
        line = {"kind": "paid", "spec": "chat:dear@http://127.0.0.1:9/v1?local=yes"}
        answer = manager.post("/p/city/crowd/", {**line, **prices})
        assert answer.status_code == 422 and sentence in told(answer)
        assert not Annotator.objects.filter(kind="paid").exists()


def test_every_call_is_listed_with_its_answer_a_page_at_a_time(
    manager: Client, batch: Batch, paid: Annotator, monkeypatch: Any
) -> None:
    from labeling.reports.money import calls

    monkeypatch.setattr(calls, "PAGE", 4)
    label = batch.project.label_list()[1]
    for task in batch.tasks.all():
        held = ledger.reserve(task, paid, 5000)
        Vote.objects.create(task=task, annotator=paid, label=label, input_tokens=321, cost_microdollars=900)
        ledger.settle(held, 900)
    cut_off(batch, paid)
    first = manager.get(f"{MONEY}calls/")
    assert len(first.context["page"].calls) == 4 and first.context["page"].calls[0].vote is None
    assert "Water and drains" in told(first) and "321" in told(first)
    second = manager.get(f"{MONEY}calls/?{first.context['page'].query}")
    assert len(second.context["page"].calls) == 3 and second.context["page"].before is None
    assert len(manager.get(f"{MONEY}calls/?state=unknown").context["page"].calls) == 1
    assert manager.get(f"{MONEY}calls/?who=people").context["page"].calls == []


def test_the_ledger_shows_every_movement_paged_by_key(manager: Client, batch: Batch, paid: Annotator) -> None:
    ledger.settle(ledger.reserve(batch.tasks.all()[0], paid, 5000), 3000)
    (line,) = manager.get(MONEY).context["lines"]
    assert (line.name, line.spent, line.held) == ("Dear", 3000, 0)
    for _ in range(25):
        ledger.release(ledger.reserve(batch.tasks.all()[0], paid, 5000))
    first = manager.get(f"{MONEY}ledger/").context
    second = manager.get(f"{MONEY}ledger/", {"before": first["before"]}).context
    moves = [(move.free, move.held, move.spent) for move in [*first["movements"], *second["movements"]]]
    assert len(first["movements"]) == 50 and second["before"] is None
    assert moves[-3:] == [(2000, -5000, 3000), (-5000, 5000, 0), (10_000_000, 0, 0)] and len(moves) == 53


def test_the_ledger_writes_days_as_other_pages_do(manager: Client, batch: Batch) -> None:
    set_cap(manager, "day", "3")
    set_cap(manager, "day", "4")
    assert f"<bdi>{timezone.now():%-d %b %Y}</bdi>" in told(manager.get(f"{MONEY}ledger/"))


@pytest.mark.slow
def test_the_same_labels_are_reckoned_for_a_paid_model_and_for_people_on_everything(
    manager: Client, project: Project, paid: Annotator
) -> None:
    batch = settled_batch(project, 120, gold_every=1)
    ann, tasks = person(project, "ann"), list(batch.tasks.order_by("position"))
    Task.objects.filter(pk__in=[task.pk for task in tasks[:40]]).update(slice="validation")
    for place, task in enumerate(tasks[:40]):
        label = project.label_list()[task.gold.position if place % 4 else (task.gold.position + 1) % 3]
        Vote.objects.create(task=task, annotator=paid, label=label)
        ledger.settle(ledger.reserve(task, paid, 5000), 1500)
    for task in tasks[40:80]:
        Vote.objects.create(task=task, annotator=ann, label=task.gold, seconds=20)
        ledger.settle(ledger.reserve(task, ann, 200_000), 100_000)
    found = manager.get(MONEY).context["found"]
    ours, model, people = found.ways
    assert found.labels == 80 and ours.spent == 40 * 1500 + 40 * 100_000
    assert (model.right.value, model.spent) == (0.75, 80 * 1500)
    assert (people.right.value, people.spent) == (1.0, 80 * 100_000)
    assert model.each.value == pytest.approx(0.0015 / 0.75)
    assert model.each.low < model.each.value < model.each.high


def test_rounds_tell_whom_they_asked_and_what_it_cost(manager: Client, batch: Batch, paid: Annotator) -> None:
    from labeling.models import Escalation

    turn = Round.objects.create(
        batch=batch,
        number=1,
        method="auto",
        chosen="blend",
        router="value",
        to_paid=2,
        outcome="Two tasks go to Dear.",
        parameters={"prices": {"Dear": 2000}, "expected_accuracy": 0.81, "known": 0, "up_to_vote": 7, "seed": 0},
    )
    for task in batch.tasks.all()[:2]:
        asked = Escalation.objects.create(
            task=task, round=turn, to="paid", annotator=paid, reason="uncertain", why="Torn."
        )
        ledger.settle(ledger.reserve(task, paid, 5000, asked), 1700)
    answer = manager.get(f"/p/city/batches/{batch.pk}/rounds/")
    (found,) = answer.context["turns"]
    assert found.spent == 3400 and found.asked[0].sent == 2 and found.asked[0].name == "Dear"
    assert "Two tasks go to Dear." in told(answer) and "81.0%" in told(answer) and "not calibrated" in told(answer)
    assert "No round yet" in told(manager.get(f"/p/city/batches/{settled_batch(batch.project).pk}/rounds/"))


class TestQuestionsOfOtherKinds:
    def test_without_a_question_of_one_label_the_page_says_why_there_is_no_forecast(
        self, manager: Client, batch: Batch
    ) -> None:
        asked = batch.project.first_question
        Round.objects.create(batch=batch, number=1, method="auto", question=asked)
        sentence = "No forecast is made where an answer may be right in part"
        assert sentence not in told(manager.get(MONEY))
        Question.objects.filter(pk=asked.pk).update(kind="choices")
        page = told(manager.get(MONEY))
        assert sentence in page and "130 known labels" not in page

    def test_of_several_questions_the_page_says_which_one_the_forecast_is_about(
        self, manager: Client, batch: Batch
    ) -> None:
        first = batch.project.first_question
        Question.objects.filter(pk=first.pk).update(kind="spans")
        Question.objects.create(project=batch.project, position=1, wording="Which team?")
        Round.objects.create(batch=batch, number=1, method="auto", question=first)
        assert "About “<bdi>Which team?</bdi>”; for the other questions no forecast is made." in told(
            manager.get(MONEY)
        )
