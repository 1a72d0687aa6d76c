"""Groups of people on groups of tasks: the reference table, clusters by hand, and nobody shown in a small group."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from fairness.estimates.interactions import Answers, contrasts, too_small

STEP = 1e-9


def table(cells: dict[tuple[int, int], tuple[int, int]], people: int = 10) -> Answers:
    """Answers with so many yes of so many in each cell, every answer about a task of its own."""
    rows = [
        (n < yes, 100 * side + n % people, side, part)
        for (side, part), (yes, size) in cells.items()
        for n in range(size)
    ]
    yes, person, side, part = (np.array(column) for column in zip(*rows, strict=True))
    return Answers(yes.astype(bool), person, np.arange(len(rows)), side, part, ("u", "v"), ("a", "b"))


REFERENCE = {(0, 0): (8, 20), (0, 1): (8, 20), (1, 0): (6, 20), (1, 1): (13, 20)}


def test_the_reference_table_has_the_reference_values() -> None:
    (found,) = contrasts(table(REFERENCE))
    assert (found.side, found.part, found.rest, found.elsewhere) == ("v", "b", "u", "a")
    assert found.positives == ((8, 8), (6, 13)) and found.n == ((20, 20), (20, 20))
    assert found.apart.value == pytest.approx(7 / 20, abs=STEP)
    assert (found.apart.low, found.apart.high) == pytest.approx((-0.069794, 0.769794), abs=1e-6)
    assert found.odds.value == pytest.approx(np.log(13 / 3), abs=STEP)
    assert found.odds.se == pytest.approx(0.93517, abs=1e-5) and found.odds.p_value == pytest.approx(0.11688, abs=1e-5)
    assert found.clustered.value == pytest.approx(7 / 20, abs=STEP)


def test_answers_of_one_person_count_as_one_cluster() -> None:
    """Who answers in one cell alone and always says the same tells as much as one answer: ten times the variance."""
    one = table({(0, 0): (0, 100), (0, 1): (0, 100), (1, 0): (0, 100), (1, 1): (0, 100)})
    person = one.person + 1000 * one.part
    (found,) = contrasts(Answers(one.person % 10 < 5, person, *_columns(one)[2:], one.sides, one.parts))
    assert found.clustered.value == 0 and found.people == (20, 20)
    assert found.clustered.se == pytest.approx(np.sqrt(10) * found.apart.se, rel=1e-6)


def test_the_cluster_variance_is_the_sum_by_hand() -> None:
    answers = table(REFERENCE)
    (found,) = contrasts(answers)
    rate, sign = np.array([[0.4, 0.4], [0.3, 0.65]]), np.array([[1, -1], [-1, 1]])
    lever = sign[answers.side, answers.part] * (answers.yes - rate[answers.side, answers.part]) / 20
    by_person = sum(lever[answers.person == one].sum() ** 2 for one in set(answers.person.tolist()))
    assert found.clustered.se == pytest.approx(np.sqrt(max(by_person, (lever**2).sum())), abs=STEP)


def test_a_group_of_nine_people_is_in_no_contrast_and_in_no_rest() -> None:
    assert contrasts(table(REFERENCE, people=9)) == ()
    assert too_small(table(REFERENCE, people=9), 10) == (("u", 9), ("v", 9))
    three = table({**REFERENCE, (2, 0): (3, 5), (2, 1): (5, 5)})
    named = Answers(*_columns(three), ("u", "v", "w"), three.parts)
    (found,) = contrasts(named)
    assert (found.side, found.rest, found.people) == ("v", "u", (10, 10))


def _columns(answers: Answers) -> tuple[Any, ...]:
    return answers.yes, answers.person, answers.task, answers.side, answers.part


def test_an_empty_cell_makes_no_contrast() -> None:
    assert contrasts(table({(0, 0): (8, 20), (1, 0): (6, 20), (1, 1): (13, 20)})) == ()


def test_the_order_of_answers_and_the_names_of_people_change_nothing() -> None:
    one, order = table(REFERENCE), np.random.default_rng(0).permutation(80)
    turned = Answers(
        one.yes[order], 999 - one.person[order], one.task[order], one.side[order], one.part[order], one.sides, one.parts
    )
    assert contrasts(turned)[0].clustered.se == pytest.approx(contrasts(one)[0].clustered.se, abs=STEP)


@pytest.fixture
def answers_file(tmp_path: Path) -> Path:
    """Reference D with ten people a group; the texts of the tasks of part b speak of rain."""
    one, path = table(REFERENCE), tmp_path / "answers.csv"
    lines = [
        f"t{task},p{person},{'yes' if yes else 'no'},{'uv'[side]},{'It rains.' if part else 'Sun.'}"
        for yes, person, task, side, part in zip(*_columns(one), strict=True)
    ]
    path.write_text("\n".join(["task,worker,label,age,text", *lines, ""]))
    return path


def told(*options: object) -> str:
    out = io.StringIO()
    call_command("interaction", *map(str, options), stdout=out)
    return out.getvalue()


def refused(*options: object) -> str:
    errors = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("interaction", *map(str, options), stderr=errors)
    assert stopped.value.code == 2
    return errors.getvalue().strip()


def test_words_in_the_text_make_groups_of_tasks(answers_file: Path) -> None:
    found = json.loads(
        told(answers_file, "--people-group", "age", "--mentions", "rains,snows", "--label", "yes", "--json")
    )
    (one,) = found["contrasts"]
    assert one["apart"]["value"] == pytest.approx(7 / 20, abs=STEP) and one["part"] == "mentions"
    lines = told(answers_file, "--people-group", "age", "--mentions", "rains", "--label", "yes")
    assert "v against u, on mentions against does not mention" in lines and "+0.350 [-0.070, +0.770]" in lines


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--label", "yes"), "Name the groups of tasks once"),
        (("--mentions", "rains"), "Say once what counts as yes"),
        (("--mentions", "rains", "--label", "maybe"), "Nobody in"),
        (("--mentions", "rains", "--at-least", "3"), "has 'yes': leave it out with --missing=yes"),
        (("--mentions", "rains", "--at-least", "nan"), "--at-least is a number, such as 3 or 0.5."),
        (
            ("--mentions", "fog", "--label", "yes"),
            "are in one group, 'does not mention'; there is nothing to compare with",
        ),
        (("--mentions", "rains", "--label", "yes", "--people", "11"), "too small: u (10), v (10)"),
        (("--task-group", "place", "--label", "yes"), "place"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(answers_file: Path, options: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(answers_file, "--people-group", "age", *options)


def test_equal_numbers_are_one_label_and_words_for_nothing_can_be_left_out(answers_file: Path) -> None:
    def apart(*options: str) -> float:
        found = told(answers_file, "--people-group", "age", "--mentions", "rains", "--json", *options)
        return float(json.loads(found)["contrasts"][0]["apart"]["value"])

    answers_file.write_text(answers_file.read_text().replace(",yes,", ",1.0,").replace(",no,", ",0,"))
    assert apart("--label", "1") == apart("--at-least", "1") == pytest.approx(7 / 20, abs=STEP)
    with answers_file.open("a") as stream:
        stream.write("t0,p0,nan,u,Sun.\nt0,p1,nan,u,Sun.\n")
    assert "leave it out with --missing=nan" in refused(
        answers_file, "--people-group", "age", "--mentions", "rains", "--at-least", "1"
    )


def test_who_answers_twice_counts_once_and_who_changes_groups_not_at_all(answers_file: Path) -> None:
    options = (answers_file, "--people-group", "age", "--mentions", "rains", "--label", "yes", "--people", "5")
    once, rows = json.loads(told(*options, "--json")), answers_file.read_text().splitlines()
    answers_file.write_text("\n".join([*rows, *rows[1:], ""]))
    again = json.loads(told(*options, "--json"))
    assert again["contrasts"] == once["contrasts"] and again["answers"] == once["answers"]
    assert f"repeat a worker's vote on a task: {len(rows) - 1}; the last one counts" in again["notes"][0]
    person = rows[1].split(",")[1]
    answers_file.write_text("\n".join([*rows, f"other,{person},yes,v,It rains.", ""]))
    without = json.loads(told(*options, "--json"))
    assert without["people"] == once["people"] - 1
    assert f"In several groups of age, left out: {person}." in without["notes"]


@pytest.mark.slow
def test_hs_brexit_and_popquorn_as_measured(real_data: Callable[[str], Path]) -> None:
    """Two groups of three people differ far more on tweets about Islam; raters of both genders do not."""
    words = "islam,muslim,muslims,islamic,islamist"
    brexit = (real_data("groups/lewidi_hs_brexit_votes.csv"), "--people-group", "annotator_group", "--label", "1")
    items = ("--items", real_data("groups/lewidi_hs_brexit_items.jsonl"), "--mentions", words)
    (one,) = json.loads(told(*brexit, *items, "--people", "3", "--json"))["contrasts"]
    assert one["positives"] == [[72, 109], [295, 393]] and one["n"] == [[2535, 825]] * 2
    assert one["clustered"]["low"] == pytest.approx(0.159, abs=0.001) and one["odds"]["p_value"] > 0.1
    assert "too small: group1 (3), group2 (3)" in refused(*brexit, *items)
    raters = ("--people-group", "gender", "--columns", "instance_id,user_id,offensiveness", "--at-least", "3")
    women = ("--mentions", "woman,women,girl,girls,she,her,female")
    (two,) = json.loads(told(real_data("groups/popquorn_offensiveness.csv"), *raters, *women, "--json"))["contrasts"]
    assert two["people"] == [124, 131] and two["clustered"]["low"] < 0 < two["clustered"]["high"]
