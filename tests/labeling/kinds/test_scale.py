"""Places on a scale: reading, skills, steps, scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labeling.kinds import registry
from labeling.kinds.base import AnswerTable, Known, NoAnswer, Space, UnusableAnswer
from labeling.kinds.cells import Rules
from labeling.truth import ordered, ordered_auto
from labeling.truth.ordered import Ratings
from tests.commands import Shell

SCALE = registry.kind("scale")
FIVE = Space(("1", "2", "3", "4", "5"), (1.0, 2.0, 3.0, 4.0, 5.0))
AGGREGATE = Shell("aggregate")


def shifted(seed: int = 0, tasks: int = 120) -> tuple[Ratings, np.ndarray]:
    """Six people on a line from 0 to 100: two shifted, one careless; and where the tasks are."""
    draw = np.random.default_rng(seed)
    place = draw.uniform(20, 80, tasks)
    shift, noise = np.array([15, -15, 0, 0, 0, 0]), np.array([3, 3, 5, 5, 5, 25])
    value = place + shift[:, None] + noise[:, None] * draw.normal(size=(6, tasks))
    seen = draw.random((6, tasks)) < 0.5
    annotator, task = np.nonzero(seen)
    given = np.clip(value[seen], 0, 100)
    return Ratings(task.astype(np.int32), annotator.astype(np.int32), given, tasks, 6, 0.0, 100.0), place


def test_a_number_outside_the_scale_is_told_and_the_others_count(tmp_path: Path):
    path = tmp_path / "votes.csv"
    path.write_text("task,worker,label\n1,a,3\n1,b,4\n2,a,9\n2,b,2\n3,a,often\n3,b,\n")
    found = AGGREGATE.run_json(path, "--kind", "scale", "--labels=1,2,3,4,5")
    assert found["votes"] == 3
    told = " ".join(found["notes"])
    assert "left out, 1 (task 2): 9 is outside the scale 1 to 5." in told
    assert "left out, 1 (task 3): 'often' is no number." in told
    assert "no answer: 1" in told


def test_a_scale_needs_two_numbers(tmp_path: Path):
    path = tmp_path / "votes.csv"
    path.write_text("task,worker,label\n1,a,low\n1,b,high\n")
    assert "name the steps in their order with --labels" in AGGREGATE.refusal(path, "--kind", "scale")


def test_named_steps_are_read_and_written_by_name():
    space = SCALE.space(SCALE.meaning({"mid": 1}, Rules()), Rules(labels=("low", "mid", "high")), {})
    assert SCALE.read("high", space) == 2.0
    assert SCALE.written(1.0, space) == ["mid"]
    assert SCALE.differ(0.0, 1.0, space) == 0.5
    with pytest.raises(UnusableAnswer, match="no step of the scale low < mid < high"):
        SCALE.read("4", space)
    with pytest.raises(NoAnswer):
        SCALE.read("", space)


def test_a_reply_is_a_number_between_the_ends():
    assert SCALE.from_reply({"value": 2.5}, FIVE) == 2.5
    with pytest.raises(UnusableAnswer, match="outside the scale"):
        SCALE.from_reply({"value": 6}, FIVE)
    assert SCALE.schema(FIVE)["properties"]["value"] == {"type": "number", "minimum": 1.0, "maximum": 5.0}


def test_mean_and_median_are_those_of_each_task():
    ratings = Ratings(
        np.array([0, 0, 0, 1, 1], np.int32),
        np.array([0, 1, 2, 0, 1], np.int32),
        np.array([1.0, 2, 5, 4, 2]),
        3,
        3,
        1,
        5,
    )
    assert ordered.mean(ratings).tolist() == pytest.approx([8 / 3, 3, 14 / 5])
    assert ordered.median(ratings).tolist() == [2, 3, 2]
    known = replace(ratings, known=np.array([np.nan, 5.0, np.nan]))
    assert ordered.mean(known)[1] == ordered.median(known)[1] == 5


def test_shift_and_noise_are_found_and_corrected():
    ratings, place = shifted()
    found = ordered.line(ratings)
    assert found.shift[0] > 7 > -7 > found.shift[1]
    assert found.noise[5] == found.noise.max()
    assert np.abs(found.place - place).mean() < 0.8 * np.abs(ordered.mean(ratings) - place).mean()


def test_known_places_choose_the_reading_that_errs_least():
    ratings, place = shifted()
    known = np.where(np.arange(120) < 40, place, np.nan)
    found = ordered_auto.infer(replace(ratings, known=known))
    assert found.chosen == "shift_and_spread"
    assert (found.place[:40] == place[:40]).all()


def test_who_is_off_by_one_is_read_so_on_every_step():
    draw = np.random.default_rng(1)
    truth = draw.integers(1, 5, 200).astype(float)
    rows = [truth, truth, np.minimum(truth + 1, 5)]
    values = [np.where(draw.random(200) < 0.85, row, draw.integers(1, 6, 200)) for row in rows]
    task, annotator = np.tile(np.arange(200, dtype=np.int32), 3), np.repeat(np.arange(3, dtype=np.int32), 200)
    found = ordered.steps(Ratings(task, annotator, np.concatenate(values), 200, 3, 1, 5), np.arange(1.0, 6))
    assert found.confusion[2].argmax(axis=1)[:4].tolist() == [1, 2, 3, 4]
    given = np.arange(1.0, 6)[ordered.median_step(found.belief)]
    assert (given == truth).mean() > 0.9


def test_scores_are_those_of_the_definitions():
    given, gold = np.array([1.0, 2, 4, 4]), np.array([1.0, 3, 5, 2])
    found = SCALE.score(given, gold, FIVE)
    assert found["mae"] == 1.0
    assert found["accuracy"] == 0.25
    weights = sum((a - b) ** 2 for a in given for b in gold) / 4
    assert found["quadratic_kappa"] == pytest.approx(1 - ((given - gold) ** 2).sum() / weights)
    assert found["spearman"] == pytest.approx(0.6324555320336759)  # ranks 1 2 3.5 3.5 against 1 3 4 2
    assert SCALE.score(np.ones(3), np.ones(3), FIVE)["spearman"] is None


def test_methods_for_labels_answer_with_the_median_step():
    table = AnswerTable(
        FIVE, ["t"], list("abc"), np.zeros(3, np.int32), np.arange(3, dtype=np.int32), np.array([1.0, 2.0, 5.0])
    )
    assert SCALE.infer(table, "majority_vote", None, 0).answers.tolist() == [2.0]
    known = Known(np.array([0], np.int32), np.array([4.0]))
    assert SCALE.infer(table, "auto", known, 0).answers.tolist() == [4.0]


def test_the_answer_of_a_precise_annotator_is_worth_more():
    ratings, place = shifted()
    names = list(map(str, range(120)))
    space = Space(("0", "100"), (0.0, 100.0))
    table = AnswerTable(space, names, list("abcdef"), ratings.task, ratings.annotator, ratings.value)
    known = Known(np.arange(40, dtype=np.int32), place[:40])
    opinion = SCALE.infer(table, "auto", known, 0)
    precise, careless = (SCALE.gains(opinion, table, annotator, known) for annotator in (2, 5))
    assert (precise >= careless).all()
    assert precise[40:].min() > careless[40:].min()
    assert np.allclose(precise[:40], 0)
