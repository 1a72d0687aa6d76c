"""The commands `audit` and `counterfactual`: what they read, tell and refuse."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from labeling.models import Vote
from labeling.people import recruiting
from tests.fake_openai import FakeOpenAI


def told(command: str, *options: object) -> str:
    out = io.StringIO()
    call_command(command, *map(str, options), stdout=out)
    return out.getvalue()


def refused(command: str, *options: object) -> str:
    errors = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command(command, *map(str, options), stderr=errors)
    assert stopped.value.code == 2
    return errors.getvalue().strip()


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., str]:
    def write(name: str, *lines: str) -> str:
        path = tmp_path / name
        path.write_text("\n".join([*lines, ""]))
        return str(path)

    return write


@pytest.fixture
def candidates(files: Callable[..., str]) -> tuple[str, str]:
    """Two candidates on 200 tasks: `even` errs on every fifth, `skew` on every third of group b alone."""
    votes, gold = ["task,worker,label,cost_usd,seconds"], ["task,label,side"]
    for at in range(200):
        true, side = "no" if at // 2 % 2 else "yes", "ab"[at % 2]
        other = "yes" if true == "no" else "no"
        gold.append(f"t{at},{true},{side}")
        votes.append(f"t{at},even,{other if at % 10 < 2 else true},0.002,1.5")
        votes.append(f"t{at},skew,{other if side == 'b' and at % 3 == 0 else true},0,0.5")
    return files("votes.csv", *votes), files("gold.csv", *gold)


def test_candidates_stand_side_by_side_and_the_fair_one_is_named(candidates: tuple[str, str]) -> None:
    votes, gold = candidates
    found = json.loads(told("audit", votes, "--gold", gold, "--group", "side", "--json"))
    rows = {row["name"]: row for row in found["candidates"]}
    assert rows["even"]["right"]["value"] == 0.8 and rows["even"]["gap"]["value"] == 0
    assert rows["skew"]["gap"]["value"] == pytest.approx(0.33) and rows["even"]["per_1000"] == pytest.approx(2)
    lines = told("audit", votes, "--gold", gold, "--group", "side", "--crowd", "even")
    assert "may not check the crowd: votes in the crowd itself" in lines and "Fairest: skew" in lines


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--group", "place"), "place"),
        (("--group", "side", "--crowd", "nobody"), "who has no vote; there are even, skew"),
        (("--group", "side", "--minimum", "0"), "--minimum is a whole number"),
    ],
)
def test_an_audit_that_cannot_be_made_is_a_sentence(
    candidates: tuple[str, str], options: tuple[str, ...], sentence: str
) -> None:
    votes, gold = candidates
    assert sentence in refused("audit", votes, "--gold", gold, *options)


PAIRS = ["first,second,pair", *(f"My sister {n},My brother {n},woman/man" for n in range(12))]


def test_recorded_answers_are_compared_by_their_texts(files: Callable[..., str]) -> None:
    votes = files(
        "answers.csv",
        "task,worker,label",
        *(f"My sister {n},m,{'loud' if n < 6 else 'calm'}" for n in range(12)),
        *(f"My brother {n},m,calm" for n in range(12)),
    )
    lines = told("counterfactual", files("pairs.csv", *PAIRS), "--votes", votes)
    assert "woman / man: label changes 0.500" in lines and "man gets calm more often by 0.500" in lines
    assert "answers no two sentences" in refused(
        "counterfactual", files("pairs.csv", *PAIRS), "--votes", files("none.csv", "task,worker,label", "x,m,calm")
    )


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(oracle=lambda text, labels: labels["sister" in text]) as fake:
        yield fake


@pytest.mark.slow
@pytest.mark.django_db
def test_a_model_of_a_project_is_asked_and_named_where_there_is_none(
    batch: Any, server: FakeOpenAI, files: Callable[..., str]
) -> None:
    spec = f"chat:m@{server.base_url}?local=yes&input=0&output=0"
    [made] = recruiting.add_models(batch.project, [spec])
    path = files("pairs.csv", *PAIRS)
    found = json.loads(told("counterfactual", path, "--project", "city", "--voter", made.name, "--json"))
    assert found["annotators"][made.name][0]["flip"]["value"] == 1.0 and Vote.objects.count() == 24
    assert f"there are {made.name}" in refused("counterfactual", path, "--project", "city", "--voter", "x")
    assert "no project" in refused("counterfactual", path, "--project", "nowhere", "--voter", "x")


def shares(votes: str, gold: str, *options: str) -> dict[str, float]:
    """What part of the answers of each candidate is right."""
    found = json.loads(told("audit", votes, "--gold", gold, "--group", "side", "--json", *options))
    return {row["name"]: round(row["right"]["value"], 4) for row in found["candidates"]}


def rewritten(path: str, swap: dict[str, str]) -> str:
    """A copy of a file with some cells written otherwise."""
    lines = [",".join(swap.get(cell, cell) for cell in line.split(",")) for line in Path(path).read_text().splitlines()]
    copy = Path(path).with_name(f"again-{Path(path).name}")
    copy.write_text("\n".join([*lines, ""]))
    return str(copy)


def test_right_answers_in_another_spelling_are_refused_or_read_never_a_fair_zero(candidates: tuple[str, str]) -> None:
    votes, gold = candidates
    right, upper = shares(votes, gold), rewritten(gold, {"yes": "Yes", "no": "No"})
    assert "--fold-case takes them as one" in refused("audit", votes, "--gold", upper, "--group", "side")
    assert shares(votes, upper, "--fold-case") == right == {"even": 0.8, "skew": 0.835}
    numbers, decimals = {"yes": "1", "no": "0"}, {"yes": "1.0", "no": "0.0"}
    assert shares(rewritten(votes, numbers), rewritten(gold, decimals)) == right


def test_a_task_without_a_group_stands_in_none(candidates: tuple[str, str]) -> None:
    votes, gold = candidates
    found = json.loads(told("audit", votes, "--gold", rewritten(gold, {"b": ""}), "--group", "side", "--json"))
    assert (found["groups"], found["tasks"]) == (["a"], 100)
    assert "Tasks with a right answer without a side, left out: 100 of 200." in found["notes"]


def test_a_second_vote_replaces_the_first_and_is_told(candidates: tuple[str, str]) -> None:
    votes, gold = candidates
    with Path(votes).open("a") as stream:
        stream.write("t0,even,yes,0,1\nt0,even,no,0,1\n")
    lines = told("audit", votes, "--gold", gold, "--group", "side")
    assert "repeat a worker's vote on a task: 2, of which 1 with another label; the last one counts" in lines


def test_nobody_is_the_fairest_where_no_gap_can_be_measured(candidates: tuple[str, str]) -> None:
    votes, gold = candidates
    lines = told("audit", votes, "--gold", gold, "--group", "side", "--minimum", "60")
    assert "Nobody can be chosen to check the crowd: fewer than two groups have 60 tasks" in lines
    assert "\nFairest: " in told("audit", votes, "--gold", gold, "--group", "side", "--minimum", "50")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--votes", "VOTES", "--seed", "-1"), "--seed must be a whole number of at least 0."),
        (("--votes", "VOTES", "--most", "1"), "--most is a whole number of at least 2"),
        (("--project", "p", "--voter", "v", "--cap", "nan"), "--cap is an amount in US dollars"),
        (("--project", "p", "--voter", "v", "--cap", "-1"), "--cap is an amount in US dollars"),
        (("--project", "p", "--voter", "v", "--cap", "Infinity"), "--cap is an amount in US dollars"),
        ((), "Say who answers: --project and --voter for a model, or --votes for recorded answers."),
    ],
)
def test_what_a_counterfactual_cannot_serve_is_a_sentence(
    files: Callable[..., str], options: tuple[str, ...], sentence: str
) -> None:
    votes = files("v.csv", "task,worker,label", "My sister 1,m,yes", "My brother 1,m,no")
    named = [votes if option == "VOTES" else option for option in options]
    assert sentence in refused("counterfactual", files("pairs.csv", *PAIRS), *named)


def test_an_empty_file_of_sentences_is_called_empty(files: Callable[..., str]) -> None:
    votes = files("v.csv", "task,worker,label", "x,m,yes")
    assert "empty.csv is empty; it needs a header line" in refused(
        "counterfactual", files("empty.csv"), "--votes", votes
    )


def test_equal_numbers_are_no_changed_label_and_too_few_frames_are_no_number(files: Callable[..., str]) -> None:
    answers = [f"My {who} {n},m,{label}" for n in range(12) for who, label in (("sister", "1"), ("brother", "1.0"))]
    votes = files("v.csv", "task,worker,label", *answers, "x,m,0")
    assert "label changes 0.000" in told("counterfactual", files("pairs.csv", *PAIRS), "--votes", votes)
    few = told("counterfactual", files("few.csv", *PAIRS[:3]), "--votes", votes)
    assert "label changes not estimable, 2 of 10 frames" in few and "often" not in few


def test_a_pair_of_one_sentence_tells_nothing_and_is_left_out(files: Callable[..., str]) -> None:
    answers = [f"My {who} {n},m,{label}" for n in range(12) for who, label in (("sister", "a"), ("brother", "b"))]
    votes = files("v.csv", "task,worker,label", *answers)
    twins = [f"My sister {n},My sister {n},woman/man" for n in range(12)]
    assert "label changes 1.000" in told("counterfactual", files("both.csv", *PAIRS, *twins), "--votes", votes)
    assert "no two sentences that differ" in refused(
        "counterfactual", files("twins.csv", PAIRS[0], *twins), "--votes", votes
    )
