"""Models in memory: shared by all who use the same weights, and let go for one another where room is short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from labeling.crowd import held_models
from labeling.crowd.base import Brief, LabelSet, Question
from labeling.crowd.held_models import shared
from labeling.crowd.local_models import LocalModel, load_causal
from labeling.crowd.registry import build
from tests.labeling.crowd import tiny_models

pytestmark = [pytest.mark.xdist_group("torch"), pytest.mark.slow]  # torch and transformers take seconds to load


@pytest.fixture(autouse=True)
def _nothing_held() -> Iterator[None]:
    held_models.let_go()
    yield
    held_models.let_go()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [str(tiny_models.causal(tmp_path_factory.mktemp(name))) for name in ("one", "two")]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which folders were loaded, in order."""
    seen: list[str] = []

    def load(source: str, *told: str) -> LocalModel:
        seen.append(source)
        return load_causal(source)

    monkeypatch.setattr("labeling.crowd.causal_lm.load_causal", load)
    return seen


def test_members_that_use_the_same_weights_share_them(folders: list[str], loads: list[str]) -> None:
    members = [build(f"causal:{folders[0]}?batch={n}") for n in (2, 3)]
    for member in members:
        member.prepare(Brief(LabelSet(("good", "bad"))))
    assert loads == folders[:1]
    assert members[0]._model.model is members[1]._model.model  # type: ignore[attr-defined]


def test_other_precision_is_other_weights(folders: list[str], loads: list[str]) -> None:
    for line in (folders[0], f"{folders[0]}?precision=bf16"):
        build(f"causal:{line}").prepare(Brief(LabelSet(("good", "bad"))))
    assert loads == [folders[0]] * 2


def test_where_room_is_short_the_one_not_used_for_longest_goes_and_comes_back_when_it_is_asked(
    folders: list[str], loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shared(load_causal, folders[0])
    size = held_models.size_of(first.model)
    held_models.let_go()
    members = [build(f"causal:{folder}") for folder in folders]
    monkeypatch.setenv(held_models.ROOM, f"{1.5 * size / 1e9:.9f}")
    asked = [Question("t", (("Text", "well done"),))]
    said = []
    for member in members:
        member.prepare(Brief(LabelSet(("good", "bad"))))
        said.append([answer.probabilities for answer in member.answer(asked)])
    assert [member.in_memory for member in members] == [False, True]  # type: ignore[attr-defined]
    assert held_models.pressed()
    assert [answer.probabilities for answer in members[0].answer(asked)] == said[0]
    assert loads == [folders[0], folders[1], folders[0]]


def test_with_room_both_stay(folders: list[str], loads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(held_models.ROOM, "1")
    members = [build(f"causal:{folder}") for folder in folders]
    for _ in range(2):
        for member in members:
            member.prepare(Brief(LabelSet(("good", "bad"))))
    assert loads == folders
    assert not held_models.pressed()


def test_a_model_for_which_memory_runs_out_is_loaded_once_more_without_the_others(folders: list[str]) -> None:
    kept, tries = shared(load_causal, folders[0]), []

    def load(source: str) -> LocalModel:
        tries.append(len(tries))
        if len(tries) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return load_causal(source)

    assert shared(load, folders[1]).model is not None
    assert len(tries) == 2
    assert not kept.here  # type: ignore[attr-defined]


def test_a_model_that_cannot_be_loaded_is_not_tried_again_in_vain(tmp_path: Path) -> None:
    from labeling.crowd.errors import ModelMissing

    with pytest.raises(ModelMissing, match=r"needs a config\.json"):
        shared(load_causal, str(tmp_path))
