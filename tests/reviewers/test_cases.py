"""What an expert sees of a case: families of models, own words, records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from labeling.models import Batch
from reviewers import cases, clones, guide
from tests.reviewers.scenery import ask, believe, make_case, model, say
from tests.tasks import put_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(batch: Batch) -> Batch:
    """Sixty more tasks; two models that copy each other's errors, and two that err alone."""
    cache.clear()
    rng = np.random.default_rng(3)
    names = ["Copy A", "Copy B", "Alone C", "Alone D"]
    models = [model(batch.project, name) for name in names]
    first = batch.tasks.first()
    for place in range(60):
        truth, shared = int(rng.integers(3)), int(rng.integers(3))
        task = put_task(batch, position=10 + place, external_id=f"X{place}", parts=first.parts)
        copied = shared if rng.random() < 0.4 else truth
        alone = [int(rng.integers(3)) if rng.random() < 0.4 else truth for _ in range(2)]
        for who, given in zip(models, [copied, copied, *alone], strict=True):
            say(task, who, given)
        shares = [0.05, 0.05, 0.05]
        shares[truth] = 0.9
        believe(task, *shares)
    return batch


@pytest.mark.slow
def test_models_that_err_together_share_a_bracket_worth_about_one_vote(crowd: Batch) -> None:
    task = crowd.tasks.last()
    question = make_case(task)
    rows = cases.lay_out(question, None).rows
    families = [family for row in rows for family in row.families]
    assert [[voice.annotator.name for voice in family.voices] for family in families] == [["Copy A", "Copy B"]]
    assert 1.0 <= families[0].worth < 1.3
    bound = {voice.vote.pk for family in families for voice in family.voices}
    assert not any(voice.vote.pk in bound for row in rows for voice in row.voices)


def test_families_are_measured_once_per_round_and_a_small_batch_has_none(
    batch: Batch, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    cache.clear()
    assert clones.kin(batch) == clones.Kin({}, {})
    with django_assert_num_queries(1):
        clones.kin(batch)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ('{"label": "Water and drains", "reason": "The pipe is the cause."}', "The pipe is the cause."),
        ('{"label": "Water and drains"}', ""),
        ("Water and drains", ""),
        ("The answer is Water and drains.", ""),
        ("Since water comes up through a manhole, the drains come first here.", "Since water comes up"),
        ("", ""),
        ('{"label": [', ""),
    ],
)
def test_a_models_words_are_its_reason_and_not_the_label_again(batch: Batch, raw: str, words: str) -> None:
    vote = say(batch.tasks.first(), model(batch.project, "Large", "paid"), 1, raw)
    assert cases.own_words(vote).startswith(words) and bool(words) == bool(cases.own_words(vote))


def test_the_fate_of_a_case_follows_what_colleagues_do(batch: Batch) -> None:
    from reviewers.queue import claiming
    from tests.reviewers.scenery import answer, person

    question = ask(batch.tasks.first(), to="expert")
    eve, other = person(batch.project, "eve", "expert"), person(batch.project, "max", "expert")
    assert not cases.fate(question, eve).mine
    held = claiming.claim(other)
    assert cases.fate(question, eve).holder == held and cases.fate(question, other).mine
    answer(held, 0)
    question.refresh_from_db()
    fate = cases.fate(question, eve)
    assert fate.closed and fate.settled_by == held and fate.settled_by.vote.label.name == "Roads and lights"


def test_the_guide_puts_added_reasons_under_their_labels(project: Any) -> None:
    project.guidelines = "Read to the end.\n\nWater and drains: Ice from a leak is water."
    project.save()
    label = project.label_list()[1]
    guide.add(label.question, label, "  A gully\nis a drain. ")
    guide.add(label.question, label, "A gully is a drain.")
    project.refresh_from_db()
    read = guide.guide(project)
    assert read.opening == "Read to the end."
    assert read.entries[1].added == ["Ice from a leak is water.", "A gully is a drain."]
    assert [entry.label for entry in read.of({label.pk})] == [label]
