"""Tasks whose answer is more than one label: bought, sent to people, settled, or left open, each with its reason."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.checks import draws
from labeling.files import exports
from labeling.kinds.choices import NO, YES
from labeling.kinds.spans import Stretches
from labeling.managing import leftovers
from labeling.models import Annotator, Batch, Decision, Escalation, Project, Purse, Question, Task
from labeling.rounds import settling, weighing
from tests.questions import batch_of, question, say
from tests.reviewers.scenery import model

pytestmark = pytest.mark.django_db
SURE = np.array([YES, NO, NO], dtype=np.int8)
TEXTS = [f"Ann met Bob in Oslo on day {n}." for n in range(40)]


@pytest.fixture
def asked(project: Project) -> Question:
    return question(project, "choices", ("person", "place", "date"))


def own(batch: Batch, asked: Question) -> list[Task]:
    return list(batch.tasks.filter(question=asked).order_by("position"))


def a_crowd_torn_on_the_first(batch: Batch, asked: Question, torn: int = 10) -> None:
    """Eight models that agree on all tasks but the first ones, where each label is somebody's."""
    crowd = [model(asked.project, f"M{n}") for n in range(8)]
    for place, task in enumerate(own(batch, asked)):
        for number, voter in enumerate(crowd):
            mixed = np.array([number % 2, (number + place) % 2, (number // 2) % 2], dtype=np.int8)
            say(task, voter, mixed if place < torn else SURE)


def sent(batch: Batch, asked: Question, to: str) -> list[Escalation]:
    return list(Escalation.objects.in_batch(batch.pk).filter(task__question=asked, to=to).order_by("task__position"))


def test_the_sure_are_settled_the_torn_go_to_people_and_the_round_says_so(asked: Question) -> None:
    batch = batch_of(asked.project, TEXTS)
    a_crowd_torn_on_the_first(batch, asked)
    turn = weighing.weigh(batch).rounds[-1]
    questions = sent(batch, asked, "person")
    assert {one.task.position // 2 for one in questions} == set(range(10))
    settled = Decision.objects.current().filter(task__question=asked)
    assert settled.count() == 30 and {one.decided_by for one in settled} == {"crowd"}
    assert all(one.marks == [0] and one.label is None and one.confidence >= 0.8 for one in settled)
    assert (turn.to_people, turn.crowd_settled) == (10, 30)
    assert turn.outcome == "30 tasks settled, 10 sent to people."
    assert questions[0].why.startswith("The crowd is") and 0 < questions[0].expected_gain < 1


@pytest.mark.slow
def test_beyond_the_share_for_people_the_torn_stay_open_and_are_counted(asked: Question) -> None:
    batch = batch_of(asked.project, TEXTS)
    a_crowd_torn_on_the_first(batch, asked, torn=20)
    turn = weighing.weigh(batch).rounds[-1]
    assert len(sent(batch, asked, "person")) == 10, "a quarter of forty"
    assert "10 tasks stay open: less than 80% sure that the whole answer is right" in turn.outcome
    assert own(batch, asked)[0].stage == "open"


def test_what_nobody_answered_goes_to_people(asked: Question) -> None:
    batch = batch_of(asked.project, TEXTS[:3])
    weighing.weigh(batch)
    questions = sent(batch, asked, "person")
    assert [one.reason for one in questions] == ["no_votes"] * 3 and questions[0].why == "No model gave an answer."


@pytest.mark.slow
def test_a_question_to_people_is_taken_back_where_further_answers_make_the_task_sure(asked: Question) -> None:
    Project.objects.filter(pk=asked.project_id).update(accept_confidence=0.5)
    batch = Batch.objects.get(pk=batch_of(asked.project, TEXTS[:8]).pk)
    a_crowd_torn_on_the_first(batch, asked, torn=1)
    weighing.weigh(batch)
    (open_one,) = sent(batch, asked, "person")
    task = open_one.task
    for number in range(20):
        say(task, model(asked.project, f"late {number}"), SURE)
    weighing.weigh(batch)
    open_one.refresh_from_db()
    assert open_one.state == "withdrawn"
    assert Decision.objects.current().get(task=task).marks == [0]


def paid(project: Project, price: int = 1000) -> Annotator:
    spec = "chat:big@http://127.0.0.1:9/v1?call=0.001"
    return project.annotators.create(kind="paid", name="big", spec=spec, price_microdollars=price)


@pytest.mark.slow
def test_a_paid_model_answers_known_tasks_first_then_the_torn_ones_within_the_money(asked: Question) -> None:
    batch = batch_of(asked.project, TEXTS)
    Task.objects.filter(pk__in=[one.pk for one in own(batch, asked)[30:]]).update(gold_marks=[0], slice="validation")
    a_crowd_torn_on_the_first(batch, asked)
    buyer = paid(asked.project)
    Purse.objects.filter(pk=batch.purse.pk).update(cap_microdollars=60_000)
    turn = weighing.weigh(batch).rounds[-1]
    probes = sent(batch, asked, "paid")
    assert {one.reason for one in probes} == {"probe"} and turn.to_paid == len(probes) == 10
    assert turn.outcome == "Paid models answer 10 known tasks, to measure what their answers are worth."
    for one in probes:
        one.close("answered", say(one.task, buyer, SURE))
    turn = weighing.weigh(batch).rounds[-1]
    bought = [one for one in sent(batch, asked, "paid") if one.state == "open"]
    assert {one.task.position // 2 for one in bought} >= set(range(10)), "the torn are bought first"
    assert all(one.expected_gain > 0 and one.price_microdollars == 1000 for one in bought)
    assert not sent(batch, asked, "person"), "models first"
    assert "tasks go to paid models" in turn.outcome and turn.parameters["planned_microdollars"] <= 60_000


@pytest.mark.slow
def test_without_money_nothing_is_bought(asked: Question) -> None:
    batch = batch_of(asked.project, TEXTS[:8])
    a_crowd_torn_on_the_first(batch, asked, torn=2)
    paid(asked.project)
    turn = weighing.weigh(batch).rounds[-1]
    assert not sent(batch, asked, "paid") and turn.to_people == 2


def test_marked_texts_take_the_same_way(project: Project) -> None:
    asked = question(project, "spans", ("person", "place"))
    batch = batch_of(project, TEXTS[:12])
    both = ((0, 3, 0), (8, 11, 0), (15, 19, 1))
    crowd = [model(project, f"M{n}") for n in range(6)]
    for place, task in enumerate(own(batch, asked)):
        for number, voter in enumerate(crowd):
            torn = place == 0 and number % 2
            say(task, voter, Stretches(((4, 7, 1),) if torn else both))
    weighing.weigh(batch)
    assert {one.task.position // 2 for one in sent(batch, asked, "person")} == {0}
    settled = Decision.objects.current().filter(task__question=asked)
    assert settled.count() == 11 and all(one.marks == [list(span) for span in both] for one in settled)


def left_over(project: Project) -> tuple[Batch, list[Question]]:
    """Four tasks of three kinds, of which ten models say two different things; nobody may be asked."""
    kinds = (("choices", SURE, np.array([NO, YES, YES], dtype=np.int8)), ("scale", 0.0, 2.0))
    stretches = ("spans", Stretches(((0, 3, 0),)), Stretches(((8, 11, 1),)))
    asked = [question(project, kind, ("1", "2", "3")) for kind, *_ in (*kinds, stretches)]
    Project.objects.filter(pk=project.pk).update(review_share=0, wage_microdollars_per_hour=3_600_000)
    batch = Batch.objects.get(pk=batch_of(Project.objects.get(pk=project.pk), TEXTS[:4]).pk)
    crowd = [model(project, f"M{n}") for n in range(10)]
    for each, (_, one, other) in zip(asked, (*kinds, stretches), strict=True):
        for task in own(batch, each):
            for number, voter in enumerate(crowd):
                say(task, voter, one if (number + task.position) % 2 else other)
    weighing.weigh(batch)
    Escalation.objects.all().delete()
    Batch.objects.filter(pk=batch.pk).update(stage="reviewing")
    batch.refresh_from_db()
    return batch, asked


@pytest.mark.slow
def test_people_are_asked_about_leftovers_of_every_kind_and_read_what_the_crowd_is_unsure_of(project: Project) -> None:
    batch, asked = left_over(project)
    Task.objects.filter(batch=batch, question=project.first_question).update(stage="decided")
    left = leftovers.of(batch)
    count = batch.tasks.unasked().count()
    assert left.count == count >= 6 and left.price == count * draws.price_of_one(batch, "person") > 0
    assert leftovers.ask_people(batch) == count and leftovers.of(batch).count == 0
    for each in asked:
        (why,) = {one.why.split("%")[1].split(":")[0] for one in sent(batch, each, "person")}
        assert why == " sure that all of its answer is right"
        assert not any("None" in one.why for one in sent(batch, each, "person"))


@pytest.mark.slow
def test_leftovers_of_every_kind_are_accepted_as_they_are_and_the_export_marks_each(project: Project) -> None:
    batch, asked = left_over(project)
    left = {each.pk: batch.tasks.about(each).unasked().count() for each in asked}
    assert all(left.values())
    leftovers.accept(batch)
    weighing.weigh(Batch.objects.get(pk=batch.pk))
    for each in asked:
        settled = Decision.objects.current().filter(task__question=each)
        assert settled.count() == 4 and not batch.tasks.about(each).undecided().exists()
        marked = [row for row in exports.records(batch, each.number) if row["below_threshold"]]
        assert len(marked) >= left[each.pk]


def test_a_task_that_nobody_has_an_opinion_of_is_left_over_as_well(asked: Question) -> None:
    batch = batch_of(asked.project, TEXTS[:2])
    Batch.objects.filter(pk=batch.pk).update(stage="reviewing")
    assert leftovers.ask_people(batch) == 4
    assert {one.why for one in sent(batch, asked, "person")} == {"No model gave an answer; a manager asked for people."}


def test_what_a_paid_model_says_is_weighed_and_settles_nothing_by_itself(asked: Question) -> None:
    batch = batch_of(asked.project, TEXTS[:3])
    weighing.weigh(batch)
    Escalation.objects.in_batch(batch.pk).delete()
    told = {"project": asked.project, "kind": "paid", "spec": "replay:votes.csv?worker=big"}
    paid = Annotator.objects.create(name="big", price_microdollars=1000, **told)
    task = own(batch, asked)[0]
    sent_on = Escalation.objects.create(task=task, to="paid", annotator=paid, reason="uncertain")
    assert settling.settle(sent_on, say(task, paid, SURE))
    task.refresh_from_db()
    assert task.stage == "open" and not Decision.objects.filter(task=task).exists()
    assert not sent(batch, asked, "expert")
