"""Trained classifiers of this machine answer in the kinds that they were trained for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labeling.crowd.base import Answer, Brief, Example, LabelSet
from labeling.crowd.errors import Misconfigured
from labeling.crowd.pipeline_labels import matched
from labeling.crowd.pipeline_settings import PipelineSettings
from labeling.crowd.pipeline_tokens import TokenHead
from labeling.crowd.registry import build, describe, reach
from labeling.crowd.tagging.words import words_of
from tests.labeling.crowd import tiny_models
from tests.labeling.crowd.conftest import question
from tests.labeling.crowd.test_images import shapes, shown

TEXTS = [question("a", "a deep pothole"), question("b", "no tap water"), question("c", "music " * 60)]
SIDES = LabelSet(("good", "bad"))


def asked(line: str, brief: Brief, questions: list | None = None) -> list[Answer]:
    voter = build(line)
    voter.prepare(brief)
    return list(voter.answer(TEXTS if questions is None else questions))


def test_labels_are_matched_by_the_map_else_by_name() -> None:
    assert matched(["LABEL_0", "Bad ", "neutral"], SIDES.names, {"LABEL_0": "good"}, "m") == [0, 1, None]
    with pytest.raises(Misconfigured, match=r"None of the labels of m means 'bad'; add map=theirs:ours"):
        matched(["good", "neutral"], SIDES.names, {}, "m")
    with pytest.raises(Misconfigured, match="names 'POS'"):
        matched(["good", "bad"], SIDES.names, {"POS": "good"}, "m")


@pytest.mark.slow
@pytest.mark.parametrize("told", ["map=good", "map={bad", "threshold=1", "template=It is so"])
def test_settings_that_cannot_be_used_are_refused(told: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(Misconfigured):
        build(f"pipeline:./folder?{told}")


def test_a_map_is_pairs_or_json() -> None:
    pairs = {"LABEL_0": "good", "a:b": "bad"}
    assert PipelineSettings("m", map="LABEL_0:good, a:b:bad").mapping() == pairs
    assert PipelineSettings("m", map='{"LABEL_0": "good", "a:b": "bad"}').mapping() == pairs


@pytest.mark.slow
def test_a_pipeline_is_a_model_of_the_server() -> None:
    pytest.importorskip("torch")
    assert reach("pipeline:./folder") and "classifier ./folder" in describe("pipeline:./folder")


@pytest.mark.slow
def test_a_classifier_of_texts_answers_with_one_label_or_a_set(tmp_path: Path) -> None:
    folder = tiny_models.classifier(tmp_path, ["NEG", "POS"])
    answers = asked(f"pipeline:{folder}?map=NEG:bad,POS:good&batch=2", Brief(SIDES))
    alone = asked(f"pipeline:{folder}?map=NEG:bad,POS:good&batch=1", Brief(SIDES))
    assert [a.probabilities for a in answers] == [a.probabilities for a in alone]
    assert all(sum(a.probabilities or ()) == pytest.approx(1) for a in answers)
    assert "shortened" in answers[2].note and not answers[0].note
    several = tiny_models.classifier(tmp_path / "m", ["bad", "good"], problem="multi_label_classification")
    ticked = asked(f"pipeline:{several}", Brief(SIDES, kind="choices"))
    for answer in ticked:
        assert answer.said.tolist() == [int(chance >= 0.5) for chance in answer.probabilities or ()]
    grades = asked(f"pipeline:{folder}?map=NEG:1,POS:2", Brief(LabelSet(("1", "2")), kind="scale"))
    assert {answer.said for answer in grades} <= {1.0, 2.0}


@pytest.mark.slow
def test_a_regression_is_a_place_on_the_scale(tmp_path: Path) -> None:
    folder, brief = tiny_models.classifier(tmp_path, ["score"]), Brief(LabelSet(("0", "100")), kind="scale")
    plain, wide = (asked(f"pipeline:{folder}{more}", brief) for more in ("?low=-9&high=9", "?low=-90&high=90"))
    assert all(0 <= a.said <= 100 for a in plain) and len({a.said for a in plain}) == 3
    assert all(abs(w.said - 50) <= abs(p.said - 50) for p, w in zip(plain, wide, strict=True))
    with pytest.raises(Misconfigured, match="is a model for one number and cannot answer in choice"):
        asked(f"pipeline:{folder}", Brief(SIDES))


@pytest.mark.slow
def test_entailment_tries_each_label_in_a_sentence(tmp_path: Path) -> None:
    folder = tiny_models.classifier(tmp_path, ["contradiction", "neutral", "entailment"])
    one = asked(f"pipeline:{folder}?template=It is {{}}.", Brief(SIDES))
    several = asked(f"pipeline:{folder}?template=It is {{}}.", Brief(SIDES, kind="choices"))
    assert all(sum(a.probabilities or ()) == pytest.approx(1) for a in one)
    assert all(len(a.said) == 2 and a.label is None for a in several)


@pytest.mark.slow
def test_pieces_of_words_become_stretches_of_the_text(tmp_path: Path) -> None:
    folder = tiny_models.classifier(tmp_path, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], "Token")
    brief = Brief(LabelSet(("person", "place")), kind="spans")
    answers = asked(
        f"pipeline:{folder}?map=PER:person,LOC:place",
        brief,
        [*TEXTS, question("d", "Zoë 漢字 🙂 x"), question("e", "")],
    )
    for answer, one in zip(answers, [*TEXTS, question("d", "Zoë 漢字 🙂 x")], strict=False):
        edges = {edge for pair in words_of(one.text).edges for edge in pair}
        assert all(
            start in edges and end in edges and start < end <= len(one.text) for start, end, _ in answer.said.spans
        )
    assert any(answer.said.spans for answer in answers) and answers[-1].said.spans == ()


def test_a_word_begins_a_stretch_where_its_first_piece_does() -> None:
    head = TokenHead.__new__(TokenHead)
    head._types, head._columns = 1, [(1, 0, True), (2, 0, False)]
    rows = {
        "An": (0, 1, 0),
        "n ": (0, 0.2, 0.8),
        "Bo": (0.1, 0.9, 0),
        "b": (0, 0, 1),
        "Lee": (0.1, 0.1, 0.8),
        "ran": (1, 0, 0),
    }
    text, places = "Ann Bob Lee ran", [(0, 2), (2, 3), (4, 6), (6, 7), (8, 11), (12, 15)]
    head._pieces = lambda _: list(zip(places, map(np.array, rows.values()), strict=True))  # type: ignore[method-assign]
    assert head._answer(text).said.spans == ((0, 3, 0), (4, 11, 0))


@pytest.mark.slow
def test_images_are_told_apart_by_a_trained_model_by_captions_or_by_a_head(tmp_path: Path) -> None:
    new = [shown("n1", "round", "red", 90), shown("n2", "square", "blue", 91)]
    trained = asked(f"pipeline:{tiny_models.seer(tmp_path / 'a', ['ball', 'box'])}", shapes(), new)
    assert all(sum(a.probabilities or ()) == pytest.approx(1) for a in trained)
    captioned = asked(f"pipeline:{tiny_models.captioner(tmp_path / 'b')}?template=a {{}}", shapes(), new)
    assert all(sum(a.probabilities or ()) == pytest.approx(1) for a in captioned)
    headed = asked(f"embedding:{tiny_models.seer(tmp_path / 'c')}?reads=images", shapes(), new)
    assert [answer.label for answer in headed] == [0, 1]


@pytest.mark.slow
def test_a_causal_model_asks_for_each_label_and_for_steps(tmp_path: Path) -> None:
    folder = tiny_models.causal(tmp_path)
    ticked = Example(question("e", "a burst pipe"), said=np.array([0, 1], np.int8))
    brief = Brief(LabelSet(("road", "water")), examples=(ticked,), kind="choices")
    several = asked(f"causal:{folder}?shots=1&examples=random", brief)
    assert all(a.said.tolist() == [int(p >= 0.5) for p in a.probabilities or ()] for a in several)
    assert len({a.probabilities for a in several}) == 3
    places = asked(f"causal:{folder}", Brief(LabelSet(("0", "100")), kind="scale"))
    assert all(0 <= a.said <= 100 for a in places)


@pytest.mark.slow
def test_a_causal_model_tells_why_it_chose_its_examples(tmp_path: Path, brief: Brief) -> None:
    voter = build(f"causal:{tiny_models.causal(tmp_path)}?shots=2&examples=chosen")
    voter.prepare(brief)
    assert voter.evidence.kept in ("fixed", "random", "nearest") and voter.evidence.rows[0].n == 12


@pytest.mark.slow
def test_an_encoder_learns_sets_and_scales_from_known_answers(tmp_path: Path) -> None:
    from tests.labeling.crowd.test_heads import graded, many

    folder = tiny_models.encoder(tmp_path)
    assert all(len(a.said) == 3 for a in asked(f"embedding:{folder}", many(30)))
    assert all(0 <= a.said <= 4 for a in asked(f"embedding:{folder}", graded(30)))
