"""Any number of labels: reading, per-label inference, correlation, scores, agreement."""

import math
from pathlib import Path

import numpy as np
import pytest

from labeling.files.kind_votes import read_raw, table_of
from labeling.kinds import registry, sets
from labeling.kinds.base import AnswerTable, Known, NoAnswer, Space, UnusableAnswer
from labeling.kinds.cells import Rules
from labeling.truth import block_auto, block_shares, block_trials, blocks, joint
from labeling.truth.agreement import krippendorff_alpha, label_counts
from labeling.truth.blocks import NO, UNSAID, YES, Blocks

CHOICES = registry.kind("choices")
SPACE = Space(("a", "b", "c"))


def table_in(tmp_path: Path, text: str, **rules: object) -> tuple[AnswerTable, tuple[str, ...]]:
    path = tmp_path / "votes.csv"
    path.write_text("task,worker,label\n" + text)
    given = Rules(**rules)  # type: ignore[arg-type]
    raw = read_raw(str(path), CHOICES, ("task", "worker", "label"), given)
    meaning = CHOICES.meaning(raw.occurring, given)
    return table_of(raw, CHOICES, CHOICES.space(meaning, given, {}), meaning.name)


def correlated(seed: int, tasks: int = 600, labels: int = 12, sorts: int = 5) -> tuple[Blocks, np.ndarray]:
    """Three annotators, right in 65 to 85% of each label, on labels that go together; and what is true."""
    draw = np.random.default_rng(seed)
    profile = draw.beta(0.35, 0.55, (sorts, labels))
    truth = draw.random((tasks, labels)) < profile[draw.integers(0, sorts, tasks)]
    hit, calm = draw.uniform(0.65, 0.85, (2, 3, labels))
    said = [np.where(truth, draw.random(truth.shape) < hit[j], draw.random(truth.shape) > calm[j]) for j in range(3)]
    task, annotator = np.tile(np.arange(tasks, dtype=np.int32), 3), np.repeat(np.arange(3, dtype=np.int32), tasks)
    return Blocks(task, annotator, np.concatenate(said).astype(np.int8), tasks, 3), truth


def micro_f1(given: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (given & truth).sum() / (given.sum() + truth.sum()))


def test_an_empty_row_is_an_answer_and_a_missing_word_is_none(tmp_path: Path):
    table, notes = table_in(tmp_path, "1,x,a\n1,x,b\n1,y,\n2,x,NA\n2,y,b\n", missing=("NA",))
    given = {
        (table.tasks[t], table.annotators[w]): answer
        for t, w, answer in zip(table.task, table.annotator, table.answers, strict=True)
    }
    assert {pair: answer.tolist() for pair, answer in given.items()} == {
        ("1", "x"): [1, 1],
        ("1", "y"): [0, 0],
        ("2", "y"): [0, 1],
    }
    assert any("are no answer: 1" in note for note in notes)


def test_a_label_of_another_question_is_left_out_and_the_rest_of_the_answer_kept(tmp_path: Path):
    table, notes = table_in(tmp_path, "1,x,a\n1,x,red\n2,x,red\n2,y,\n", labels=("a", "b"))
    assert table.answers.tolist() == [[1, 0], [0, 0]], "who chose another question's label alone did not choose none"
    assert "left out, 2 (task 1, 2): 'red' is none of the labels a, b." in " ".join(notes)


def test_a_thousand_labels_are_inferred(tmp_path: Path):
    rows = "".join(f"{task},{worker},l{(task * 37) % 1000}\n" for task in range(40) for worker in "xyz")
    table, _ = table_in(tmp_path, rows, labels=tuple(f"l{at}" for at in range(1000)))
    found = CHOICES.infer(table, "auto", None, 0)
    assert [CHOICES.words(answer, table.space) for answer in found.answers[:2]] == ["l0", "l37"]


def test_very_many_labels_are_remarked_on_unless_they_were_named():
    found = CHOICES.meaning(dict.fromkeys(map(str, range(1000)), 1), Rules())
    assert found.notes[-1] == "1,000 different labels occur; if that is not the label set, name it with --labels."
    named = Rules(labels=tuple(map(str, range(1000))))
    assert not CHOICES.meaning(dict.fromkeys(named.labels, 1), named).notes


def test_an_answer_is_written_as_it_is_read():
    for labels in ([], ["b"], ["a", "c"]):
        answer = CHOICES.read(labels, SPACE)
        assert CHOICES.written(answer, SPACE) == (labels or [""])
        assert (CHOICES.from_reply({"labels": labels}, SPACE) == answer).all()
    assert CHOICES.words(CHOICES.read([], SPACE), SPACE) == "none of them"
    with pytest.raises(UnusableAnswer, match="none of the labels"):
        CHOICES.read(["d"], SPACE)
    with pytest.raises(NoAnswer):
        CHOICES.read(None, SPACE)


def test_masi_weighs_overlap_by_how_sets_lie():
    def apart(one: str, other: str) -> float:
        return CHOICES.differ(CHOICES.read(list(one), SPACE), CHOICES.read(list(other), SPACE), SPACE)

    assert apart("ab", "ab") == apart("", "") == 0
    assert apart("a", "ab") == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert apart("ab", "bc") == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert apart("a", "b") == apart("a", "") == 1


def test_scores_are_those_of_the_definitions():
    gold, given = ([CHOICES.read(list(text), SPACE) for text in row] for row in (["ab", "", "c"], ["a", "c", "c"]))
    found = CHOICES.score(np.array(given), np.array(gold), SPACE)
    assert found["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert found["macro_f1"] == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert found["exact_match"] == found["accuracy"] == pytest.approx(1 / 3)
    assert found["hamming"] == pytest.approx(2 / 9)


def test_alpha_with_masi_is_that_of_all_pairs():
    draw = np.random.default_rng(0)
    chosen, task = (draw.random((60, 4)) < 0.4).astype(float), np.repeat(np.arange(20), 3)
    distance = sets.masi(chosen, chosen)
    observed = sum(distance[i, j] / 2 for i in range(60) for j in range(60) if i != j and task[i] == task[j])
    expected = distance.sum() / 59
    assert sets.alpha(task, chosen).value == pytest.approx(1 - observed / expected, abs=1e-12)


def test_agreement_of_one_label_is_that_of_votes():
    given, _ = correlated(1, tasks=80, labels=3)
    names = [str(number) for number in range(80)]
    table = AnswerTable(SPACE, names, ["x", "y", "z"], given.task, given.annotator, given.said)
    found = CHOICES.agreement(table, 0)
    counts = label_counts(CHOICES.variables(table))
    assert found["krippendorff_alpha"]["value"] == pytest.approx(
        float(krippendorff_alpha(counts, np.ones(240))), abs=1e-12
    )
    assert (
        found["krippendorff_alpha"]["low"] < found["krippendorff_alpha"]["value"] < found["krippendorff_alpha"]["high"]
    )


def test_skills_are_recovered_and_known_labels_kept():
    given, truth = correlated(2, tasks=1500, labels=4)
    known = np.full(truth.shape, UNSAID, dtype=np.int8)
    known[:300] = truth[:300]
    fit = blocks.infer(Blocks(given.task, given.annotator, given.said, 1500, 3, known))
    assert (fit.belief[:300] == truth[:300]).all()
    for j in range(3):
        said = given.said[given.annotator == j]
        hits = np.array([(said[truth[:, k], k] == YES).mean() for k in range(4)])
        assert np.abs(fit.skills.sensitivity[j] - hits).max() < 0.15


def test_what_nobody_was_asked_tells_nothing():
    given, _ = correlated(3, tasks=50, labels=3)
    said = given.said.copy()
    said[given.task == 0] = UNSAID
    fit = blocks.infer(Blocks(given.task, given.annotator, said, 50, 3))
    assert np.allclose(fit.belief[0], fit.prior, atol=1e-6)
    assert (fit.evidence[0] == 0).all()


@pytest.mark.slow
def test_labels_that_go_together_tell_of_each_other():
    gains = []
    for seed in range(4):
        given, truth = correlated(seed)
        alone, together = (block_auto.infer(given, with_joint=each) for each in (False, True))
        before, after = alone.belief > alone.threshold, together.belief >= together.threshold
        gains.append(micro_f1(after, truth) - micro_f1(before, truth))
    assert min(gains) > -0.002
    assert np.mean(gains) > 0.01


@pytest.mark.slow
def test_labels_that_do_not_go_together_are_left_alone():
    given, _ = correlated(0, sorts=1)
    found = block_auto.infer(given)
    assert "joint" not in found.details


def test_a_joint_belief_of_one_sort_is_that_of_each_label():
    draw = np.random.default_rng(1)
    evidence, prior = draw.normal(size=(5, 3)), np.array([0.2, 0.5, 0.7])
    found = joint.belief(evidence, joint.independent(prior))
    odds = np.exp(evidence) * prior / (1 - prior)
    np.testing.assert_allclose(found, odds / (1 + odds))


def test_thresholds_make_the_expected_f1_greatest():
    belief = np.random.default_rng(2).random((200, 1))

    def expected(border: float) -> float:
        chosen = belief[belief >= border]
        return float(2 * chosen.sum() / (len(chosen) + belief.sum()))

    found = float(block_shares.thresholds(belief, alike=True)[0])
    assert expected(found) == pytest.approx(max(expected(border) for border in belief[:, 0]))


def test_known_labels_make_a_majority_mean_what_it_says():
    given, truth = correlated(4)
    known = np.where(np.arange(600)[:, None] < 200, truth, UNSAID).astype(np.int8)
    taught = block_shares.calibrated_majority(Blocks(given.task, given.annotator, given.said, 600, 3, known))
    plain = block_shares.majority(given)

    def loss(belief: np.ndarray) -> float:
        return -np.log(np.where(truth, belief, 1 - belief)[200:]).mean()

    assert loss(taught) < loss(plain)


def test_a_majority_put_on_the_line_of_known_labels_still_says_yes(monkeypatch: pytest.MonkeyPatch):
    """Of rare labels that nobody sees well few chances reach a half, and the best F1 needs a lower threshold."""
    draw = np.random.default_rng(6)
    truth = draw.random((300, 4)) < 0.15
    said = (draw.random((3, 300, 4)) < np.where(truth, 0.4, 0.25)).astype(np.int8).reshape(900, 4)
    task, annotator = np.tile(np.arange(300), 3).astype(np.int32), np.repeat(np.arange(3), 300).astype(np.int32)
    known = np.where(np.arange(300)[:, None] < 100, truth, UNSAID).astype(np.int8)
    monkeypatch.setattr(block_auto, "best_on_known", lambda *_: None)
    found = block_auto.infer(Blocks(task, annotator, said, 300, 3, known), with_joint=False)
    chosen, half = (found.belief >= found.threshold)[100:], (found.belief > 0.5)[100:]
    assert found.chosen == "majority_vote"
    assert micro_f1(chosen, truth[100:]) > micro_f1(half, truth[100:]) + 0.1


def test_every_method_runs_label_by_label_and_keeps_what_is_known():
    given, truth = correlated(5, tasks=40, labels=2)
    space, names = Space(("a", "b")), [str(number) for number in range(40)]
    table = AnswerTable(space, names, ["x", "y", "z"], given.task, given.annotator, given.said)
    known = Known(np.array([3], dtype=np.int32), truth[3:4].astype(np.int8))
    for name in ("majority_vote", "dawid_skene", "glad"):
        found = CHOICES.infer(table, name, known, 0)
        assert (found.answers[3] == truth[3]).all()
        assert set(np.unique(found.answers)) <= {NO, YES}
        assert math.isclose(float(found.confidence[3]), 1, abs_tol=1e-4)


def test_an_answer_is_worth_most_where_it_may_change_a_label():
    given, truth = correlated(6, tasks=60, labels=3)
    table = AnswerTable(SPACE, list(map(str, range(60))), ["x", "y", "z"], given.task, given.annotator, given.said)
    known = Known(np.arange(30, dtype=np.int32), truth[:30].astype(np.int8))
    opinion = CHOICES.infer(table, "auto", known, 0)
    gains = CHOICES.gains(opinion, table, 0, known)
    assert gains.shape == (60, 3)
    assert np.allclose(gains[:30], 0, atol=1e-6)
    doubt = np.minimum(opinion.belief, 1 - opinion.belief)
    assert (gains <= doubt + 1e-12).all()


@pytest.mark.slow
def test_a_fit_begun_on_a_sample_is_right_as_often_as_a_whole_one():
    given, truth = correlated(7, tasks=3000, labels=4)
    sample = blocks.some_tasks(given, np.arange(0, 3000, 3, dtype=np.int32))
    whole, begun = block_trials.OWN.fit(given), block_trials.OWN.fit(given, sample)
    right = [((fit.belief > 0.5) == truth).mean() for fit in (whole, begun)]
    assert abs(right[0] - right[1]) < 0.01
    assert begun.iterations < whole.iterations
