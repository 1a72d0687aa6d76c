"""Crowds of their own in each group of tasks: who is heard where, and what one group says about another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from labeling.truth import auto, by_group, confusion
from labeling.truth.votes import Inference, Votes


def crowd(per_group: int = 200, seed: int = 0) -> tuple[Votes, np.ndarray, np.ndarray]:
    """Two languages, three labels: annotator 0 knows the first, 1 the second, 2 both fairly; votes, group, truth."""
    draw = np.random.default_rng(seed)
    n = 2 * per_group
    group = np.repeat([0, 1], per_group).astype(np.int32)
    truth = draw.integers(0, 3, n)
    share = np.array([[0.9, 0.34], [0.34, 0.9], [0.75, 0.75]])
    task, annotator = np.tile(np.arange(n), 3).astype(np.int32), np.repeat([0, 1, 2], n).astype(np.int32)
    right = draw.random(3 * n) < share[annotator, group[task]]
    other = (truth[task] + draw.integers(1, 3, 3 * n)) % 3
    label = np.where(right, truth[task], other).astype(np.int32)
    return Votes(task, annotator, label, n, 3, 3), group, truth.astype(np.int32)


def some_known(truth: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    known = np.full(len(truth), -1, dtype=np.int32)
    drawn = np.random.default_rng(seed).choice(len(truth), count, replace=False)
    known[drawn] = truth[drawn]
    return known


def test_what_somebody_does_elsewhere_counts_as_so_many_answers_a_label() -> None:
    votes = replace(Votes(*(np.zeros(0, np.int32),) * 3, 0, 2, 2), groups=2, elsewhere=2.0)
    counts = np.array([[[3.0, 1, 0], [0, 0, 0]], [[6.0, 2, 0], [0, 1, 0]]])
    told = confusion.with_elsewhere(counts, votes)
    assert told[0].tolist() == [[4.5, 1.5, 0], [0, 1, 0]], "two of eight answers elsewhere; one where there is one"
    assert told[1].tolist() == [[7.5, 2.5, 0], [0, 1, 0]]
    assert confusion.with_elsewhere(counts, replace(votes, groups=1)) is counts


def test_a_member_that_is_clearly_worse_in_a_language_is_not_heard_in_it() -> None:
    votes, group, truth = crowd()
    found = by_group.standing(votes, group, some_known(truth, 120), by_group.WEAK)
    assert found.heard.tolist() == [[True, False], [False, True], [True, True]]
    few = by_group.standing(votes, group, some_known(truth, 20), by_group.WEAK)
    assert few.heard.all(), "with fewer than 20 known labels in a group nobody is left out"
    kept = by_group.crowds(votes, group, some_known(truth, 120), by_group.WEAK)
    assert (kept.n_annotators, kept.groups, kept.elsewhere) == (6, 2, 2.0)
    assert set(np.unique(kept.annotator).tolist()) == {0, 3, 4, 5}


def test_a_standing_is_reckoned_by_hand() -> None:
    task = np.array([0, 1, 2, 3], dtype=np.int32)
    votes = Votes(task, np.zeros(4, np.int32), np.array([0, 1, 1, 2], np.int32), 4, 1, 2)
    group, known = np.array([0, 0, 1, 0], np.int32), np.array([0, 0, 1, 1], np.int32)
    found = by_group.standing(votes, group, known, 2.0)
    assert (found.n.tolist(), found.right.tolist()) == ([[2.0, 1.0]], [[1.0, 1.0]]), "an abstention is no answer"
    assert found.share.tolist() == [[(1 + 2 * 2 / 3) / 4, (1 + 2 * 2 / 4) / 3]]


def test_crowds_of_each_language_are_right_more_often_than_one_crowd_for_all() -> None:
    votes, group, truth = crowd(300)
    known = some_known(truth, 150)
    rest = known < 0
    plain = auto.infer(votes, known=known)
    apart = auto.infer(by_group.crowds(votes, group, known, by_group.WEAK), known=known)
    right = [float((found.labels() == truth)[rest].mean()) for found in (plain, apart)]
    assert right[1] > right[0] + 0.03
    assert by_group.kept(plain, apart, known, "Language").details["chosen"].endswith("by group")


def test_groups_that_are_no_languages_are_kept_apart_only_where_known_labels_speak_for_it() -> None:
    known = np.array([0, 1], dtype=np.int32)
    belief = np.array([[0.9, 0.1], [0.1, 0.9]])
    sure, unsure = (
        Inference(belief, details={"out_of_fold": one, "known_tasks": np.array([0, 1]), "chosen": "blend"})
        for one in (belief, np.full((2, 2), 0.5))
    )
    assert by_group.kept(sure, unsure, known, "district") is sure
    assert by_group.kept(unsure, sure, known, "district").details["chosen"] == "blend by group"
    assert by_group.kept(sure, unsure, known, "language").details["chosen"] == "blend by group"
    assert by_group.kept(sure, Inference(belief), known, "language") is sure, "without known labels nothing is learned"


@pytest.mark.parametrize(("name", "weak"), [("language", 2.0), (" Lang", 2.0), ("district", 8.0)])
def test_another_language_is_weaker_evidence_than_another_group(name: str, weak: float) -> None:
    assert by_group.elsewhere(name) == weak


def test_renumbered_annotators_and_tasks_stand_alike() -> None:
    votes, group, truth = crowd(60)
    known = some_known(truth, 60)
    one = by_group.standing(votes, group, known, 2.0)
    order = np.random.default_rng(4).permutation(votes.n_tasks)
    place = np.argsort(order).astype(np.int32)
    turned = replace(votes, task=place[votes.task], annotator=(2 - votes.annotator).astype(np.int32))
    two = by_group.standing(turned, group[order], known[order], 2.0)
    assert two.heard[::-1].tolist() == one.heard.tolist()
    assert two.share[::-1] == pytest.approx(one.share)
