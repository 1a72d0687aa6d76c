"""A case in which the expert, as an annotator, gave one of the answers: another expert first, and marked as such."""

from __future__ import annotations

import pytest

from labeling.models import Batch
from reviewers import cases
from reviewers.queue import claiming
from tests.labeling.managed import told
from tests.reviewers.scenery import make_case, person, say
from tests.reviewers.test_views_annotate import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def disputed(batch: Batch) -> Batch:
    """Two cases; in the first one eve, who is an expert, gave an answer as an annotator."""
    for task in batch.tasks.all()[:2]:
        make_case(task)
    say(batch.tasks.all()[0], person(batch.project, "eve"), 1)
    return batch


def test_an_expert_who_gave_one_of_the_answers_gets_the_case_after_all_others(disputed: Batch) -> None:
    own, other = disputed.tasks.all()[:2]
    eve = person(disputed.project, "eve", "expert")
    first, second = claiming.hand_out(eve, ahead=1)
    assert [first.escalation.task_id, second.escalation.task_id] == [other.pk, own.pk]


def test_another_expert_gets_it_in_its_turn(disputed: Batch) -> None:
    held = claiming.claim(person(disputed.project, "max", "expert"))
    assert held is not None and held.escalation.task_id == disputed.tasks.all()[0].pk


def test_the_only_case_left_comes_to_whoever_answered_it_and_says_so(disputed: Batch) -> None:
    own = disputed.tasks.all()[0]
    disputed.tasks.all()[1].escalations.all().delete()
    eve = person(disputed.project, "eve", "expert")
    held = claiming.claim(eve)
    assert held is not None and held.escalation.task_id == own.pk
    assert cases.lay_out(held.escalation, held).own_words == disputed.project.label_list()[1].name
    assert "your own answer" in told(signed_in("eve").get("/p/city/cases/"))


def test_a_case_that_this_expert_never_answered_is_not_marked(disputed: Batch) -> None:
    page = told(signed_in("max").get("/p/city/cases/"))
    assert "your own answer" not in page and "R-0" in page
