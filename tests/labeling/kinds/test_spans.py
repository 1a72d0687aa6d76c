"""Stretches of text: reading, bad input, replies, commands."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeling.kinds import registry
from labeling.kinds.base import AnswerTable, Known, NoAnswer, Space, UnusableAnswer
from tests.commands import Shell

SPANS = registry.kind("spans")
AGGREGATE, AGREEMENT = Shell("aggregate"), Shell("agreement")
TEXT = "Ada met Bob in Oslo, and Bob smiled \U0001f642 at Ada."
STOP = TEXT.rindex(".")
SPACE = Space(("PER", "LOC"), texts={"1": TEXT, "half": "a\ud83d\ude42b"})


def table(answers: list[list[list[Any]] | None], tasks: int = 1) -> AnswerTable:
    """Annotators 0, 1, ... on every one of `tasks` texts, all alike."""
    read = [SPANS.read(answer, SPACE, "1") for answer in answers]
    task = np.repeat(np.arange(tasks, dtype=np.int32), len(read))
    by = np.tile(np.arange(len(read), dtype=np.int32), tasks)
    names = [f"w{at}" for at in range(len(read))]
    space = Space(SPACE.labels, texts={str(at): TEXT for at in range(tasks)})
    return AnswerTable(space, [str(at) for at in range(tasks)], names, task, by, SPANS.pack(read * tasks, space))


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_offsets_count_code_points_and_the_end_is_exclusive():
    answer = SPANS.read([[STOP, STOP + 1, "PER"], [0, 3, "PER"], [0, 3, "PER"]], SPACE, "1")
    assert [TEXT[start:end] for start, end, _ in answer.spans] == ["Ada", "."]
    assert SPANS.written(answer, SPACE) == [[[0, 3, "PER"], [STOP, STOP + 1, "PER"]]]
    assert SPANS.words(answer, SPACE) == f"0 to 3 PER, {STOP} to {STOP + 1} PER"


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ([0, 3, "TREE"], "a type that is none of PER, LOC"),
        ([3, 3, "PER"], "does not begin before it ends"),
        ([-1, 3, "PER"], "does not begin before it ends"),
        ([40, len(TEXT) + 1, "PER"], "ends behind its text"),
        ([0, 10**30, "PER"], "no text is that long"),
        ([0, 3], "not .start, end, type. with whole numbers"),
        ([0.0, 3, "PER"], "whole numbers"),
        ([True, 3, "PER"], "whole numbers"),
        (["0", "3", "PER"], "whole numbers"),
        ("PER", "whole numbers"),
    ],
)
def test_a_stretch_that_cannot_be_used_is_told_in_a_sentence(part: Any, why: str):
    with pytest.raises(UnusableAnswer, match=why):
        SPANS.read([part], SPACE, "1")


def test_half_a_surrogate_pair_is_no_border():
    assert SPANS.read([[1, 3, "PER"]], SPACE, "half").spans == ((1, 3, 0),)
    for part in ([0, 2, "PER"], [2, 4, "PER"]):
        with pytest.raises(UnusableAnswer, match="inside a surrogate pair"):
            SPANS.read([part], SPACE, "half")


def test_an_empty_list_is_an_answer_and_null_is_none():
    assert SPANS.read([], SPACE, "1").spans == ()
    with pytest.raises(NoAnswer):
        SPANS.read(None, SPACE, "1")
    with pytest.raises(UnusableAnswer, match="no list of stretches"):
        SPANS.read("nothing", SPACE, "1")


def test_two_answers_differ_by_what_they_do_not_share():
    one, other = SPANS.read([[0, 3, "PER"], [8, 11, "PER"]], SPACE), SPANS.read([[0, 3, "PER"], [15, 19, "LOC"]], SPACE)
    assert SPANS.differ(one, other, SPACE) == 0.5
    assert SPANS.differ(SPANS.read([], SPACE), SPANS.read([], SPACE), SPACE) == 0.0


def test_a_quote_is_found_again_in_the_text_once_for_each_time_it_is_given():
    quotes = [{"quote": "Bob", "label": "PER"}, {"quote": "Bob", "label": "PER"}, {"quote": "Rome", "label": "LOC"}]
    assert SPANS.from_reply({"spans": quotes}, SPACE, "1").spans == ((8, 11, 0), (25, 28, 0))
    assert SPANS.from_reply({"spans": []}, SPACE, "1").spans == ()
    with pytest.raises(UnusableAnswer, match="none of its quotes"):
        SPANS.from_reply({"spans": quotes[2:]}, SPACE, "1")
    with pytest.raises(UnusableAnswer, match="no object with a list of spans"):
        SPANS.from_reply([], SPACE, "1")
    with pytest.raises(UnusableAnswer, match="has no quote"):
        SPANS.from_reply({"spans": [{"label": "PER"}]}, SPACE, "1")


def test_bad_rows_are_told_and_good_ones_kept(tmp_path: Path):
    votes = lines(
        tmp_path / "votes.jsonl",
        [
            {"task": "1", "worker": "a", "spans": [[0, 3, "PER"], [15, 19, "LOC"]]},
            {"task": "1", "worker": "b", "spans": [[0, 3, "PER"], [15, 99, "LOC"], [5, 4, "PER"]]},
            {"task": "1", "worker": "c", "spans": [[0, 3, "CITY"]]},
            {"task": "1", "worker": "d", "spans": None},
            {"task": "2", "worker": "a", "spans": []},
        ],
    )
    (tmp_path / "items.jsonl").write_text(json.dumps({"id": "1", "text": TEXT}))
    output = tmp_path / "labels.jsonl"
    options = "--labels=PER,LOC", "--items", tmp_path / "items.jsonl", "--output", output
    found = AGGREGATE.run_json(votes, "--kind", "spans", *options)
    told = " ".join(found["notes"])
    assert (found["tasks"], found["votes"]) == (2, 3)
    assert "a stretch ends behind its text; offsets count code points, and the end is exclusive." in told
    assert "a stretch does not begin before it ends, at 0 or later." in told
    assert "a stretch has a type that is none of PER, LOC." in told
    assert "no answer: 2" in told
    first, second = map(json.loads, output.read_text().splitlines())
    assert first["spans"][0] == [0, 3, "PER"]
    assert (second["task"], second["spans"], second["tie"]) == ("2", [], False)


def test_scores_tell_precision_and_recall_by_type():
    given = [SPANS.read([[0, 3, "PER"], [15, 19, "LOC"]], SPACE, "1"), SPANS.read([], SPACE, "1")]
    right = [SPANS.read([[0, 3, "PER"], [15, 18, "LOC"]], SPACE, "1"), SPANS.read([], SPACE, "1")]
    found = SPANS.score(given, right, SPACE)
    assert (found["accuracy"], found["span_f1"], found["partial_f1"]) == (0.5, 0.5, 1.0)
    assert found["by_type"]["PER"]["precision"] == 1.0
    assert (found["by_type"]["LOC"]["f1"], found["by_type"]["LOC"]["partial_f1"]) == (0.0, 1.0)
    # of 90 code points one is marked by the answer alone
    labels = np.array([[3 / 90, 4 / 90, 83 / 90], [3 / 90, 3 / 90, 84 / 90]])
    chance = float((labels[0] * labels[1]).sum())
    assert found["token_kappa"] == pytest.approx((89 / 90 - chance) / (1 - chance))
    assert SPANS.score(given[1:], right[1:], SPACE)["span_f1"] == 1.0


@pytest.mark.slow
def test_aggregate_scores_and_compares_with_plain_rules(tmp_path: Path):
    rows = [{"task": str(at), "worker": by, "spans": [[0, 3, "PER"]]} for at in range(25) for by in "abc"]
    rows += [{"task": str(at), "worker": "d", "spans": [[0, 2, "PER"]]} for at in range(25)]
    votes = lines(tmp_path / "votes.jsonl", rows)
    gold = lines(tmp_path / "gold.jsonl", [{"task": str(at), "spans": [[0, 3, "PER"]]} for at in range(25)])
    found = AGGREGATE.run_json(votes, "--kind", "spans", "--gold", gold)
    assert (found["span_f1"], found["partial_f1"], found["accuracy"], found["scored"]) == (1.0, 1.0, 1.0, 25)
    assert found["by_type"]["PER"]["recall"] == 1.0
    assert found["baselines"]["exact_majority"] == 1.0
    assert found["baselines"]["best_single"] == 1.0
    assert found["annotators_against_answers"]["d"]["span_f1"] == 0.0
    assert found["annotators_against_answers"]["d"]["partial_f1"] == 1.0


def test_known_texts_are_learned_from_and_not_scored():
    given = table([[[0, 3, "PER"]], [[8, 11, "PER"]], [[8, 11, "PER"]]], 60)
    right = SPANS.read([[0, 3, "PER"]], SPACE, "1")
    found = SPANS.infer(given, "auto", Known(np.arange(30, dtype=np.int32), [right] * 30), 0)
    assert found.details["chosen"] == "learned"
    assert found.answers[-1] == right
    assert found.confidence[0] == 1.0


def test_agreement_of_two_is_f1_and_kappa_over_code_points(tmp_path: Path):
    texts = "\n".join(json.dumps({"id": str(at), "text": "x" * 10}) for at in range(4))
    (tmp_path / "items.jsonl").write_text(texts)
    rows = [{"task": str(at), "worker": "a", "spans": [[0, 4, "T"]]} for at in range(4)]
    rows += [{"task": str(at), "worker": "b", "spans": [[0, 4, "T"]] if at < 2 else []} for at in range(4)]
    votes = lines(tmp_path / "votes.jsonl", rows)
    found = AGREEMENT.run_json(votes, "--kind", "spans", "--items", tmp_path / "items.jsonl")
    assert found["pairwise_span_f1"]["value"] == pytest.approx(2 * 2 / 6)
    # both agree on 8 of 10 code points, 30% of all labels are T
    assert found["token_kappa"]["value"] == pytest.approx((0.8 - 0.58) / 0.42)
    assert found["pairs"] == [{"a": "a", "b": "b", "n": 4, "span_f1": pytest.approx(2 / 3)}]


def test_one_annotator_a_text_has_no_agreement(tmp_path: Path):
    votes = lines(
        tmp_path / "votes.jsonl", [{"task": str(at), "worker": "a", "spans": [[0, 4, "T"]]} for at in range(4)]
    )
    found = AGREEMENT.run_json(votes, "--kind", "spans")
    assert found["pairwise_span_f1"]["undefined"]
    assert found["token_kappa"]["value"] is None


def test_groups_are_compared_by_the_types_that_occur():
    answers = [SPANS.read([[0, 3, "PER"], [8, 11, "PER"]], SPACE, "1"), SPANS.read([], SPACE, "1")]
    names, occurs = SPANS.traits(answers, SPACE)
    assert names == ("PER", "LOC")
    assert occurs.tolist() == [[True, False], [False, False]]


def test_the_gain_of_asking_is_largest_where_opinions_part():
    clear, torn = [[0, 3, "PER"]], [[8, 11, "PER"]]
    entries = [(at, by, clear if at < 30 or by else torn) for at in range(40) for by in range(4)]
    read = [SPANS.read(answer, SPACE, "1") for _, _, answer in entries]
    task, by = (np.array([entry[at] for entry in entries], dtype=np.int32) for at in (0, 1))
    space = Space(SPACE.labels, texts={str(at): TEXT for at in range(40)})
    given = AnswerTable(space, [str(at) for at in range(40)], list("abcd"), task, by, read)
    known = Known(np.arange(20, dtype=np.int32), [SPANS.read(clear, SPACE, "1")] * 20)
    gains = SPANS.gains(SPANS.infer(given, "majority_vote", known, 0), given, 1, known)
    assert gains.shape == (40,)
    assert gains[35] > gains[25] >= 0


def test_a_text_in_which_nobody_found_anything_is_worth_asking_about():
    clear = SPANS.read([[0, 3, "PER"]], SPACE, "1")
    answers = [clear if at < 30 else SPANS.read([], SPACE, "1") for at in range(40) for _ in range(3)]
    task, by = np.repeat(np.arange(40, dtype=np.int32), 3), np.tile(np.arange(3, dtype=np.int32), 40)
    given = AnswerTable(SPACE, [str(at) for at in range(40)], list("abc"), task, by, answers)
    known = Known(np.arange(20, dtype=np.int32), [clear] * 20)
    gains = SPANS.gains(SPANS.infer(given, "majority_vote", known, 0), given, 1, known)
    assert gains[35] == pytest.approx(1.0)
    assert gains[35] > gains[25] + 0.5


def test_nobody_marked_anything_asks_for_the_types(tmp_path: Path):
    votes = lines(tmp_path / "votes.jsonl", [{"task": "1", "worker": "a", "spans": []}])
    assert "nobody marked anything; name the types with --labels" in AGGREGATE.refusal(votes, "--kind", "spans")
    assert AGGREGATE.run_json(votes, "--kind", "spans", "--labels=T,U")["tasks"] == 1
