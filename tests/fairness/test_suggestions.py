"""What suggestions do to answers: counted by hand, and the figures of two recorded experiments."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from fairness.suggestions import NONE, Assisted, measure
from tests.conftest import SHARED

KINDS = SHARED / "kinds"
ROWS = [
    # task, worker, shown, before, after, seconds
    "1,ann,x,y,x,10",  # adopts a right one
    "2,ann,x,y,y,20",  # stays with what is wrong
    "3,ann,y,x,y,30",  # is led astray
    "4,ben,y,x,x,40",  # is not
    "5,ben,y,,y,",  # had no answer before
    "6,ben,x,x,x,60",  # agreed all along
]


def written(tmp_path: Path, rows: list[str] = ROWS, gold: str = "x") -> tuple[str, str]:
    answers, right = tmp_path / "answers.csv", tmp_path / "gold.csv"
    answers.write_text("\n".join(["task,worker,shown_label,first,label_after,took", *rows]))
    right.write_text("\n".join(["task,label", *(f"{task},{gold}" for task in range(1, 7)), "7,y", ""]))
    return str(answers), str(right)


def told(*options: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("suggestions", *options, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def refused(*options: str) -> str:
    errors = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("suggestions", *options, stderr=errors)
    assert stopped.value.code == 2
    return errors.getvalue()


def test_every_share_is_what_counting_by_hand_gives(tmp_path: Path) -> None:
    answers, gold = written(tmp_path)
    found = told(answers, "--before", "first", "--gold", gold, "--seconds-after", "took")
    told_shares = {name: one for name, one in found.items() if isinstance(one, dict) and name != "conditions"}
    shares = {name: (one["n"], round(one["value"], 3)) for name, one in told_shares.items()}
    assert shares == {
        "followed": (6, 0.667),
        "suggestion_right": (6, 0.5),
        "right_before": (6, 0.5),
        "right_after": (6, 0.5),
        "adopted_right": (2, 0.5),
        "adopted_wrong": (2, 0.5),
        "put_right": (3, 0.333),
        "led_astray": (3, 0.333),
    }
    assert found["seconds_after"] == 30
    assert any("without a label in first: 1" in note for note in found["notes"])


def test_intervals_come_from_drawing_people_and_one_person_has_none() -> None:
    same = np.zeros(50, dtype=int)
    alike = measure(Assisted(np.repeat([0, 1], 25), same, np.repeat([0, 1], 25)))
    assert (alike.shares["followed"].share.low, alike.shares["followed"].share.high) == (0, 1)
    alone = measure(Assisted(same, same, same))
    assert alone.shares["followed"].share.low is None
    assert alone.shares["followed"].share.reason == "one person alone"


def test_without_known_labels_or_answers_before_only_following_is_told() -> None:
    nothing = np.full(3, NONE)
    found = measure(Assisted(np.arange(3), nothing, nothing))
    assert list(found.shares) == ["followed"]
    assert found.shares["followed"].share.value is None


def test_conditions_are_told_apart(tmp_path: Path) -> None:
    answers, _ = written(tmp_path)
    found = told(answers, "--by", "worker")
    assert found["conditions"]["ann"]["followed"]["value"] == pytest.approx(2 / 3)
    assert found["conditions"]["ben"]["answers"] == 3


def test_what_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    answers, _ = written(tmp_path)
    assert "no column" in refused(answers, "--shown", "hint")
    assert "holds no number" in refused(answers, "--seconds-after", "first")
    other = tmp_path / "other.csv"
    other.write_text("task,label\nq,x\n")
    assert "names no task" in refused(answers, "--gold", str(other))
    assert "no such file" in refused(str(tmp_path / "none.csv"))
    assert "--seed must be a whole number of at least 0." in refused(answers, "--seed", "-1")


def test_right_answers_that_nobody_gave_are_refused_and_not_called_wrong(tmp_path: Path) -> None:
    answers, _ = written(tmp_path)
    gold = tmp_path / "upper.csv"
    gold.write_text("task,label\n1,X\n2,X\n")
    assert "No gold label of" in refused(answers, "--gold", str(gold))
    assert told(answers, "--gold", str(gold), "--fold-case")["right_after"]["n"] == 2


@pytest.mark.skipif(not (KINDS / "gpt_advice_a").exists(), reason="the recorded answers are not on this machine")
def test_students_with_advice_of_a_model_are_as_published() -> None:
    folder = KINDS / "gpt_advice_a"
    columns = "--before=label_before", "--seconds-before=seconds_before", "--seconds-after=seconds_after"
    found = told(str(folder / "answers.csv"), "--gold", str(folder / "gold.csv"), *columns)
    assert found["people"] == 59
    assert found["answers"] == 1417
    assert found["right_before"]["value"] == pytest.approx(0.330, abs=0.0005)
    assert found["right_after"]["value"] == pytest.approx(0.549, abs=0.0005)
    assert found["adopted_right"]["value"] == pytest.approx(0.57, abs=0.005)
    assert found["adopted_wrong"]["value"] == pytest.approx(0.40, abs=0.005)
    assert (round(found["seconds_before"]), round(found["seconds_after"])) == (22, 7)


@pytest.mark.skipif(
    not (KINDS / "ukp_label_suggestions").exists(), reason="the recorded answers are not on this machine"
)
def test_students_follow_static_and_retrained_suggestions_as_recorded() -> None:
    file = KINDS / "ukp_label_suggestions" / "answers.csv"
    found = told(str(file), "--after", "label", "--by", "group,round")["conditions"]
    followed = {name: found[name]["followed"]["value"] for name in ("g2, 1", "g2, 2", "g3, 1", "g3, 2")}
    assert [round(value, 2) for value in followed.values()] == [0.66, 0.64, 0.61, 0.65]
    assert found["g1, 1"]["followed"]["value"] is None
