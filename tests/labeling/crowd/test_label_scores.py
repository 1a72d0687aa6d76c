"""Label scores: the same as those of one prompt and one label at a time, however they are had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from labeling.crowd import label_scores as scoring
from labeling.crowd import packed_scores
from labeling.crowd.base import Brief, LabelSet, Question
from labeling.crowd.errors import Misconfigured
from labeling.crowd.label_scores import label_scores
from labeling.crowd.local_models import LocalModel, load_causal
from labeling.crowd.registry import build
from tests.labeling.crowd import tiny_models

pytestmark = [pytest.mark.xdist_group("torch"), pytest.mark.slow]  # torch and transformers take seconds to load

START = list(range(10, 40))
PROMPTS = [[*START, *(50 + 7 * i + k for k in range(n))] for i, n in enumerate((3, 11, 6))]
LABELS = [[5], [6, 7], [6, 8, 9, 12], [6, 8]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.causal(tmp_path_factory.mktemp("llama"))


@pytest.fixture
def loaded(folder: Path) -> LocalModel:
    return load_causal(str(folder))


def one_by_one(loaded: LocalModel, prompts: Sequence[list[int]], labels: Sequence[list[int]]) -> Any:
    import torch

    def score(prompt: list[int], label: list[int]) -> float:
        with torch.inference_mode():
            logs = loaded.model(input_ids=torch.tensor([prompt + label])).logits[0].log_softmax(-1)
        return float(np.mean([logs[len(prompt) - 1 + at, token].item() for at, token in enumerate(label)]))

    return np.array([[score(prompt, label) for label in labels] for prompt in prompts])


def test_scores_are_those_of_one_prompt_and_one_label_at_a_time(loaded: LocalModel) -> None:
    assert loaded.packs
    assert label_scores(loaded, PROMPTS, LABELS) == pytest.approx(one_by_one(loaded, PROMPTS, LABELS), abs=1e-5)


def test_what_prompts_begin_with_is_read_once_and_reused_by_prompts_that_share_less_of_it(loaded: LocalModel) -> None:
    label_scores(loaded, PROMPTS, LABELS)
    assert [list(one) for one in loaded.beginnings.kept] == [START]
    before = list(loaded.beginnings.kept)
    others = [[*START[:25], 77, 78, 79], [*START[:25], 90]]
    assert label_scores(loaded, others, LABELS) == pytest.approx(one_by_one(loaded, others, LABELS), abs=1e-5)
    assert label_scores(loaded, PROMPTS[:1], LABELS) == pytest.approx(one_by_one(loaded, PROMPTS[:1], LABELS), abs=1e-5)
    assert list(loaded.beginnings.kept) == before


def test_prompts_that_are_equal_and_prompts_that_share_nothing_are_scored_right(loaded: LocalModel) -> None:
    for prompts in ([START, START], [[20, 21, 22], [30]], [[3]]):
        assert label_scores(loaded, prompts, LABELS) == pytest.approx(one_by_one(loaded, prompts, LABELS), abs=1e-5)


def test_beginnings_are_kept_for_as_many_as_there_is_room(loaded: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_scores, "KEPT", 2)
    for first in range(4):
        label_scores(loaded, [[first, *START, 60], [first, *START, 61]], LABELS)
    assert [one[0] for one in loaded.beginnings.kept] == [2, 3]


def test_a_prompt_longer_than_the_attention_window_is_read_in_the_way_that_bears_it(
    loaded: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(scoring, "packed_scores", lambda *_: called.append("packed"))
    narrow = replace(loaded, packs=40)
    right = one_by_one(loaded, PROMPTS, LABELS)
    assert label_scores(narrow, PROMPTS, LABELS) == pytest.approx(right, abs=1e-5)  # 41 tokens and a label of four
    assert not called


def test_a_model_that_takes_no_mask_of_its_own_is_not_packed(loaded: LocalModel) -> None:
    def deaf(**told: Any) -> Any:
        return loaded.model(**{key: value for key, value in told.items() if key != "attention_mask"})

    model = SimpleNamespace(dtype=loaded.model.dtype)
    strange = type("Deaf", (), {"__call__": lambda _self, **told: deaf(**told), "dtype": model.dtype})()
    assert packed_scores.packs_right(loaded, 1e-3)
    assert not packed_scores.packs_right(replace(loaded, model=strange), 1e-3)


def test_texts_are_answered_the_same_in_any_order_and_in_batches_of_any_size(folder: Path) -> None:
    questions = [Question(str(n), (("Text", "so " * (1 + 7 * n % 20) + f"{n}"),)) for n in range(12)]
    brief = Brief(LabelSet(("good", "bad")), "Say which.")

    def answers(batch: int, asked: Sequence[Question]) -> dict[str, Any]:
        voter = build(f"causal:{folder}?batch={batch}")
        voter.prepare(brief)
        told = zip(asked, voter.answer(asked), strict=True)
        return {question.task: (answer.label, answer.probabilities) for question, answer in told}

    one = answers(1, questions)
    for other in (answers(5, questions), answers(0, questions[::-1])):
        for task, (label, chances) in other.items():
            assert label == one[task][0]
            assert chances == pytest.approx(one[task][1], abs=2e-4)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_int8_and_bf16_are_near_the_exact_scores_and_told_in_the_version(architecture: str, tmp_path: Path) -> None:
    folder = tiny_models.causal(tmp_path, architecture=architecture)
    exact = label_scores(load_causal(str(folder)), PROMPTS, LABELS)
    for precision in ("bf16", "int8"):
        coarse = load_causal(str(folder), precision=precision)
        assert coarse.version.endswith(precision)
        found = label_scores(coarse, PROMPTS, LABELS)
        assert np.abs(found - exact).max() > 0, "it reckons in another way"
        assert np.abs(found - exact).mean() < 0.15 * exact.std()


def test_a_coarse_member_tells_how_it_compares_with_itself_in_float32(folder: Path, brief: Brief) -> None:
    voter: Any = build(f"causal:{folder}?precision=int8")
    voter.prepare(brief)
    told = voter.exactness
    assert (told.precision, told.n, told.known, told.metric) == ("int8", 12, 12, "accuracy")
    assert told.words.startswith(
        f"In int8 it says the same as in float32 about {told.same} of 12 texts; accuracy on 12"
    )
    exact: Any = build(f"causal:{folder}")
    exact.prepare(brief)
    assert exact.exactness is None
    said = [answer.label for answer in exact.answer([example.question for example in brief.examples])]
    right = sum(one == example.label for one, example in zip(said, brief.examples, strict=True))
    assert told.exact == pytest.approx(right / 12)


def test_an_unknown_precision_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(Misconfigured, match="precision=int4 is not known; write one of auto, float32, bf16, int8"):
        build("causal:nobody/nothing?precision=int4")
