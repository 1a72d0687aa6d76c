"""While people answer: weighing again in the background, questions taken back, models taught, two workers, a kill."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling import arrays, jobs
from labeling.managing import leftovers
from labeling.models import Batch, Belief, Decision, Escalation, Label, Project, Round, Task, Vote
from labeling.money import ledger
from labeling.people import recruiting
from labeling.reports.batch.standing import standing
from labeling.rounds import buying, reviewing, routing, settling, story, teaching, weighing
from reviewers.queue import claiming
from tests.reviewers.scenery import answer, ask, model, person
from tests.tasks import put_tasks

pytestmark = pytest.mark.django_db
WORDS = (["lamp", "street", "asphalt"], ["drain", "water", "pipe"], ["music", "party", "loud"])


def texts(project: Project, count: int, name: str, seed: int = 0) -> Batch:
    """A batch under way, of texts from which a model can learn; the label stands in `about`, where only we look."""
    chance, labels = random.Random(seed), project.label_list()
    batch = Batch.objects.create(project=project, name=name, stage="voting", rows_read=count, rows_new=count)
    ledger.open_purse(batch, 0)
    made = []
    for n in range(count):
        true = chance.randrange(3)
        told = " ".join(
            [
                *chance.choices(WORDS[true], k=3),
                *chance.choices([word for some in WORDS for word in some], k=1),
                f"number {name} {n}",
            ]
        )
        facts = {"parts": [["Text", told]], "about": {"true": labels[true].pk}}
        made.append({"position": n, "external_id": f"{name}-{n}", **facts})
    put_tasks(batch, made)
    story.teaching.begin(batch)
    story.hand_out(batch)
    return batch


def work(batch: Batch) -> None:
    while story.advance(batch.pk):
        pass
    batch.refresh_from_db()
    assert not batch.error


def answer_some(project: Project, count: int, names: tuple[str, ...] = ("ann", "bob")) -> int:
    """People answer what they are handed, rightly; returns how many there were."""
    done = 0
    for turn in range(count):
        held = claiming.claim(person(project, names[turn % len(names)]))
        if held is None:
            return done
        answer(held, Label.objects.get(pk=held.escalation.task.about["true"]).position)
        done += 1
    return done


def long_ago(batch: Batch) -> None:
    """Let a minute pass."""
    earlier = timezone.now() - timedelta(minutes=3)
    Round.objects.filter(batch=batch).update(started_at=earlier, finished_at=earlier)
    Escalation.objects.filter(state="answered").update(closed_at=earlier + timedelta(minutes=1))


@pytest.fixture
def specialists(project: Project) -> Project:
    recruiting.add_models(project, ["word_logistic", "naive_bayes"])
    Project.objects.filter(pk=project.pk).update(check_share=0)
    return project


class TestTheNextBatchLearnsFromPeople:
    @pytest.mark.slow
    def test_after_texts_answered_by_people_the_next_batch_has_known_labels_and_its_specialists_vote(
        self, specialists: Project
    ) -> None:
        first = texts(specialists, 60, "first")
        work(first)
        assert not Vote.objects.exists(), "nothing is known, so that the specialists sit out"
        answer_some(specialists, 60)
        second = texts(specialists, 40, "second", seed=1)
        work(second)
        assert second.rounds.first().parameters["known"] >= 20
        assert Vote.objects.filter(task__batch=second).values("annotator").distinct().count() == 2
        asked = Escalation.objects.in_batch(second.pk).to_people().values("task").distinct().count()
        assert asked <= 10, "a quarter at most goes to people, not all of it"
        believed = Belief.objects.filter(task__batch=second).select_related("task")
        assert sum(one.label_id == one.task.about["true"] for one in believed) >= 32

    @pytest.mark.slow
    def test_a_model_votes_on_known_tasks_without_having_seen_their_labels(self, specialists: Project) -> None:
        first = texts(specialists, 30, "first")
        work(first)
        wrong = Task.objects.get(position=0)
        answer_some(specialists, 30)
        second = texts(specialists, 20, "second", seed=1)
        work(second)
        cast = Vote.objects.current().filter(task=wrong, annotator__kind="model")
        assert cast.count() == 2
        before = [vote.probabilities for vote in cast.order_by("annotator")]
        other = next(label for label in specialists.label_list() if label.pk != wrong.about["true"])
        eve = person(specialists, "eve", "expert")
        Escalation.objects.create(task=wrong, to="expert", reason="flagged", why="Odd.")
        answer(claiming.claim(eve), other.position)
        third = texts(specialists, 20, "third", seed=2)
        work(third)
        after = [vote.probabilities for vote in cast.all().order_by("annotator")]
        own = other.position
        assert all(late[own] - early[own] < 0.2 for early, late in zip(before, after, strict=True)), "not its own label"


class TestWeighingAgain:
    @pytest.fixture
    def reviewed(self, project: Project) -> Batch:
        """Thirty tasks of which a model is unsure, all asked, one round ago."""
        batch = texts(project, 30, "torn")
        alpha = model(project, "Alpha")
        Vote.objects.bulk_create(
            Vote(task=task, annotator=alpha, label_id=task.about["true"]) for task in batch.tasks.all()
        )
        Project.objects.filter(pk=project.pk).update(review_share=1, check_share=0, accept_confidence=0.95)
        work(batch)
        assert batch.stage == "reviewing" and Escalation.objects.open().count() == 30
        return batch

    @pytest.mark.slow
    def test_few_answers_wait_a_minute_and_many_do_not_wait(self, reviewed: Batch) -> None:
        answer_some(reviewed.project, 3)
        assert not reviewing.due()
        long_ago(reviewed)
        assert reviewing.due() == [reviewed]

    def test_answers_are_weighed_in_the_background_and_the_batch_stays_with_people(self, reviewed: Batch) -> None:
        answer_some(reviewed.project, 5)
        long_ago(reviewed)
        story.advance(reviewed.pk)
        reviewed.refresh_from_db()
        assert reviewed.stage == "reviewing" and reviewed.rounds.count() == 2
        assert reviewed.rounds.last().parameters["known_from"]["person"] == 5
        assert not reviewing.due()

    def test_questions_that_became_sure_are_taken_back_but_not_those_on_a_desk(self, reviewed: Batch) -> None:
        held = claiming.claim(person(reviewed.project, "bob"))
        Project.objects.update(accept_confidence=0.3)
        answer_some(reviewed.project, 5, ("ann",))
        long_ago(reviewed)
        story.advance(reviewed.pk)
        left = Escalation.objects.in_batch(reviewed.pk).open()
        assert [one.pk for one in left] == [held.escalation_id]
        assert Escalation.objects.filter(state="withdrawn").count() == 24
        assert Decision.objects.current().filter(decided_by="crowd").count() == 24

    def test_only_beliefs_that_moved_are_written(self, reviewed: Batch) -> None:
        answer_some(reviewed.project, 2)
        weighing.weigh(Batch.objects.get(pk=reviewed.pk))
        written = dict(Belief.objects.values_list("task", "updated_at"))
        weighing.weigh(Batch.objects.get(pk=reviewed.pk))
        assert dict(Belief.objects.values_list("task", "updated_at")) == written

    @pytest.mark.slow
    def test_whoever_joins_leaves_the_models_votes_as_they_were_read(self, reviewed: Batch, monkeypatch: Any) -> None:
        before, taken = arrays.load(reviewed), []
        add = arrays._Cast.add
        monkeypatch.setattr(arrays._Cast, "add", lambda cast, pk, *rest: (taken.append(pk), add(cast, pk, *rest)))
        answer_some(reviewed.project, 2)
        after = arrays.load(reviewed)
        assert len(after.annotators) > len(before.annotators) and taken
        assert not Vote.objects.filter(pk__in=taken, annotator__kind="model").exists()

        def cast(ballot: arrays.Ballot) -> set[tuple[int, int, int]]:
            votes, of_models = ballot.votes, [each.kind == "model" for each in ballot.annotators]
            rows = zip(votes.task.tolist(), votes.annotator.tolist(), votes.label.tolist(), strict=True)
            return {(task, ballot.annotators[who].pk, label) for task, who, label in rows if of_models[who]}

        assert cast(after) == cast(before)
        assert len(cast(after))

    @pytest.mark.slow
    def test_a_vote_that_comes_while_others_are_weighed_is_not_lost(
        self, reviewed: Batch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        infer = weighing.infer

        def meanwhile(*told: Any) -> Any:
            answer_some(reviewed.project, 1)
            return infer(*told)

        monkeypatch.setattr(weighing, "infer", meanwhile)
        weighing.weigh(Batch.objects.get(pk=reviewed.pk))
        task = Task.objects.get(votes__annotator__kind="person")
        assert task.belief.n_votes == 2, "the model's vote and the person's"

    @pytest.mark.slow
    def test_two_workers_never_weigh_at_once(self, reviewed: Batch) -> None:
        answer_some(reviewed.project, 5)
        long_ago(reviewed)
        assert Batch.objects.get(pk=reviewed.pk).lease(60)
        assert story.advance(reviewed.pk) is False
        assert reviewed.rounds.count() == 1

    @pytest.mark.slow
    def test_the_sweep_brings_a_batch_back_whose_worker_died(self, reviewed: Batch, monkeypatch: Any) -> None:
        answer_some(reviewed.project, 5)
        long_ago(reviewed)
        batch = Batch.objects.get(pk=reviewed.pk)
        assert batch.lease(0)
        weighing.open_round(batch, batch.project.first_question)
        Batch.objects.update(touched_at=timezone.now() - timedelta(minutes=1))
        woken: list[int] = []
        monkeypatch.setattr(type(jobs.advance), "enqueue", lambda _self, pk: woken.append(pk))
        jobs.sweep(), jobs.sweep()
        assert woken == [reviewed.pk], "once, while nobody has looked after it yet"
        story.advance(reviewed.pk)
        assert reviewed.rounds.count() == 2 and not reviewed.rounds.filter(finished_at=None).exists()

    @pytest.mark.slow
    def test_a_paused_batch_rests(self, reviewed: Batch) -> None:
        answer_some(reviewed.project, 5)
        long_ago(reviewed)
        Batch.objects.update(paused_at=timezone.now())
        assert reviewing.due() == []


@pytest.mark.slow
def test_models_that_sat_out_are_taught_while_people_are_still_at_work(specialists: Project) -> None:
    batch = texts(specialists, 80, "first")
    work(batch)
    answer_some(specialists, 40)
    assert reviewing.is_due(batch)
    work(batch)
    assert batch.stage in ("reviewing", "done")
    assert Vote.objects.filter(annotator__kind="model").count() >= 80
    left = Escalation.objects.in_batch(batch.pk).open().count()
    assert left < 40, "what the models are sure of by now nobody need be asked"


class TestTheFirstLot:
    """Where nothing is known and models wait to be taught, people are asked about a part of the batch first."""

    @pytest.fixture
    def small(self, specialists: Project, monkeypatch: pytest.MonkeyPatch) -> Batch:
        monkeypatch.setattr(routing, "FIRST_LOT", 6)
        monkeypatch.setattr(teaching, "FEWEST", 40)
        batch = texts(specialists, 30, "first")
        work(batch)
        return batch

    def asked(self, batch: Batch) -> set[int]:
        return set(Escalation.objects.in_batch(batch.pk).to_people().values_list("task__position", flat=True))

    def test_a_lot_drawn_by_chance_goes_to_people_and_not_the_whole_batch(self, small: Batch) -> None:
        assert len(self.asked(small)) == 6
        assert self.asked(small) != set(range(6)), "not the first of the file"

    @pytest.mark.slow
    def test_the_others_wait_and_are_not_called_left_over(self, small: Batch) -> None:
        assert "24 tasks wait: models of the crowd learn" in small.rounds.get().outcome
        assert leftovers.of(small).count == 0 and standing(small).unasked == 0
        answer_some(small.project, 6)
        assert leftovers.of(small).count == 24 and standing(small).unasked == 24
        leftovers.ask_people(small)
        why = set(Escalation.objects.open().values_list("why", flat=True))
        assert why == {"No model gave a label; a manager asked for people."}

    @pytest.mark.slow
    def test_while_a_lot_waits_there_is_no_other(self, small: Batch) -> None:
        answer_some(small.project, 4)
        long_ago(small)
        work(small)
        assert small.rounds.count() == 2 and len(self.asked(small)) == 6

    @pytest.mark.slow
    def test_where_models_cannot_learn_from_a_lot_the_next_one_goes_until_all_have_gone(self, small: Batch) -> None:
        for expected in (12, 24, 30, 30):
            answer_some(small.project, 30)
            long_ago(small)
            work(small)
            assert len(self.asked(small)) == expected
        assert small.stage == "done"

    def test_without_models_that_learn_everything_goes_at_once(self, project: Project) -> None:
        Project.objects.filter(pk=project.pk).update(check_share=0)
        batch = texts(project, 30, "first")
        work(batch)
        assert len(self.asked(batch)) == 30


def test_what_was_taken_back_leaves_room_for_other_questions_and_what_was_flagged_does_not(
    project: Project, batch: Batch
) -> None:
    Project.objects.filter(pk=project.pk).update(review_share=0.5)
    batch.project.refresh_from_db()
    first, second, third = batch.tasks.order_by("position")[:3]
    for task in (first, second):
        ask(task)
    assert buying.room_for_people(batch, batch.project.first_question) == 1
    Escalation.objects.filter(task=first).update(state="withdrawn")
    assert buying.room_for_people(batch, batch.project.first_question) == 2
    settling.flag(Escalation.objects.get(task=second), "Unreadable.", person(project, "ann"))
    assert buying.room_for_people(batch, batch.project.first_question) == 2, "somebody has looked at it"
    Escalation.objects.create(task=third, to="person", reason="audit", why="Drawn.")
    assert buying.room_for_people(batch, batch.project.first_question) == 2, "checks come beside"
