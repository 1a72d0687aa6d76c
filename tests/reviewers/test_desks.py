"""Looking is not taking; a pause stops people as well; nobody holds more than a handful."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from labeling.checks import alarms
from labeling.managing import archives
from labeling.models import Batch, Decision, Escalation, Project, Vote
from labeling.money import ledger
from labeling.people import rules
from reviewers import answers, desk
from reviewers.cards.asked import Answer
from reviewers.models import Assignment
from reviewers.queue import answering, claiming, holding, undoing
from tests.labeling.managed import told
from tests.reviewers.scenery import answer, ask, person
from tests.reviewers.test_views_annotate import SCRIPT, cards, signed_in, url
from tests.tasks import put_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(batch: Batch) -> Batch:
    for place, task in enumerate(batch.tasks.all()):
        ask(task, priority=9 - place)
    return batch


def many(batch: Batch, count: int) -> None:
    """More tasks that wait for people."""
    for place in range(6, 6 + count):
        task = put_task(batch, position=place, external_id=f"X{place}")
        ask(task)


def wage(batch: Batch, dollars_an_hour: int = 18) -> None:
    batch.project.wage_microdollars_per_hour = dollars_an_hour * 1_000_000
    batch.project.save()


def held_money(batch: Batch) -> int:
    batch.purse.refresh_from_db()
    return int(batch.purse.held_microdollars)


@pytest.mark.slow
def test_opening_the_page_holds_no_money_and_takes_a_card_for_a_minute_only(asked: Batch) -> None:
    wage(asked)
    shown = cards(signed_in("ann").get(url(), headers=SCRIPT).content)
    assert shown and held_money(asked) == 0
    assert all(held.seconds_left <= 60 and not held.begun_at for held in Assignment.objects.live())
    Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert claiming.claim(person(asked.project, "bob")).escalation.task == asked.tasks.first()


def test_a_card_that_somebody_looks_at_goes_to_nobody_else(asked: Batch) -> None:
    looked = claiming.hand_out(person(asked.project, "ann"), ahead=1)
    assert claiming.claim(person(asked.project, "bob")).escalation not in [held.escalation for held in looked]


@pytest.mark.slow
def test_the_first_sign_of_work_begins_the_lease_and_holds_the_pay(asked: Batch) -> None:
    wage(asked)
    ann = signed_in("ann")
    shown = cards(ann.get(url(), headers=SCRIPT).content)
    for _ in range(2):
        assert ann.post(url("annotate_keep", shown[0]), headers=SCRIPT).json()["left"] > 590
        assert held_money(asked) == 600_000
    in_hand = Assignment.objects.get(pk=shown[1])
    assert 60 < in_hand.seconds_left <= 180, "what is in hand of somebody at work stays there a little longer"


def test_the_answer_itself_is_a_sign_of_work_and_is_paid(asked: Batch) -> None:
    wage(asked)
    looked = claiming.hand_out(person(asked.project, "ann"))[0]
    given = answer(looked, 0, seconds=10)
    asked.purse.refresh_from_db()
    assert given.vote.cost_microdollars == 50_000 == asked.purse.spent_microdollars
    assert asked.purse.held_microdollars == 0 and ledger.faults() == []


def test_an_answer_that_cannot_be_paid_any_more_is_refused_in_a_sentence(asked: Batch) -> None:
    wage(asked)
    looked = claiming.hand_out(person(asked.project, "ann"))[0]
    ledger.set_cap(asked.purse, 100_000)
    with pytest.raises(answering.Conflict, match="money of this batch is spent"):
        answer(looked, 0)
    assert not Vote.objects.exists()


@pytest.mark.slow
def test_an_idle_page_gives_back_what_was_not_begun_and_a_later_answer_still_counts(asked: Batch) -> None:
    ann = signed_in("ann")
    shown = cards(ann.get(url(), headers=SCRIPT).content)
    ann.post(url("annotate_keep", shown[0]), headers=SCRIPT)
    told = {"held": " ".join(map(str, shown))}
    assert ann.post(url("annotate_rest"), told).status_code == 204
    assert [held.pk for held in Assignment.objects.live()] == [shown[0]]
    back = claiming.own(person(asked.project, "ann"), shown[1])
    assert not answer(back, 0).extra and Decision.objects.count() == 1


def laid_out(page: bytes) -> str:
    """When a page says that its desk was laid out."""
    return re.search(r'data-at="([\d.]+)"', page.decode()).group(1)


def test_a_page_that_is_left_takes_no_card_from_the_one_that_came_after_it(asked: Batch) -> None:
    """On a reload the word of the old page arrives after the new one has been laid out with the same cards."""
    ann = signed_in("ann")
    old, new = ann.get(url()).content, ann.get(url()).content
    held = cards(new)
    assert held and held == cards(old)
    told = {"held": " ".join(map(str, held))}
    ann.post(url("annotate_rest"), {**told, "at": laid_out(old)})
    assert [one.pk for one in Assignment.objects.live()] == held
    ann.post(url("annotate_rest"), {**told, "at": laid_out(new)})
    assert not Assignment.objects.live().exists()


def test_an_answer_to_a_card_that_was_given_back_and_taken_by_another_is_an_extra_opinion(asked: Batch) -> None:
    looked = claiming.hand_out(person(asked.project, "ann"))[0]
    holding.rest(Assignment.objects.filter(pk=looked.pk))
    assert claiming.claim(person(asked.project, "bob")).escalation == looked.escalation
    looked.refresh_from_db()
    given = answer(looked, 0)
    assert given.extra and given.taken_by == "bob"


def test_a_card_that_was_renewed_in_the_nick_of_time_is_not_taken_away(asked: Batch) -> None:
    looked = claiming.hand_out(person(asked.project, "ann"))[0]
    assert not holding.give_up(looked, "expired", lapsed=True)
    assert Assignment.objects.live().get() == looked


@pytest.mark.slow
def test_a_pause_stops_the_queue_and_what_was_begun_may_be_finished(asked: Batch) -> None:
    ann = person(asked.project, "ann")
    begun = claiming.claim(ann)
    manager = signed_in("max")
    manager.post(f"/p/city/batches/{asked.pk}/control/", {"action": "pause"})
    page = signed_in("bob").get(url()).content.decode()
    assert "Paused since <time" in page and cards(page.encode()) == []
    assert claiming.claim(ann) == begun
    answer(begun, 0)
    assert Decision.objects.count() == 1 and claiming.claim(ann) is None
    manager.post(f"/p/city/batches/{asked.pk}/control/", {"action": "resume"})
    assert claiming.claim(ann) is not None


def test_a_pause_stops_cases_too(batch: Batch) -> None:
    ask(batch.tasks.first(), to="expert")
    batch.stop("")
    assert "Paused since <time" in signed_in("eve").get(url("cases")).content.decode()


@pytest.mark.slow
def test_a_batch_that_is_put_away_asks_nobody_even_where_an_error_follows(asked: Batch) -> None:
    looked = claiming.claim(person(asked.project, "ann"))
    ask(asked.tasks.first(), to="expert")
    assert signed_in("eve").get("/p/city/").context["visit"].cases == 1
    archives.put_away_batch(asked)
    for _ in range(2):
        assert claiming.claim(person(asked.project, "bob")) is None
        assert claiming.claim(person(asked.project, "eve", "expert")) is None
        assert cards(signed_in("bob").get(url()).content) == []
        assert signed_in("eve").get("/p/city/").context["visit"].cases == 0
        assert "Nothing waits for you" in told(signed_in("bob").get(url()))
        asked.stop("The server of the model does not answer.")  # a worker that was still at it
    answer(looked, 0)
    assert Decision.objects.count() == 1, "what was begun may be finished"
    archives.restore_batch(asked)
    asked.resume()
    assert claiming.claim(person(asked.project, "bob")) is not None


def test_a_card_that_merely_lay_there_is_not_shown_during_a_pause(asked: Batch) -> None:
    ann = person(asked.project, "ann")
    assert len(claiming.hand_out(ann, ahead=3)) > 1
    asked.stop("")
    assert claiming.hand_out(ann, ahead=3) == [] and desk.still_held(ann) == []


def test_a_batch_that_an_error_stopped_goes_on_with_people(asked: Batch) -> None:
    asked.stop("The server of the model does not answer.")
    assert claiming.claim(person(asked.project, "ann")) is not None


def test_cards_in_hand_are_up_to_nine_where_many_wait_and_a_third_of_the_rest_where_few_do(asked: Batch) -> None:
    ann, bob = person(asked.project, "ann"), person(asked.project, "bob")
    assert len(claiming.hand_out(ann, ahead=holding.AHEAD)) == 2, "of five others, one"
    many(asked, 60)
    assert len(claiming.hand_out(ann, ahead=holding.AHEAD)) == 10
    assert len(claiming.hand_out(bob, ahead=holding.AHEAD)) == 10


@pytest.mark.slow
def test_nobody_holds_more_than_ten_whatever_is_undone(asked: Batch) -> None:
    many(asked, 60)
    ann = person(asked.project, "ann")
    for _ in range(5):
        answer(claiming.hand_out(ann, ahead=holding.AHEAD, at_work=True)[0], 0)
    claiming.hand_out(ann, ahead=holding.AHEAD)
    for done in undoing.last_answers(ann, 5):
        assert undoing.undo(ann, done) is not None
    claiming.hand_out(ann, ahead=holding.AHEAD)
    assert Assignment.objects.live().count() == holding.MOST
    looked = Assignment.objects.filter(state="void").last()
    assert holding.work_on(looked.known_to(ann)) is None, "no eleventh by way of keeping"


def test_an_undone_card_comes_before_what_lies_in_hand(asked: Batch) -> None:
    ann = person(asked.project, "ann")
    first = claiming.claim(ann)
    answer(first, 0)
    second = claiming.claim(ann)
    undoing.undo(ann)
    there = claiming.hand_out(ann, ahead=2)
    assert [held.escalation.task for held in there][:2] == [first.escalation.task, second.escalation.task]


class TestTwoWindows:
    def told(self, batch: Batch, place: int) -> dict[str, Any]:
        label = batch.project.label_list()[place]
        return {"act": "", "answer": Answer(label), "key": uuid.uuid4(), "seconds": 5.0, "note": ""}

    def test_the_second_answer_is_a_change_that_is_said_and_paid_once(self, asked: Batch) -> None:
        wage(asked)
        ann = person(asked.project, "ann")
        held = claiming.claim(ann)
        Assignment.objects.update(claimed_at=timezone.now() - timedelta(seconds=30))
        one, other = claiming.own(ann, held.pk), claiming.own(ann, held.pk)
        assert answers.give(one, self.told(asked, 0)) is None
        asked.purse.refresh_from_db()
        paid = asked.purse.spent_microdollars
        notice = answers.give(other, self.told(asked, 1))
        assert notice is not None and notice.title == "Changed from Roads and lights to Water and drains."
        assert Decision.objects.current().get().label.name == "Water and drains"
        asked.purse.refresh_from_db()
        assert asked.purse.spent_microdollars == paid == 25_000 and asked.purse.held_microdollars == 0

    def test_the_same_answer_again_changes_nothing_and_says_so(self, asked: Batch) -> None:
        ann = person(asked.project, "ann")
        held = claiming.claim(ann)
        for turn in range(2):
            notice = answers.give(claiming.own(ann, held.pk), self.told(asked, 0))
            assert (notice is None) == (turn == 0)
        assert "Nothing was changed." in str(notice) and Vote.objects.count() == 1


def test_a_person_whose_queue_is_paused_gets_no_card_and_is_told_why(asked: Batch) -> None:
    ann = person(asked.project, "ann")
    begun = claiming.hand_out(ann, ahead=3, at_work=True)[0]
    rules.pause(ann)
    ann.refresh_from_db()
    assert claiming.hand_out(ann, ahead=3) == [begun], "what was begun may be finished, the rest is put back"
    answer(begun, 0)
    page = told(signed_in("ann").get(url()))
    assert (
        "Paused since <time" in page and "Your queue is paused: a manager wants to look at it with you first." in page
    )
    assert cards(page.encode()) == [] and claiming.pick(ann, asked.tasks.last().escalations.get()) is None
    assert cards(signed_in("bob").get(url()).content), "colleagues go on"
    rules.go_on(ann)
    assert cards(signed_in("ann").get(url()).content)


def test_an_alarm_about_a_person_pauses_their_queue_until_a_manager_has_seen_it(asked: Batch) -> None:
    Project.objects.update(when_alarmed="pause")
    ann, project = person(asked.project, "ann"), Project.objects.get()
    assert alarms.raise_about(project, "person", "ann", "ann is right on 40%.", 50.0, annotator=ann)
    page = told(signed_in("ann").get(url()))
    assert "Your queue is paused: after an alarm about answers, a manager wants to look" in page
    assert "40%" not in page, "nobody learns here which answers were checks"
    alarms.clear(project.alarms.get())
    assert cards(signed_in("ann").get(url()).content)


def test_an_expert_whose_cases_are_paused_is_told_why(batch: Batch) -> None:
    ask(batch.tasks.first(), to="expert")
    eve = person(batch.project, "eve", "expert")
    rules.pause(eve)
    page = told(signed_in("eve").get(url("cases")))
    assert "Your queue is paused" in page and not Assignment.objects.exists()


def test_a_card_whose_question_goes_with_its_batch_meanwhile_is_no_error(
    batch: Batch, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(batch.tasks.all()[0])
    ann = person(batch.project, "ann")
    client.force_login(ann.user)
    (held,) = claiming.hand_out(ann, ahead=0)
    Assignment.objects.filter(pk=held.pk).update(begun_at=None)
    lock = Escalation.lock

    def gone(question: Escalation) -> None:
        Escalation.objects.filter(pk=question.pk).delete()
        lock(question)

    monkeypatch.setattr(Escalation, "lock", gone)
    answer = client.post(f"/p/{batch.project.slug}/rest/", {"held": held.pk})
    assert answer.status_code == 204 and not Assignment.objects.exists()
    assert not holding.give_up(held, Assignment.State.VOID)
