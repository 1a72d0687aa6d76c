"""How members answer in a kind stands in one file of `labeling/crowd/kinds`, and nothing else there knows a kind."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from labeling import crowd
from labeling.crowd import abilities
from labeling.crowd.base import Brief, LabelSet
from labeling.crowd.causal_lm import CausalModel
from labeling.crowd.kinds.registry import NAMES, ways
from labeling.crowd.openai_chat import ChatModel
from labeling.crowd.registry import BUILT_IN
from labeling.crowd.wordings import wording
from labeling.kinds import registry

FOLDER = Path(crowd.__file__).parent
OF_THE_API = {"chat_reply.py"}
"""The chat protocol has a field of the same name."""


def test_every_kind_there_is_can_be_asked_of_the_crowd() -> None:
    assert frozenset(registry.NAMES) == NAMES == frozenset(abilities.ABLE) == ChatModel.kinds
    assert all(ways(name).name == name for name in NAMES)


def test_no_other_file_of_the_crowd_names_a_kind() -> None:
    files = [path for path in FOLDER.rglob("*.py") if path.parent.name != "kinds" and path.name not in OF_THE_API]
    assert len(files) > 50
    for path in files:
        told = {one.value for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Constant)}
        assert not NAMES & {one for one in told if isinstance(one, str)}, path


@pytest.mark.parametrize("name", sorted(NAMES))
def test_members_answer_in_the_kinds_that_say_how(name: str) -> None:
    told = ways(name)
    assert (name in CausalModel.kinds) == (told.scored is not None)
    assert any(name in one.kinds for one in BUILT_IN.values()) == bool(told.head or told.tagged)
    brief = Brief(LabelSet(("1", "2", "3")), kind=name)
    words = wording(brief)
    assert words.form.startswith("{") and "{" in words.reminder and words.task.endswith(":")
