"""Ways of choosing examples are compared on known answers before one is used."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from labeling.crowd.errors import NeedsExamples
from labeling.crowd.shot_trials import compare
from labeling.kinds.base import Space
from labeling.kinds.registry import kind
from tests.conftest import SHARED

RECORDED = SHARED / "kinds" / "ner_llm_biodiv"
MODELS = {
    "Meta-Llama-3.1-405B-Instruct": (0.289, 0.363),
    "Meta-Llama-3.1-70B-Instruct": (0.270, 0.356),
    "gpt-4o-2024-05-13": (0.318, 0.412),
    "gpt-4o-mini": (0.242, 0.344),
}


def test_a_way_that_is_not_better_is_not_said_to_be() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, 60).tolist()
    said = {way: [g if rng.random() < 0.7 else int(rng.integers(0, 3)) for g in gold] for way in ("fixed", "nearest")}
    found = compare(said, gold, kind("choice"), Space(("a", "b", "c")))
    assert not found.sure and "not surely better" in found.words


def test_of_ways_that_are_alike_the_plainest_is_kept() -> None:
    gold = [0, 1] * 10
    found = compare({"fixed": gold, "random": gold, "nearest": gold}, gold, kind("choice"), Space(("a", "b")))
    assert found.kept == "fixed" and found.ahead == 0 and not found.sure


def test_an_abstention_counts_as_wrong() -> None:
    gold = [1.0, 2.0, 3.0, 4.0]
    found = compare(
        {"fixed": [1.0, None, 3.0, None], "nearest": [1.0, 2.0, 4.0, 4.0]},
        gold,
        kind("scale"),
        Space(("1", "2", "3", "4"), (1.0, 2.0, 3.0, 4.0)),
    )
    assert found.kept == "nearest"


def test_without_known_answers_nothing_is_compared() -> None:
    with pytest.raises(NeedsExamples, match="give more known answers"):
        compare({"fixed": []}, [], kind("choice"), Space(("a", "b")))


@pytest.mark.slow
@pytest.mark.skipif(not RECORDED.is_dir(), reason="needs the recorded answers")
@pytest.mark.parametrize("model", MODELS)
def test_retrieved_examples_beat_random_ones_in_recorded_answers(model: str) -> None:
    """Four models marked 229 sentences with 3, 4 and 5 examples, drawn by chance or retrieved."""
    spans, labels = kind("spans"), tuple(json.loads((RECORDED / "meta.json").read_text())["labels"])
    space = Space(labels)
    rows = [json.loads(line) for line in (RECORDED / "gold.jsonl").open(encoding="utf-8")]
    gold = {row["task"]: spans.read(row["spans"], space) for row in rows}
    said: dict[tuple[str, str], object] = {}
    with gzip.open(RECORDED / "votes.jsonl.gz", "rt", encoding="utf-8") as lines:
        voted = [json.loads(line) for line in lines]
    for row in voted:
        if row["worker"].startswith(f"{model}/"):
            known = [part for part in row["spans"] if part[2] in labels]
            said[row["worker"].partition("/")[2], row["task"]] = spans.read(known, space)
    cases = [(n, task) for n in (3, 4, 5) for task in gold]
    answers = {
        way: [said.get((f"{name}_{n}", task)) for n, task in cases]
        for way, name in (("random", "random"), ("nearest", "similarity"))
    }
    found = compare(answers, [gold[task] for _, task in cases], spans, space)
    assert found.kept == "nearest" and found.sure
    assert [row.score for row in found.rows] == pytest.approx(MODELS[model], abs=0.002)
