"""A project whose crowd is empty, or has one model: people answer everything, and it goes through to the end."""

from __future__ import annotations

import pytest

from labeling.models import Batch, Decision, Escalation, Label, Membership, Project, Task, Vote
from labeling.money import ledger
from labeling.rounds import story, weighing
from reviewers.queue import claiming
from tests.reviewers.scenery import answer, model, person, say
from tests.tasks import put_tasks

pytestmark = pytest.mark.django_db
NAMES = ("ann", "bob")


def bring_in(project: Project, count: int, gold: int, name: str = "texts") -> Batch:
    """A batch of `count` texts, known labels on the first `gold`; the true one of each stands in `about`."""
    labels = project.label_list()
    batch = Batch.objects.create(project=project, name=name, stage="voting", rows_read=count, rows_new=count)
    ledger.open_purse(batch, 0)
    put_tasks(
        batch,
        (
            {
                "position": n,
                "external_id": f"{name}{n}",
                "parts": [["Text", f"Request {n} of {name}"]],
                "about": {"true": labels[n % len(labels)].pk},
                "gold": labels[n % len(labels)] if n < gold else None,
                "slice": Task.Slice.VALIDATION if n < gold else Task.Slice.NONE,
            }
            for n in range(count)
        ),
    )
    story.teaching.begin(batch)
    story.hand_out(batch)
    return batch


def work(batch: Batch) -> None:
    for _ in range(100):
        if not story.advance(batch.pk):
            break
    batch.refresh_from_db()
    assert not batch.error


def people_answer(project: Project, names: tuple[str, ...] = NAMES) -> int:
    """Everybody answers rightly what they are handed, until nothing waits."""
    done = 0
    for _ in range(300):
        handed = [held for name in names if (held := claiming.claim(person(project, name)))]
        for held in handed:
            if Escalation.objects.open().filter(pk=held.escalation_id).exists():
                answer(held, Label.objects.get(pk=held.escalation.task.about["true"]).position)
                done += 1
        if not handed:
            return done
    raise AssertionError("the queue has no end")


@pytest.fixture
def alone(project: Project) -> Project:
    """A project without any model, where everything goes to people."""
    Project.objects.update(review_share=1, check_share=0)
    project.refresh_from_db()
    return project


@pytest.mark.slow
@pytest.mark.parametrize(("count", "gold"), [(5, 0), (6, 1), (24, 20), (22, 22)])
def test_people_alone_label_a_batch_to_its_end_however_many_labels_are_known(
    alone: Project, count: int, gold: int
) -> None:
    batch = bring_in(alone, count, gold)
    work(batch)
    people_answer(alone)
    work(batch)
    assert batch.stage == Batch.Stage.DONE
    given = Decision.objects.current().select_related("task")
    assert given.count() >= count - gold
    assert all(one.label_id == one.task.about["true"] for one in given)


@pytest.mark.parametrize("gold", [0, 20])
def test_a_single_model_is_a_crowd(alone: Project, gold: int) -> None:
    batch = bring_in(alone, 24, gold)
    only = model(alone, "Alpha")
    for task in batch.tasks.all():
        say(task, only, Label.objects.get(pk=task.about["true"]).position)
    work(batch)
    assert batch.rounds.count() == 1 and not batch.rounds.filter(finished_at=None).exists()


def test_one_person_without_a_colleague_and_without_an_expert_finishes_a_batch(alone: Project) -> None:
    Membership.objects.exclude(user__username__in=["ann", "max"]).delete()
    batch = bring_in(alone, 24, 20)
    work(batch)
    assert people_answer(alone, ("ann",)) >= 4
    work(batch)
    assert batch.stage == Batch.Stage.DONE
    assert not Escalation.objects.open().exists()


@pytest.mark.slow
def test_a_project_with_a_single_label_and_no_crowd_is_weighed(alone: Project) -> None:
    first, *others = alone.label_list()
    Label.objects.filter(pk__in=[one.pk for one in others]).delete()
    batch = bring_in(alone, 24, 20)
    work(batch)
    people_answer(alone)
    work(batch)
    assert batch.stage == Batch.Stage.DONE
    assert set(Decision.objects.current().values_list("label", flat=True)) <= {first.pk}


@pytest.mark.slow
def test_a_second_batch_after_people_alone_is_weighed_from_what_they_settled(alone: Project) -> None:
    first = bring_in(alone, 6, 0)
    work(first)
    people_answer(alone)
    work(first)
    second = bring_in(alone, 4, 0, "more")
    work(second)
    people_answer(alone)
    work(second)
    assert second.stage == Batch.Stage.DONE
    assert weighing.arrays.load(second).known_from("person").sum() > 0


@pytest.mark.slow
def test_a_crowd_that_only_abstains_is_weighed_like_an_empty_one(alone: Project) -> None:
    batch = bring_in(alone, 24, 20)
    silent = model(alone, "Silent")
    for task in batch.tasks.all():
        say(task, silent, None)
    work(batch)
    people_answer(alone)
    work(batch)
    assert batch.stage == Batch.Stage.DONE and Vote.objects.filter(annotator__kind="person").exists()
