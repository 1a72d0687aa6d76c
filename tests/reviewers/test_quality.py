"""How far, how fast and how right people are."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.models import Batch, Task
from reviewers.quality import Share, accuracy_on_gold, time_left
from tests.reviewers.scenery import model, person, say


def test_the_time_left_is_the_mean_without_pauses_times_what_waits() -> None:
    span = time_left([10, 10, 10, 10, 10, 600], 12)
    assert span is not None and (span.middle, span.low, span.high) == (120, 120, 120)


def test_there_is_no_time_left_below_five_answers_or_where_nothing_waits() -> None:
    assert time_left([10, 10, 10, 10], 12) is None
    assert time_left([10] * 6, 0) is None


def test_the_range_of_the_time_left_holds_four_times_in_five() -> None:
    rng, held, runs = np.random.default_rng(7), 0, 600
    for _ in range(runs):
        took = rng.gamma(4, 3, 30 + 40)
        span = time_left(list(took[:30]), 40)
        assert span is not None
        held += span.low <= took[30:].sum() <= span.high
    assert 0.74 <= held / runs <= 0.88


def test_a_share_has_wilsons_interval_from_five_on() -> None:
    share = Share(8, 20)
    assert share.interval == pytest.approx((0.218806532, 0.613418499), abs=1e-9)
    assert Share(4, 4).rate is None and Share(4, 4).interval is None


@pytest.mark.django_db
def test_a_model_is_judged_on_tasks_it_could_not_learn_from(batch: Batch) -> None:
    known = list(batch.tasks.filter(gold__isnull=False))
    Task.objects.filter(pk=known[0].pk).update(slice="validation")
    small, ann = model(batch.project, "Small"), person(batch.project, "ann")
    for task in known:
        say(task, small, 0)
        say(task, ann, 0)
    assert accuracy_on_gold([small, ann]) == {small.pk: Share(0, 1), ann.pk: Share(1, 2)}
