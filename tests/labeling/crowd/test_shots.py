"""Which worked examples a prompt shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labeling.crowd import prompts
from labeling.crowd.base import Brief, Example, LabelSet
from labeling.crowd.shots import shot_picker
from tests.labeling.crowd.conftest import question


def texts(shots: list[Example]) -> list[str]:
    return [shot.question.text for shot in shots]


def test_the_nearest_examples_stand_last_and_no_label_has_more_than_two(brief: Brief) -> None:
    shots = shot_picker(brief, 4, nearest=True)(question("new", "water from a burst pipe"))
    assert texts(shots)[-1] == "a burst pipe floods the cellar"
    assert [shot.label for shot in shots].count(1) == 2
    assert max([shot.label for shot in shots].count(label) for label in range(3)) == 2


def test_the_question_itself_and_its_double_are_never_shown(brief: Brief) -> None:
    pick = shot_picker(brief, 6, nearest=True)
    for example in brief.examples:
        same_text = replace(example.question, task="another name")
        other_text = replace(example.question, parts=(("Text", "entirely other words"),))
        assert example.question.content not in {shot.question.content for shot in pick(same_text)}
        assert example.question.task not in {shot.question.task for shot in pick(other_text)}


def test_an_example_that_repeats_another_gives_way_to_a_different_one() -> None:
    told = [
        "burst pipe in the cellar",
        "burst pipe in the cellar !",
        "the cellar is under water",
        "loud music",
        "a dog",
    ]
    examples = tuple(Example(question(str(n), text), [0, 0, 0, 1, 1][n]) for n, text in enumerate(told))
    shots = shot_picker(Brief(LabelSet(("water", "noise")), examples=examples), 3, nearest=True)(
        question("new", "burst pipe, cellar under water")
    )
    assert "the cellar is under water" in texts(shots)
    assert len({text.strip(" !") for text in texts(shots)}) == 3


def test_many_shots_of_few_labels_are_filled(brief: Brief) -> None:
    assert len(shot_picker(brief, 9, nearest=True)(question("new", "water"))) == 9
    assert len(shot_picker(brief, 64, nearest=True)(question("new", "water"))) == 12


def test_a_question_like_none_of_them_gets_examples_all_the_same(brief: Brief) -> None:
    shots = shot_picker(brief, 4, nearest=True)(question("new", "zzz"))
    assert len(shots) == 4 and shots == shot_picker(brief, 4, nearest=True)(question("new", "zzz"))


@pytest.mark.parametrize("nearest", [True, False])
def test_without_examples_there_are_none(brief: Brief, nearest: bool) -> None:
    assert shot_picker(replace(brief, examples=()), 4, nearest=nearest)(question("new", "water")) == []
    assert shot_picker(brief, 0, nearest=nearest)(question("new", "water")) == []


def test_the_way_of_choosing_is_part_of_the_prompts_version(brief: Brief) -> None:
    versions = {prompts.prompt_version(brief, 4, also=also) for also in ((), ("nearest",), ("redaction 1", "nearest"))}
    assert len(versions) == 3
    fewer = replace(brief, examples=brief.examples[:-1])
    also = ("nearest",)
    assert prompts.prompt_version(fewer, 2, also=also) != prompts.prompt_version(brief, 2, also=also)
    assert prompts.prompt_version(brief, 4, also=("", "")) == prompts.prompt_version(brief, 4)
