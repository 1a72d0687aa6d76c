"""Chances that are held against what is known."""

from __future__ import annotations

import numpy as np

from labeling.kinds import registry
from labeling.kinds.base import AnswerTable, Known, Opinion, Space
from labeling.kinds.confidence import FEWEST, Way, calibrated
from labeling.truth.votes import Floats

KIND = registry.kind("choices")


def stated(opinion: Opinion) -> Floats:
    return np.nan_to_num(opinion.confidence)


WAY = Way(KIND, "majority_vote", stated)


def overconfident(n: int = 120, seed: int = 1) -> tuple[AnswerTable, np.ndarray]:
    """Three who repeat each other are sure of themselves, and wrong on both labels four times of ten."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (n, 2)).astype(np.int8)
    said = np.where(rng.random(n)[:, None] < 0.4, 1 - truth, truth).astype(np.int8)
    tasks, names = np.repeat(np.arange(n, dtype=np.int32), 3), ["a", "b", "c"]
    who = np.tile(np.arange(3, dtype=np.int32), n)
    space = Space(("x", "y"))
    return AnswerTable(space, [str(one) for one in range(n)], names, tasks, who, np.repeat(said, 3, axis=0)), truth


def test_answers_said_to_be_surely_right_are_believed_as_often_as_they_are() -> None:
    table, truth = overconfident()
    known = Known(np.arange(40, dtype=np.int32), truth[:40])
    opinion = KIND.infer(table, "majority_vote", known, 0)
    before = stated(opinion)
    after = calibrated(WAY, table, known, before)
    rest = np.arange(40, 120)
    right = (np.asarray(opinion.answers)[rest] == truth[rest]).all(axis=1).mean()
    assert abs(after[rest].mean() - right) < 0.15 < abs(before[rest].mean() - right)
    assert (after[:40] == before[:40]).all(), "what is known stays so"


def test_few_known_answers_leave_the_chances_as_they_are() -> None:
    table, truth = overconfident()
    known = Known(np.arange(FEWEST - 1, dtype=np.int32), truth[: FEWEST - 1])
    before = stated(KIND.infer(table, "majority_vote", known, 0))
    assert calibrated(WAY, table, known, before) is before
    assert calibrated(WAY, table, None, before) is before


def test_nothing_found_by_one_reader_is_half_as_sure_as_a_text_could_be_and_surer_with_each_further_one() -> None:
    spans = registry.kind("spans")
    space = Space(("place",), texts={"t": "Nobody is here."})

    def sure(readers: int) -> float:
        who, task = np.arange(readers, dtype=np.int32), np.zeros(readers, dtype=np.int32)
        answers = spans.pack([spans.read([], space, "t") for _ in range(readers)], space)
        table = AnswerTable(space, ["t"], [str(one) for one in range(readers)], task, who, answers)
        return float(spans.infer(table, "auto", None, 0).confidence[0])

    assert [round(sure(n), 3) for n in (1, 2, 3)] == [0.5, 0.75, 0.875]


def test_what_somebody_who_has_answered_nothing_is_worth_can_be_told_for_every_kind() -> None:
    raw = {"choices": (["a"], []), "scale": ("1", "3"), "spans": ([[0, 5, "a"]], [])}
    for name, (one, other) in raw.items():
        kind = registry.kind(name)
        labels = ("1", "2", "3") if name == "scale" else ("a", "b")
        space = Space(labels, (1.0, 2.0, 3.0) if name == "scale" else (), {"s": "Hello you", "t": "Here I am"})
        answers = kind.pack([kind.read(one, space, "s"), kind.read(other, space, "t")], space)
        task, who = np.array([0, 1], dtype=np.int32), np.zeros(2, dtype=np.int32)
        table = AnswerTable(space, ["s", "t"], ["ann"], task, who, answers)
        opinion = kind.infer(table, kind.methods[0], None, 0)
        more = AnswerTable(space, ["s", "t"], ["ann", "new"], task, who, answers)
        gains = kind.gains(opinion, more, 1, Known(np.zeros(0, dtype=np.int32), kind.pack([], space)))
        assert len(gains) == 2 and np.isfinite(gains).all() and (gains >= 0).all(), name
