"""Who gets which question, and what becomes of the answer."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from labeling.checks.draws import price_of_one
from labeling.models import Batch, Belief, Decision, Escalation, Task, Vote
from reviewers.models import Assignment
from reviewers.queue import answering, claiming, holding, undoing
from tests.reviewers.scenery import answer, ask, believe, person

pytestmark = pytest.mark.django_db


def test_the_most_uncertain_task_comes_first(batch: Batch) -> None:
    first, second = batch.tasks.all()[:2]
    ask(first, priority=0.4)
    ask(second, priority=0.9)
    claimed = claiming.claim(person(batch.project, "ann"))
    assert claimed is not None and claimed.escalation.task == second


def test_two_people_never_hold_the_same_question(batch: Batch) -> None:
    for task in batch.tasks.all()[:2]:
        ask(task)
    mine = claiming.claim(person(batch.project, "ann"))
    yours = claiming.claim(person(batch.project, "bob"))
    assert mine and yours and mine.escalation_id != yours.escalation_id


def test_claiming_again_gives_back_what_is_on_the_desk(batch: Batch) -> None:
    for task in batch.tasks.all()[:2]:
        ask(task)
    ann = person(batch.project, "ann")
    assert claiming.claim(ann) == claiming.claim(ann)


def test_one_clear_answer_settles_a_task_the_crowd_was_unsure_about(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.5, 0.4, 0.1)
    ask(task)
    answer(claiming.claim(person(batch.project, "ann")), 1, seconds=4.5, note="It is a drain.")
    decision = Decision.objects.get(task=task)
    assert (decision.label.name, decision.decided_by) == ("Water and drains", "person")
    assert Task.objects.get(pk=task.pk).stage == Task.Stage.DECIDED
    assert Belief.objects.get(task=task).label.name == "Water and drains"


def test_two_people_who_disagree_make_an_experts_case(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.5, 0.4, 0.1)
    ask(task, slot=0)
    ask(task, slot=1)
    answer(claiming.claim(person(batch.project, "ann")), 0)
    assert not Decision.objects.exists(), "the second opinion is still out"
    answer(claiming.claim(person(batch.project, "bob")), 1)
    case = Escalation.objects.get(to="expert")
    assert case.reason == "people_disagree" and "Roads and lights" in case.why and not Decision.objects.exists()


def test_a_person_against_a_confident_crowd_makes_an_experts_case(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.95, 0.04, 0.01)
    ask(task)
    answer(claiming.claim(person(batch.project, "ann")), 1)
    case = Escalation.objects.get(to="expert")
    assert case.reason == "against_crowd" and "95%" in case.why


def test_the_expert_has_the_last_word(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.95, 0.04, 0.01)
    ask(task)
    answer(claiming.claim(person(batch.project, "ann")), 1)
    eve = person(batch.project, "eve", "expert")
    answer(claiming.claim(eve), 1, note="The pipe is the cause.")
    decision = Decision.objects.current().get(task=task)
    assert (decision.decided_by, decision.label.name, decision.why) == (
        "expert",
        "Water and drains",
        "The pipe is the cause.",
    )


def test_the_same_key_is_the_same_answer(batch: Batch) -> None:
    ask(batch.tasks.first())
    held, key = claiming.claim(person(batch.project, "ann")), uuid.uuid4()
    label = batch.project.label_list()[0]
    first = answering.submit(held, label, key)
    assert answering.submit(held, label, key).vote == first.vote
    assert Vote.objects.count() == 1


def test_the_same_key_with_another_label_is_refused(batch: Batch) -> None:
    ask(batch.tasks.first())
    held, key = claiming.claim(person(batch.project, "ann")), uuid.uuid4()
    answering.submit(held, batch.project.label_list()[0], key)
    with pytest.raises(answering.Conflict, match="another label"):
        answering.submit(held, batch.project.label_list()[1], key)


def test_a_late_answer_is_kept_as_an_extra_opinion_and_settles_nothing(batch: Batch) -> None:
    task = batch.tasks.first()
    ask(task)
    late = claiming.claim(person(batch.project, "ann"))
    Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    taken = claiming.claim(person(batch.project, "bob"))
    assert taken is not None and taken.escalation == late.escalation and taken.pk > late.pk
    given = answer(late, 0)
    assert given.extra and given.taken_by == "bob" and not Decision.objects.exists()
    answer(taken, 0)
    assert Decision.objects.count() == 1


def test_an_answer_in_an_expired_lease_that_nobody_took_still_counts(batch: Batch) -> None:
    ask(batch.tasks.first())
    held = claiming.claim(person(batch.project, "ann"))
    Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert not answer(held, 0).extra and Decision.objects.count() == 1


def test_a_skipped_question_comes_back_last_and_at_once_to_others(batch: Batch) -> None:
    first, second = batch.tasks.all()[:2]
    ask(first, priority=0.9)
    ask(second, priority=0.1)
    ann, bob = person(batch.project, "ann"), person(batch.project, "bob")
    answering.skip(claiming.claim(ann))
    assert claiming.claim(ann).escalation.task == second
    assert claiming.claim(bob).escalation.task == first


def test_a_flagged_question_goes_to_the_experts_with_its_note(batch: Batch) -> None:
    ask(batch.tasks.first())
    answering.flag(claiming.claim(person(batch.project, "ann")), "Two requests in one.")
    case = Escalation.objects.get(to="expert")
    assert case.reason == "flagged" and "Two requests in one." in case.why
    assert claiming.claim(person(batch.project, "bob")) is None


def test_undo_takes_the_answer_back_and_puts_the_question_on_the_desk_again(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.5, 0.4, 0.1)
    ask(task)
    ann = person(batch.project, "ann")
    answer(claiming.claim(ann), 1)
    again = undoing.undo(ann)
    assert again is not None and again.escalation.task == task
    assert not Decision.objects.current().exists() and Decision.objects.count() == 1
    assert Belief.objects.get(task=task).probabilities == pytest.approx([0.5, 0.4, 0.1])
    answer(again, 0)
    assert Decision.objects.current().get().label.name == "Roads and lights"
    assert [v.label.name for v in Vote.objects.current()] == ["Roads and lights"] and Vote.objects.count() == 3


def test_undo_of_an_answer_that_made_a_case_takes_the_case_away(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.95, 0.04, 0.01)
    ask(task)
    ann = person(batch.project, "ann")
    answer(claiming.claim(ann), 1)
    undoing.undo(ann)
    assert not Escalation.objects.open().to_experts().exists()


def test_undo_of_a_skip_and_of_a_flag(batch: Batch) -> None:
    ask(batch.tasks.first())
    ann = person(batch.project, "ann")
    skipped = claiming.claim(ann)
    answering.skip(skipped)
    assert undoing.undo(ann).escalation_id == skipped.escalation_id
    answering.flag(claiming.claim(ann), "")
    assert undoing.undo(ann).escalation.task == skipped.escalation.task
    assert not Escalation.objects.open().to_experts().exists()
    assert undoing.last_answers(ann) == []


def test_answers_of_others_do_not_come_to_somebody_who_has_answered(batch: Batch) -> None:
    task = batch.tasks.first()
    ask(task, slot=0)
    ask(task, slot=1)
    ann = person(batch.project, "ann")
    answer(claiming.claim(ann), 0)
    assert claiming.claim(ann) is None
    assert claiming.claim(person(batch.project, "bob")) is not None


def test_a_person_with_a_wage_is_paid_by_the_second_within_what_was_held(batch: Batch) -> None:
    batch.project.wage_microdollars_per_hour = 18_000_000
    batch.project.save()
    ask(batch.tasks.first())
    held = claiming.claim(person(batch.project, "ann"))
    batch.purse.refresh_from_db()
    assert batch.purse.held_microdollars == 600_000  # 120 paid seconds at $18 an hour
    answer(held, 0, seconds=10)
    batch.purse.refresh_from_db()
    assert (batch.purse.held_microdollars, batch.purse.spent_microdollars) == (0, 50_000)


def test_an_expert_is_paid_the_experts_wage_and_the_peoples_where_none_is_stated(batch: Batch) -> None:
    project = batch.project
    project.wage_microdollars_per_hour, project.expert_wage_microdollars_per_hour = 18_000_000, 72_000_000
    project.check_by = "expert"
    project.save()
    for task in batch.tasks.all()[:2]:
        ask(task, to="expert")
    answer(claiming.claim(person(project, "eve", "expert")), 0, seconds=10)
    batch.purse.refresh_from_db()
    assert batch.purse.spent_microdollars == 200_000  # 10 seconds at $72 an hour
    prices = [price_of_one(batch, kind) for kind in ("", "expert", "person")]
    assert prices == [200_000, 200_000, 150_000], "a check by an expert; people are reckoned with 30 seconds"
    project.expert_wage_microdollars_per_hour = None
    project.save()
    answer(claiming.claim(person(project, "eve", "expert")), 0, seconds=10)
    batch.purse.refresh_from_db()
    assert batch.purse.spent_microdollars == 250_000


def test_the_votes_table_refuses_changes(batch: Batch) -> None:
    ask(batch.tasks.first())
    vote = answer(claiming.claim(person(batch.project, "ann")), 0).vote
    with pytest.raises(TypeError, match="never changes"):
        vote.save()
    with pytest.raises(TypeError, match="never vanishes"):
        Vote.objects.all().delete()


def test_the_next_question_can_be_claimed_ahead_and_stays_the_same(batch: Batch) -> None:
    for place, task in enumerate(batch.tasks.all()[:3]):
        ask(task, priority=3 - place)
    ann = person(batch.project, "ann")
    shown, ahead = claiming.hand_out(ann, ahead=1)
    assert ahead.escalation.task == batch.tasks.all()[1]
    assert claiming.hand_out(ann, ahead=1) == [shown, ahead] and claiming.claim(ann) == shown
    answer(shown, 0)
    assert claiming.claim(ann) == ahead


def test_nobody_is_handed_the_same_task_twice_where_two_opinions_are_wanted(batch: Batch) -> None:
    first, second = batch.tasks.all()[:2]
    for slot in range(2):
        ask(first, slot=slot, priority=2)
    ask(second)
    handed = claiming.hand_out(person(batch.project, "ann"), ahead=1)
    assert [held.escalation.task for held in handed] == [first, second]


def test_claiming_ahead_leaves_as_many_questions_free_as_colleagues_are_at_work(batch: Batch) -> None:
    for task in batch.tasks.all()[:3]:
        ask(task)
    ann, bob = person(batch.project, "ann"), person(batch.project, "bob")
    assert claiming.claim(ann) is not None and claiming.claim(bob) is not None
    assert len(claiming.hand_out(ann, ahead=1)) == 1, "the last free question is for Bob"
    ask(batch.tasks.all()[3])
    assert len(claiming.hand_out(ann, ahead=1)) == 2


def test_what_was_claimed_ahead_can_be_given_back_untouched(batch: Batch) -> None:
    for task in batch.tasks.all()[:2]:
        ask(task)
    ann, bob = person(batch.project, "ann"), person(batch.project, "bob")
    _, ahead = claiming.hand_out(ann, ahead=1)
    assert claiming.claim(bob) is None
    holding.put_back(ahead)
    assert claiming.claim(bob).escalation == ahead.escalation
    assert undoing.last_answers(ann) == []


def test_an_answer_to_an_ended_hold_counts_for_the_later_hold_of_the_same_person(batch: Batch) -> None:
    ask(batch.tasks.first())
    ann = person(batch.project, "ann")
    first = claiming.claim(ann)
    holding.put_back(first)
    first.refresh_from_db()
    again = claiming.claim(ann)
    assert again.pk != first.pk
    given = answer(first, 0)
    assert not given.extra and Decision.objects.count() == 1
    assert Assignment.objects.get(pk=again.pk).state == Assignment.State.ANSWERED


def test_undoing_the_same_act_again_changes_nothing(batch: Batch) -> None:
    ask(batch.tasks.first())
    ann = person(batch.project, "ann")
    done = claiming.claim(ann)
    answer(done, 1)
    done.refresh_from_db()
    assert undoing.undo(ann, done) is not None
    assert undoing.undo(ann, done) is None
    assert Vote.objects.count() == 2


def test_what_an_expert_has_settled_cannot_be_undone_or_changed(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.95, 0.04, 0.01)
    ask(task)
    ann = person(batch.project, "ann")
    done = claiming.claim(ann)
    answer(done, 1)
    answer(claiming.claim(person(batch.project, "eve", "expert")), 0)
    done.refresh_from_db()
    assert undoing.undo(ann, done) is None
    with pytest.raises(answering.Conflict, match="settled for good"):
        undoing.change(done, batch.project.label_list()[0], uuid.uuid4())
    assert Decision.objects.current().get(task=task).decided_by == "expert"


def test_an_earlier_answer_can_be_changed_without_clearing_the_desk(batch: Batch) -> None:
    first, second = batch.tasks.all()[:2]
    ask(first, priority=2)
    ask(second)
    ann, key = person(batch.project, "ann"), uuid.uuid4()
    done = claiming.claim(ann)
    answer(done, 0)
    shown = claiming.claim(ann)
    done.refresh_from_db()
    labels = batch.project.label_list()
    undoing.change(done, labels[1], key)
    undoing.change(done, labels[1], key)
    assert Decision.objects.current().get(task=first).label == labels[1]
    assert claiming.claim(ann) == shown
    assert [vote.label for vote in Vote.objects.current()] == [labels[1]]


def test_a_skipped_question_that_a_colleague_has_now_cannot_be_taken_back(batch: Batch) -> None:
    ask(batch.tasks.first())
    ann = person(batch.project, "ann")
    answering.skip(claiming.claim(ann))
    claiming.claim(person(batch.project, "bob"))
    with pytest.raises(answering.Conflict, match="bob has this one now"):
        undoing.undo(ann)


def test_a_question_that_has_passed_on_cannot_be_flagged_away_from_its_new_holder(batch: Batch) -> None:
    ask(batch.tasks.first())
    late = claiming.claim(person(batch.project, "ann"))
    Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    claiming.claim(person(batch.project, "bob"))
    with pytest.raises(answering.Conflict, match="not flagged"):
        answering.flag(late, "")
    assert Escalation.objects.open().to_people().count() == 1


def test_an_expert_picks_a_case_and_gives_the_other_back(batch: Batch) -> None:
    first, second = (ask(task, to="expert") for task in batch.tasks.all()[:2])
    eve, other = person(batch.project, "eve", "expert"), person(batch.project, "max", "expert")
    assert claiming.claim(eve).escalation == first
    assert claiming.pick(eve, second).escalation == second
    assert claiming.pick(other, second) is None and holding.holder(second).annotator == eve
    assert claiming.claim(other).escalation == first


def test_a_case_sent_back_asks_one_more_person_with_the_experts_words(batch: Batch) -> None:
    task = batch.tasks.first()
    case = ask(task, to="expert")
    answering.send_back(claiming.claim(person(batch.project, "eve", "expert")), "Is the lamp on city ground?")
    case.refresh_from_db()
    again = Escalation.objects.open().get(task=task)
    assert case.state == "withdrawn" and again.to == "person" and "city ground" in again.why
    assert claiming.claim(person(batch.project, "ann")).escalation == again


def test_a_desk_is_cleared_of_what_nobody_needs_any_more_and_its_pay_is_free_again(batch: Batch) -> None:
    batch.project.wage_microdollars_per_hour = 18_000_000
    batch.project.save()
    question = ask(batch.tasks.first())
    claiming.claim(person(batch.project, "ann"))
    question.close("withdrawn")
    assert holding.tidy() == 1 and holding.tidy() == 0
    batch.purse.refresh_from_db()
    assert batch.purse.held_microdollars == 0


def test_time_is_counted_from_the_hand_out_and_the_page_may_only_shorten_it(batch: Batch) -> None:
    ask(batch.tasks.first())
    held = claiming.claim(person(batch.project, "ann"))
    held.claimed_at -= timedelta(seconds=30)
    assert held.seconds_worked(4.5) == 4.5
    assert held.seconds_worked(4000) == pytest.approx(30, abs=2)
    assert held.seconds_worked(-7) == 0
    assert held.seconds_worked() == pytest.approx(30, abs=2)


def test_somebody_with_a_very_long_name_labels_under_the_beginning_of_it(batch: Batch) -> None:
    User.objects.filter(username__in=["ann", "bob"]).update(first_name="A" * 150, last_name="B" * 150)
    ann, bob = person(batch.project, "ann"), person(batch.project, "bob")
    assert ann.name == "A" * 120 and bob.name == "A" * 50 + " (bob)"
