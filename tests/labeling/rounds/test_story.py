"""The story of a batch, step by step, with recorded votes as the crowd."""

from __future__ import annotations

import csv
import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from labeling import jobs
from labeling.checks import draws
from labeling.files import exports, imports
from labeling.files.rows import Fields
from labeling.managing import leftovers
from labeling.models import (
    Annotator,
    Batch,
    Belief,
    Chunk,
    Decision,
    Escalation,
    Instance,
    Label,
    Project,
    Round,
    Task,
    Vote,
    bulk,
)
from labeling.money import ledger
from labeling.people import recruiting
from labeling.rounds import story, weighing

pytestmark = pytest.mark.django_db
LABELS = ("yes", "no")
Make = Callable[..., Batch]


@pytest.fixture
def make(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Open a batch of `count` tasks whose models answer right with the given chances; its texts say nothing."""
    settings.CHUNK_SIZE = 32
    monkeypatch.setattr(weighing, "MOST_TEXTS", 0)

    def build(
        count: int = 60,
        chances: tuple[float, ...] = (0.9, 0.8, 0.7),
        gold_every: int = 2,
        paid: tuple[float, ...] = (),
        budget: int = 1_000_000,
        **policy: Any,
    ) -> Batch:
        chance = random.Random(5)
        truth = [chance.choice(LABELS) for _ in range(count)]
        with (tmp_path / "items.csv").open("w") as items, (tmp_path / "votes.csv").open("w") as votes:
            rows, answers = csv.writer(items), csv.writer(votes)
            rows.writerow(["id", "text", "gold"])
            answers.writerow(["task", "worker", "label"])
            for n, label in enumerate(truth):
                rows.writerow([f"t{n}", f"text number {n}", label if n % gold_every == 0 else ""])
                for m, right in enumerate(chances + paid):
                    other = LABELS[1 - LABELS.index(label)]
                    answers.writerow([f"t{n}", f"m{m}", label if chance.random() < right else other])
        project = Project.objects.create(name="p", slug="p", **{"review_share": 0.2, **policy})
        for position, name in enumerate(LABELS):
            Label.objects.create(question=project.first_question, position=position, name=name)
        recruiting.add_models(project, [f"replay:{tmp_path}/votes.csv?worker=m{m}" for m in range(len(chances))])
        for m in range(len(paid)):
            recruiting.add_paid(project, f"replay:{tmp_path}/votes.csv?worker=m{len(chances) + m}&call=0.001")
        fields = Fields(("text",), gold="gold", id="id")
        batch = imports.open_batch(project, str(tmp_path / "items.csv"), fields, validation=20)
        ledger.open_purse(batch, budget)
        return batch

    return build


def run(batch: Batch) -> Batch:
    steps = 0
    while story.advance(batch.pk):
        steps += 1
        assert steps < 500
    batch.refresh_from_db()
    return batch


def test_a_batch_goes_from_rows_to_labels_and_leaves_the_uncertain_to_people(make: Make) -> None:
    batch = run(make())
    assert batch.stage == Batch.Stage.REVIEWING and not batch.error
    assert Vote.objects.count() == 180 and Belief.objects.count() == 60
    now = story.progress(batch)
    assert now["decided"] + now["open"] == 60 and now["for_people"] == now["open"] <= 12
    asked = Belief.objects.filter(task__escalations__to="person").order_by("entropy")
    settled = Belief.objects.filter(task__decisions__decided_by="crowd")
    assert asked.count() and asked.first().entropy >= settled.order_by("-entropy").first().entropy - 1e-9
    turn = Round.objects.get()
    assert turn.to_people == now["for_people"] and turn.finished_at and turn.calibrated


def test_below_the_threshold_a_task_stays_open_though_people_may_not_get_more(make: Make) -> None:
    batch = run(make(chances=(0.6, 0.6, 0.6), review_share=0.1))
    by_crowd = Decision.objects.current().filter(decided_by="crowd")
    assert not by_crowd.filter(confidence__lt=0.8).exists()
    left = batch.tasks.unasked().count()
    assert batch.stage == Batch.Stage.REVIEWING and left > 20
    assert f"{left} tasks stay open: less than 80% sure" in Round.objects.get().outcome


@pytest.mark.slow
def test_a_manager_may_ask_people_about_all_that_is_left_or_accept_it_and_the_export_says_so(make: Make) -> None:
    batch = run(make(chances=(0.6, 0.6, 0.6), review_share=0.1))
    left = leftovers.of(batch).count
    half = batch.tasks.unasked().count() // 2
    Escalation.objects.bulk_create(
        Escalation(task=task, to="expert", reason="flagged", why="Odd.") for task in batch.tasks.unasked()[:half]
    )
    assert leftovers.of(batch).count == left - half == leftovers.ask_people(batch)
    assert leftovers.of(batch).count == leftovers.ask_people(batch) == 0
    Escalation.objects.open().update(state="withdrawn")
    leftovers.accept(batch)
    batch = run(batch)
    assert batch.stage == Batch.Stage.DONE and batch.tasks.undecided().count() == 0
    marked = [row for row in exports.records(batch) if row["below_threshold"]]
    assert len(marked) >= left and all(row["confidence"] < 0.8 for row in marked)


@pytest.mark.slow
@pytest.mark.parametrize("counted", [5_000, 0])
def test_checks_of_accepted_leftovers_are_announced_with_the_number_and_the_price_that_come(
    make: Make, monkeypatch: pytest.MonkeyPatch, counted: int
) -> None:
    batch = make(chances=(0.6, 0.6, 0.6), gold_every=4, check_share=0.3, wage_microdollars_per_hour=9_000_000)
    batch.project.memberships.create(user=User.objects.create_user("ann"), role="annotator")
    monkeypatch.setattr(draws, "MOST_COUNTED", counted)
    batch = run(batch)
    left, before = leftovers.of(batch, exact=True), set(audits())
    leftovers.accept(batch)
    batch = run(batch)
    came = set(audits()) - before
    assert len(came) == left.checks > 2 and left.roughly == (not counted)
    assert left.check_price == len(came) * draws.price_of_one(batch)


def audits() -> list[int]:
    return list(Escalation.objects.filter(reason="audit").values_list("pk", flat=True))


def test_accepting_what_is_left_takes_nothing_from_people(make: Make) -> None:
    batch = run(make(chances=(0.6, 0.6, 0.6), review_share=0.1))
    asked = set(Escalation.objects.open().to_people().values_list("task_id", flat=True))
    assert asked and leftovers.of(batch).count
    leftovers.accept(batch)
    batch = run(batch)
    assert set(batch.tasks.undecided().values_list("pk", flat=True)) == asked
    assert set(Escalation.objects.open().to_people().values_list("task_id", flat=True)) == asked


@pytest.mark.slow
def test_every_escalation_says_why(make: Make) -> None:
    run(make())
    for escalation in Escalation.objects.all():
        assert "sure of" in escalation.why and escalation.expected_gain > 0


@pytest.mark.slow
def test_known_labels_are_an_experts_word_and_are_not_asked_again(make: Make) -> None:
    batch = run(make())
    known = Decision.objects.filter(task__slice="validation")
    assert known.count() == 20 and set(known.values_list("decided_by", flat=True)) == {"file"}
    assert not Escalation.objects.filter(task__in=batch.tasks.learnable()).exists()


@pytest.mark.slow
def test_each_step_may_be_repeated(make: Make) -> None:
    batch = run(make())
    votes, decisions = Vote.objects.count(), Decision.objects.count()
    for stage in (Batch.Stage.VOTING, Batch.Stage.WEIGHING):
        Batch.objects.update(stage=stage, leased_until=None)
        Chunk.objects.update(done_at=None, leased_until=None)
        run(batch)
    assert (Vote.objects.count(), Decision.objects.count()) == (votes, decisions)


def test_a_worker_killed_between_voting_and_writing_loses_and_doubles_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make()
    story.advance(batch.pk)

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "write", die)
        with pytest.raises(Killed):
            story.advance(batch.pk)
    assert Vote.objects.count() == 0
    assert Chunk.objects.filter(leased_until__isnull=False, done_at=None).count() == 1
    while story.advance(batch.pk):
        pass
    assert Batch.objects.get().stage == Batch.Stage.VOTING, "the dead worker's chunk is still leased"
    Chunk.objects.filter(done_at=None).update(leased_until=timezone.now() - timedelta(seconds=1))
    run(batch)
    assert Vote.objects.count() == 180


def test_a_worker_that_lost_its_lease_writes_nothing(make: Make) -> None:
    batch = make()
    story.advance(batch.pk)
    chunk = Chunk.objects.claim(30)
    assert chunk is not None
    Chunk.objects.filter(pk=chunk.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    again = Chunk.objects.get(pk=chunk.pk)
    assert again.lease(30)
    assert not chunk.finish() and not chunk.renew(30)
    assert again.finish()


def test_two_workers_never_get_the_same_chunk(make: Make) -> None:
    batch = make()
    story.advance(batch.pk)
    claimed = [Chunk.objects.claim(30) for _ in range(Chunk.objects.count() + 1)]
    assert claimed[-1] is None
    assert len({chunk.pk for chunk in claimed if chunk}) == Chunk.objects.count() == 6


@pytest.mark.slow
def test_a_paused_batch_stands_still_and_goes_on_where_it_was(make: Make) -> None:
    batch = make()
    story.advance(batch.pk)
    batch.refresh_from_db()
    batch.stop("A manager paused it.")
    assert not story.advance(batch.pk) and Vote.objects.count() == 0
    batch.resume()
    assert run(batch).stage == Batch.Stage.REVIEWING


@pytest.mark.slow
def test_a_broken_annotator_stops_the_batch_with_one_sentence(make: Make) -> None:
    batch = make()
    Annotator.objects.filter(name="m1").update(spec="replay:/nowhere.csv?worker=m1")
    run(batch)
    assert "nowhere.csv" in batch.error and batch.paused_at
    assert "nowhere.csv" in Annotator.objects.get(name="m1").error


@pytest.mark.slow
def test_a_specialist_without_known_labels_sits_out_and_says_why(make: Make) -> None:
    batch = make()
    Task.objects.update(gold=None)
    Batch.objects.update(validation_size=0)
    recruiting.add_models(batch.project, ["word_logistic"])
    batch = run(batch)
    assert not batch.error and Vote.objects.filter(annotator__spec="word_logistic").count() == 0
    assert "known" in Annotator.objects.get(spec="word_logistic").error


@pytest.mark.slow
def test_without_any_known_label_beliefs_are_marked_uncalibrated(make: Make) -> None:
    batch = make()
    Batch.objects.update(validation_size=0)
    run(batch)
    assert not Round.objects.get().calibrated and not Belief.objects.filter(calibrated=True).exists()


@pytest.mark.slow
def test_a_batch_ends_when_people_have_answered(make: Make) -> None:
    from django.contrib.auth.models import User

    from reviewers.queue import answering, claiming

    batch = run(make())
    ann = Annotator.of(batch.project, User.objects.create_user("ann"), "person")
    while (held := claiming.claim(ann)) is not None:
        believed = Belief.objects.get(task=held.escalation.task).label
        answering.submit(held, believed, uuid.uuid4())
    batch.refresh_from_db()
    assert batch.stage == Batch.Stage.DONE and batch.finished_at
    assert batch.tasks.undecided().count() == 0


@pytest.mark.slow
def test_the_sweep_wakes_a_batch_that_no_worker_has_touched(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = make()
    woken: list[int] = []
    monkeypatch.setattr(jobs, "_wake", woken.append)
    Batch.objects.update(touched_at=timezone.now())
    assert jobs.sweep() == 0
    Batch.objects.update(touched_at=timezone.now() - timedelta(seconds=120))
    assert jobs.sweep() == 1 and woken == [batch.pk]
    run(batch)
    Batch.objects.update(touched_at=None)
    assert jobs.sweep() == 0, "a batch that waits for people needs no worker"


@pytest.mark.slow
def test_a_paid_model_is_measured_on_known_tasks_before_it_is_trusted(make: Make) -> None:
    run(make(chances=(0.6, 0.6, 0.6), paid=(0.98,), review_share=0))
    first = Round.objects.order_by("number")[0]
    probes = Escalation.objects.filter(round=first)
    assert set(probes.values_list("reason", "task__slice")) == {("probe", "validation")}
    assert first.to_paid == probes.count() == 20 and "known tasks" in first.outcome


@pytest.mark.slow
def test_a_good_paid_model_is_asked_where_the_crowd_is_torn_and_a_poor_one_is_not(make: Make) -> None:
    good = run(make(chances=(0.6, 0.6, 0.6), paid=(0.98,), review_share=0))
    asked = Escalation.objects.filter(to="paid", reason="uncertain")
    assert asked.count() >= 20 and Decision.objects.filter(decided_by="paid").count() >= 20
    assert all(each.expected_gain > 0 and "adds" in each.why for each in asked)
    assert good.stage == Batch.Stage.DONE and not ledger.faults()


@pytest.mark.slow
def test_a_model_that_guesses_is_not_worth_its_price_and_the_round_says_so(make: Make) -> None:
    run(make(chances=(0.95, 0.95, 0.95), paid=(0.5,), review_share=0, worth_microdollars=10_000))
    assert not Escalation.objects.filter(to="paid", reason="uncertain").exists()
    assert "worth its price" in Round.objects.order_by("number").last().outcome  # type: ignore[union-attr]


def test_not_a_cent_over_the_budget_and_the_round_says_that_the_money_is_spent(make: Make) -> None:
    batch = run(make(chances=(0.6, 0.6, 0.6), paid=(0.98,), budget=12_300, review_share=0, accept_confidence=0))
    purse = batch.purse
    assert purse.spent_microdollars == Vote.objects.filter(annotator__kind="paid").count() * 1000 <= 12_300
    assert purse.held_microdollars == 0 and purse.free_microdollars < 1000
    assert batch.stage == Batch.Stage.DONE, "what was not asked is settled by the crowd"
    assert "The money is spent" in Round.objects.order_by("number").last().outcome  # type: ignore[union-attr]


@pytest.mark.slow
def test_more_money_lets_a_finished_batch_ask_on_and_may_change_its_labels(make: Make) -> None:
    batch = run(make(chances=(0.6, 0.6, 0.6), paid=(0.98,), budget=12_300, review_share=0, accept_confidence=0))
    asked, decided = Vote.objects.filter(annotator__kind="paid").count(), Decision.objects.count()
    ledger.set_cap(batch.purse, 1_000_000)
    assert story.go_on(batch)
    batch = run(batch)
    assert batch.stage == Batch.Stage.DONE and batch.tasks.undecided().count() == 0
    assert Vote.objects.filter(annotator__kind="paid").count() > asked
    assert Decision.objects.count() > decided, "labels that changed are superseded, not edited"
    assert Decision.objects.current().count() == 60


@pytest.mark.slow
def test_people_get_what_is_still_torn_after_the_models(make: Make) -> None:
    batch = run(make(chances=(0.6, 0.6, 0.6), paid=(0.7,), review_share=0.1))
    last = Round.objects.order_by("number").last()
    assert last is not None and last.to_people == story.progress(batch)["for_people"] == 6
    assert not Escalation.objects.filter(to="person").exclude(round=last).exists()


@pytest.mark.slow
def test_the_entropy_router_asks_the_most_uncertain_first(make: Make) -> None:
    run(make(chances=(0.6, 0.7, 0.65), paid=(0.98,), budget=30_000, review_share=0, router="entropy"))
    first = Round.objects.order_by("number")[1]
    asked = Escalation.objects.filter(round=first).values_list("priority", flat=True)
    assert first.to_paid == len(asked) > 0 and min(asked) > 0.5


@pytest.mark.slow
def test_the_entropy_router_asks_without_known_labels_too(make: Make) -> None:
    """Nothing says that the model is worse than the crowd, so the most uncertain tasks are sent to it."""
    batch = make(20, (0.6, 0.7, 0.65), paid=(0.98,), budget=5_000, review_share=0, router="entropy")
    Batch.objects.update(validation_size=0)
    run(batch)
    first = Round.objects.order_by("number")[0]
    asked = Escalation.objects.filter(round=first, to="paid", state="answered")
    assert first.to_paid == asked.count() == 5 and not first.parameters["known"]
    left = Belief.objects.filter(round=first).exclude(task__escalations__round=first)
    assert asked.order_by("priority").first().priority >= max(left.values_list("entropy", flat=True))


@pytest.mark.slow
def test_tasks_that_must_stay_are_never_sent_to_a_model_outside(make: Make) -> None:
    batch = make(chances=(0.6, 0.6, 0.6), paid=(0.98,), review_share=0)
    story.advance(batch.pk)
    Annotator.objects.filter(kind="paid").update(outside=True)
    Instance.objects.filter(position__lt=30).update(local_only=True)
    batch = run(batch)
    assert not batch.error and Vote.objects.filter(annotator__kind="paid").exists()
    assert not Escalation.objects.filter(to="paid", task__instance__local_only=True).exists()


@pytest.mark.slow
def test_experts_are_asked_directly_only_where_their_hour_has_a_price(make: Make) -> None:
    from django.contrib.auth.models import User

    from labeling.models import Membership

    batch = make(chances=(0.6, 0.6, 0.6), review_share=0, expert_wage_microdollars_per_hour=60_000_000)
    Membership.objects.create(project=batch.project, user=User.objects.create_user("eve"), role="expert")
    run(batch)
    asked = Escalation.objects.filter(to="expert")
    assert asked.exists() and all("An answer of an expert" in each.why for each in asked)
    assert sum(each.price_microdollars for each in asked) <= 1_000_000
    assert Round.objects.get().parameters["prices"] == {"experts": 500_000}


@pytest.mark.slow
def test_unpaid_people_are_not_rationed_by_money_but_by_the_share_of_the_batch(make: Make) -> None:
    batch = run(make(chances=(0.6, 0.6, 0.6), budget=0, review_share=0.3))
    assert story.progress(batch)["for_people"] == 18


@pytest.mark.slow
def test_before_money_is_spent_the_round_says_what_it_would_buy(make: Make) -> None:
    run(make(chances=(0.6, 0.6, 0.6), paid=(0.98,), budget=200_000, review_share=0))
    planned = Round.objects.order_by("number")[1].parameters["forecast"]
    assert planned["budget"][0] == planned["spend"][0] == 0 and planned["budget"] == sorted(planned["budget"])
    assert planned["accuracy"] == sorted(planned["accuracy"]) and planned["accuracy"][-1] > planned["accuracy"][0] + 0.1
    assert all(
        low <= middle <= high
        for low, middle, high in zip(*(planned[k] for k in ("low", "accuracy", "high")), strict=True)
    )
    assert planned["everything"][0]["name"] == "m3" and planned["spent_before"] == 20_000


@pytest.mark.slow
def test_without_known_labels_no_money_forecast_is_made(make: Make) -> None:
    batch = make(chances=(0.6, 0.6, 0.6), paid=(0.98,), review_share=0)
    Batch.objects.update(validation_size=0)
    run(batch)
    assert all(turn.parameters["forecast"] is None for turn in Round.objects.all())


@pytest.mark.slow
@pytest.mark.parametrize("stage", [Batch.Stage.IMPORTING, Batch.Stage.WEIGHING])
def test_an_unforeseen_error_leaves_no_lease_behind_and_the_page_says_what_happened(
    make: Make, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def break_down(*_: Any) -> None:
        raise ValueError("argmax of an empty sequence")

    batch = make(count=8)
    Batch.objects.update(stage=stage)
    with monkeypatch.context() as broken:
        broken.setattr(*((imports, "take_in") if stage == Batch.Stage.IMPORTING else (weighing, "weigh")), break_down)
        with pytest.raises(ValueError, match="argmax"):
            jobs.advance.func(batch.pk)
    batch.refresh_from_db()
    assert batch.paused_at and "ValueError: argmax of an empty sequence" in batch.error and batch.leased_until is None
    batch.resume()
    story.advance(batch.pk)
    batch.refresh_from_db()
    assert batch.stage != stage, "it goes on at once"


def test_a_worker_finishes_one_model_before_it_begins_another_and_quick_ones_take_larger_pieces(
    make: Make, settings: Any
) -> None:
    settings.CHUNK_SIZE = 4
    batch = make(count=160, chances=(0.9, 0.8))
    recruiting.add_models(batch.project, ["word_logistic"])
    while batch.stage == Batch.Stage.IMPORTING:
        story.advance(batch.pk)
        batch.refresh_from_db()
    handed = list(batch.chunks.order_by("pk").values_list("annotator__name", "first", "last"))
    order = list(dict.fromkeys(name for name, _, _ in handed))
    assert order == ["word logistic", "m0", "m1"]
    assert [name for name, _, _ in handed] == sorted((name for name, _, _ in handed), key=order.index)
    sizes = {name: {last - first + 1 for one, first, last in handed if one == name} for name in order}
    assert sizes == {"word logistic": {10}, "m0": {4}, "m1": {4}}, "a sixteenth of the batch, at most sixteen times 4"
    for name in order:
        assert sum(last - first + 1 for one, first, last in handed if one == name) == 160
