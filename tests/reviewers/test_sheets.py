"""Several questions about one instance on one card: leased, sent, paid and taken back together."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from labeling.models import Batch, Decision, Project, Reservation, Task, Vote
from labeling.money import ledger
from labeling.rounds import conditions
from reviewers import quality
from reviewers.models import Assignment
from reviewers.queue import claiming, holding, undoing
from tests.questions import batch_of, question
from tests.reviewers.scenery import ask, person
from tests.reviewers.test_views_annotate import signed_in, url

AT_PAGE = {"HX-Request": "true"}
TEXTS = ["Maria flew from Oslo.", "Lamps are out in Bergen."]


@pytest.fixture
def batch(project: Project) -> Batch:
    """Two instances, four questions of four kinds about each, all of them open to people."""
    project.check_share = 0
    project.save()
    question(project, "choices", ("water", "light"), wording="Which of these?")
    question(project, "scale", ("1", "2", "3"), wording="How bad?")
    question(project, "spans", ("place", "person"), wording="Which places?")
    made = batch_of(project, TEXTS, attributes=[])
    made.stage = Batch.Stage.REVIEWING
    made.save()
    for task in made.tasks.all():
        ask(task, priority=9 - task.position)
    return made


@pytest.fixture
def ann(batch: Batch) -> Client:
    return signed_in("ann")


def open_card(batch: Batch, name: str = "ann") -> Assignment:
    held = claiming.claim(person(batch.project, name))
    assert held is not None
    return held


def told(card: Assignment, **more: Any) -> dict[str, Any]:
    """Answers to all four questions: the second label, the first label, the third step, one place."""
    fields: dict[str, Any] = {"key": str(uuid.uuid4()), "seconds": "8", "part": [one.pk for one in card.whole]}
    for one in card.whole:
        asked = one.escalation.task.question
        keys, name = [label.pk for label in asked.label_list()], f"q{asked.pk}."
        answer: dict[str, Any] = {
            "choice": {"label": keys[-2]},
            "choices": {"chosen": [keys[0]]},
            "scale": {"label": keys[-1]},
            "spans": {"spans": json.dumps([[0, 5, keys[0]]])},
        }[asked.kind]
        fields |= {f"{name}{field}": value for field, value in answer.items()}
    return fields | more


def send(client: Client, card: Assignment, **more: Any) -> Any:
    return client.post(url("annotate_submit", card.pk), told(card, **more), headers=AT_PAGE)


def stored() -> list[Any]:
    votes = Vote.objects.current().order_by("task__position")
    return [vote.label.name if vote.label else vote.marks for vote in votes]


ANSWERED = ["Water and drains", [0], "3", [[0, 5, 0]]]


def test_all_open_questions_of_an_instance_are_one_card(batch: Batch) -> None:
    card = open_card(batch)
    assert [one.escalation.task.question.kind for one in card.whole] == ["choice", "choices", "scale", "spans"]
    assert {one.escalation.task.external_id for one in card.whole} == {"T-0"}
    assert all(one.begun_at for one in card.whole)


def test_only_what_this_person_may_answer_is_on_it(batch: Batch) -> None:
    first = batch.tasks.all()[0]
    Vote.objects.create(task=first, annotator=person(batch.project, "ann"), label=first.question.label_list()[0])
    assert [one.escalation.task for one in open_card(batch).whole] == list(batch.tasks.all()[1:4])
    assert [one.escalation.task for one in open_card(batch, "bob").whole] == [first]  # what she leaves of it


def test_cards_ahead_are_of_other_instances(batch: Batch) -> None:
    cards = claiming.hand_out(person(batch.project, "ann"), ahead=5)
    assert [len(card.whole) for card in cards] == [4, 4]


def test_one_submit_is_one_vote_for_each_question(batch: Batch, ann: Client) -> None:
    assert send(ann, open_card(batch)).status_code == 200
    assert stored() == ANSWERED and Decision.objects.current().count() == 4
    assert len(set(Vote.objects.values_list("key", flat=True))) == 4
    assert sum(Vote.objects.values_list("seconds", flat=True)) <= 8


def test_the_same_card_sent_twice_is_taken_in_once_and_another_answer_under_its_key_is_refused(
    batch: Batch, ann: Client
) -> None:
    card = open_card(batch)
    fields = told(card)
    for _ in range(2):
        assert ann.post(url("annotate_submit", card.pk), fields, headers=AT_PAGE).status_code == 200
    assert Vote.objects.count() == 4
    scale = batch.tasks.all()[2].question
    other = fields | {f"q{scale.pk}.label": scale.label_list()[0].pk}
    assert ann.post(url("annotate_submit", card.pk), other, headers=AT_PAGE).status_code == 409
    assert stored() == ANSWERED


def test_a_question_without_an_answer_is_named_and_nothing_is_kept(batch: Batch, ann: Client) -> None:
    card = open_card(batch)
    choices = batch.tasks.all()[1].question
    fields = {name: value for name, value in told(card).items() if name != f"q{choices.pk}.chosen"}
    page = ann.post(url("annotate_submit", card.pk), fields)
    words = page.content.decode()
    assert page.status_code == 400 and "Which of these? Nothing is chosen" in words and not Vote.objects.exists()
    assert words.count(" checked") == 2 and "[[0, 5, " in words  # what was chosen elsewhere stands
    none = fields | {f"q{choices.pk}.answered": "none"}
    assert ann.post(url("annotate_submit", card.pk), none).status_code == 302
    assert stored()[1] == []


def test_one_undo_takes_all_of_them_back(batch: Batch, ann: Client) -> None:
    page = send(ann, open_card(batch)).content.decode()
    assert 'data-said="Water and drains · water · 3 · 1 stretch"' in page
    assert ann.post(url("annotate_undo"), headers=AT_PAGE).status_code == 200
    assert not Vote.objects.current().exists() and not Decision.objects.current().exists()
    card = holding.in_hand(person(batch.project, "ann"))[0]
    assert len(card.whole) == 4
    send(ann, card)
    assert stored() == ANSWERED


def test_an_earlier_card_opens_whole_and_one_answer_is_changed(batch: Batch, ann: Client) -> None:
    send(ann, open_card(batch))
    [done] = undoing.last_answers(person(batch.project, "ann"))
    page = ann.get(f"{url('annotate')}?answer={done.pk}").content.decode()
    assert page.count('<fieldset class="part"') == 4 and page.count(" checked") == 3
    scale = batch.tasks.all()[2].question
    sent = send(ann, done, **{f"q{scale.pk}.label": scale.label_list()[0].pk})
    assert "Changed from 3 to 1." in sent.content.decode()
    assert stored() == ["Water and drains", [0], "1", [[0, 5, 0]]]
    assert Vote.objects.count() == 4 + 2  # the changed one was withdrawn and given anew
    [again] = undoing.last_answers(person(batch.project, "ann"))
    assert len(again.whole) == 4
    ann.post(url("annotate_undo"), headers=AT_PAGE)
    assert not Vote.objects.current().exists()


@pytest.mark.slow
@pytest.mark.parametrize(("act", "state"), [("skip", "skipped"), ("flag", "flagged")])
def test_skip_and_flag_are_of_the_instance_and_taken_back_whole(
    batch: Batch, ann: Client, act: str, state: str
) -> None:
    card = open_card(batch)
    send(ann, card, act=act, note="Unreadable.")
    assert set(Assignment.objects.filter(pk__in=[one.pk for one in card.whole]).values_list("state", flat=True)) == {
        state
    }
    assert batch.tasks.filter(escalations__to="expert").count() == (4 if act == "flag" else 0)
    ann.post(url("annotate_undo"), headers=AT_PAGE)
    back = holding.in_hand(person(batch.project, "ann"))[0]
    assert len(back.whole) == 4 and not batch.tasks.filter(escalations__to="expert", escalations__state="open").exists()


def test_a_card_given_back_or_left_frees_all_its_questions(batch: Batch, ann: Client) -> None:
    card = claiming.hand_out(person(batch.project, "ann"))[0]
    ann.post(url("annotate_rest"), {"held": card.pk})
    assert not Assignment.objects.live().exists()
    send(ann, open_card(batch), act="release")
    assert not Assignment.objects.live().exists() and not Vote.objects.exists()


class TestPay:
    @pytest.fixture
    def paid(self, batch: Batch) -> Batch:
        """A dollar an hour of work, at most a minute an answer."""
        Project.objects.update(wage_microdollars_per_hour=3_600_000, pay_seconds=60)
        ledger.set_cap(ledger.open_purse(batch), 10_000_000)
        return Batch.objects.get(pk=batch.pk)

    def test_a_look_is_paid_once_and_every_hold_is_settled(self, paid: Batch, ann: Client) -> None:
        card = open_card(paid)
        Assignment.objects.update(claimed_at="2026-01-01T00:00Z")
        held = [one.pay for one in card.whole]
        assert [one.reserved_microdollars for one in held if one] == [60_000] * 4
        send(ann, card, seconds="8")
        assert sum(Vote.objects.values_list("cost_microdollars", flat=True)) == 8 * 1000
        assert not Reservation.objects.filter(pk__in=[one.pk for one in held if one], closed_at=None).exists()
        rest = 10_000_000 - 8 * 1000 - 4 * 60_000  # the next card is in work
        assert ledger.free(paid) == rest
        send(ann, undoing.last_answers(person(paid.project, "ann"))[0])
        assert ledger.free(paid) == rest

    def test_where_the_money_is_short_for_the_whole_card_nothing_is_held(self, paid: Batch) -> None:
        ledger.set_cap(ledger.open_purse(paid), 200_000)
        with pytest.raises(ledger.Refused, match=r"asked for 4 answers"):
            claiming.hand_out(person(paid.project, "ann"))
        with pytest.raises(ledger.Refused):
            claiming.claim(person(paid.project, "ann"))
        assert ledger.free(paid) == 200_000 and not Assignment.objects.exclude(begun_at=None).exists()


def test_a_hold_of_somebody_else_on_the_card_is_not_answered(batch: Batch, ann: Client) -> None:
    card = open_card(batch)
    theirs = open_card(batch, "bob")
    fields = told(card) | {"part": [*(one.pk for one in card.whole), *(one.pk for one in theirs.whole)]}
    ann.post(url("annotate_submit", card.pk), fields, headers=AT_PAGE)
    assert set(Vote.objects.values_list("task__instance", flat=True)) == {card.escalation.task.instance_id}
    assert Task.objects.filter(votes__isnull=False).count() == 4


class TestConditions:
    @pytest.fixture
    def batch(self, project: Project) -> Batch:
        """A second question that is asked only where the first one was answered with the second label."""
        project.check_share = 0
        project.save()
        question(project, "choices", ("pipe", "gully"), asked_after=project.first_question, asked_if=1)
        made = batch_of(project, TEXTS, attributes=[])
        made.stage = Batch.Stage.REVIEWING
        made.save()
        conditions.apply(made)
        for task in made.tasks.about(project.first_question):
            ask(task, priority=9 - task.position)
        return made

    def fields(self, batch: Batch, place: int, label: int, chosen: list[int] | None) -> dict[str, Any]:
        first, second = batch.tasks.filter(instance__position=place)
        keys, more = [[label.pk for label in task.question.label_list()] for task in (first, second)]
        fields = {
            "key": str(uuid.uuid4()),
            "seconds": "8",
            "part": list(Assignment.objects.filter(escalation__task=first).values_list("pk", flat=True))[-1:],
            f"q{first.question_id}.label": keys[label],
        }
        if chosen is not None:
            fields |= {"follow": second.pk, f"q{second.question_id}.chosen": [more[at] for at in chosen]}
        return fields

    def post(self, client: Client, batch: Batch, label: int, chosen: list[int] | None, **more: Any) -> Any:
        card = open_card(batch)
        place = card.escalation.task.instance.position
        return client.post(
            url("annotate_submit", card.pk), self.fields(batch, place, label, chosen) | more, headers=AT_PAGE
        )

    def test_the_card_holds_the_question_that_may_follow_hidden(self, batch: Batch, ann: Client) -> None:
        page = ann.get(url("annotate")).content.decode()
        assert page.count('<fieldset class="part"') == 2 and page.count(" hidden disabled>") == 1
        assert not Assignment.objects.filter(escalation__task__question__position=1).exists()

    def test_answered_so_both_are_kept_settled_and_taken_back_as_one(self, batch: Batch, ann: Client) -> None:
        page = self.post(ann, batch, 1, [0]).content.decode()
        assert stored() == ["Water and drains", [0]] and 'data-said="Water and drains · pipe"' in page
        assert list(Task.objects.filter(instance__position=0).values_list("stage", flat=True)) == ["decided"] * 2
        ann.post(url("annotate_undo"), headers=AT_PAGE)
        assert not Vote.objects.current().exists()
        assert list(Task.objects.filter(instance__position=0).values_list("stage", flat=True)) == ["open", "waiting"]
        self.post(ann, batch, 1, [1])
        assert stored() == ["Water and drains", [1]]

    def test_answered_otherwise_the_other_question_is_not_asked_whatever_is_sent(
        self, batch: Batch, ann: Client
    ) -> None:
        assert self.post(ann, batch, 0, [0]).status_code == 200
        assert stored() == ["Roads and lights"]
        conditions.apply(batch)
        assert batch.tasks.get(instance__position=0, question__position=1).stage == "not_asked"

    def test_answered_so_the_other_question_needs_an_answer_where_the_card_showed_it(
        self, batch: Batch, ann: Client
    ) -> None:
        assert self.post(ann, batch, 1, []).status_code == 400 and not Vote.objects.exists()
        assert self.post(ann, batch, 1, None).status_code == 200  # without scripts it comes on a card of its own
        assert stored() == ["Water and drains"]
        assert [task.question.position for task in batch.tasks.filter(pk__in=conditions.apply(batch))] == [1]

    def test_an_answer_to_what_is_not_settled_so_yet_is_kept_and_settles_nothing(
        self, batch: Batch, ann: Client
    ) -> None:
        ask(batch.tasks.first(), slot=1)
        self.post(ann, batch, 1, [0])
        second = batch.tasks.get(instance__position=0, question__position=1)
        assert stored() == ["Water and drains", [0]] and not Decision.objects.exists()
        assert second.stage == "waiting" and not second.escalations.open().exists()

    def test_a_change_that_leaves_the_other_question_unasked_takes_its_answer_back(
        self, batch: Batch, ann: Client
    ) -> None:
        self.post(ann, batch, 1, [0])
        [done] = undoing.last_answers(person(batch.project, "ann"))
        first = batch.tasks.first()
        sent = {
            "key": str(uuid.uuid4()),
            "part": done.pk,
            f"q{first.question_id}.label": first.question.label_list()[0].pk,
        }
        ann.post(url("annotate_submit", done.pk), sent, headers=AT_PAGE)
        assert stored() == ["Roads and lights"]
        assert list(Task.objects.filter(instance__position=0).values_list("stage", flat=True)) == ["decided", "waiting"]
        conditions.apply(batch)
        assert batch.tasks.get(instance__position=0, question__position=1).stage == "not_asked"

    def test_the_same_card_twice_is_taken_in_once_and_paid_once(self, batch: Batch, ann: Client) -> None:
        Project.objects.update(wage_microdollars_per_hour=3_600_000, pay_seconds=60)
        ledger.set_cap(ledger.open_purse(batch), 10_000_000)
        card = open_card(Batch.objects.get(pk=batch.pk))
        Assignment.objects.update(claimed_at="2026-01-01T00:00Z")
        fields = self.fields(batch, 0, 1, [0])
        for _ in range(2):
            assert ann.post(url("annotate_submit", card.pk), fields, headers=AT_PAGE).status_code == 200
        assert Vote.objects.count() == 2
        assert sum(Vote.objects.values_list("cost_microdollars", flat=True)) == 8 * 1000


def test_a_person_s_progress_counts_cards_and_an_expert_s_cases(batch: Batch, ann: Client) -> None:
    annotator = person(batch.project, "ann")
    assert (quality.progress(annotator).answered, quality.progress(annotator).waiting) == (0, 2)
    card = open_card(batch)
    send(ann, card)
    now = quality.progress(annotator)
    assert (now.answered, now.waiting, now.share) == (1, 1, 0.5)
    took = quality.recent_seconds(annotator)
    assert len(took) == 1 and took[0] == pytest.approx(sum(Vote.objects.values_list("seconds", flat=True)))
    assert quality.answered_today(annotator) == 4, "my work counts answers"
