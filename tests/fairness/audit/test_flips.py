"""Sentences that differ in one thing: read, paired, and how often the label changes, by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fairness.audit.flips import Answered, pairs
from fairness.audit.sentences import Columns, Sentence, read
from labeling.files.tables import UnusableFile


def answered(rows: list[tuple[int, int, int]], labels: int = 2, variants: int = 2) -> Answered:
    frame, variant, answer = (np.array(column) for column in zip(*rows, strict=True))
    return Answered(answer, frame, variant, tuple("abc"[:labels]), tuple("xyz"[:variants]))


def test_flips_of_plain_pairs_are_counted_by_hand() -> None:
    """Twenty pairs, five of which change from a to b."""
    rows = [(f, v, int(v == 1 and f < 5)) for f in range(20) for v in (0, 1)]
    (one,) = pairs(answered(rows))
    assert (one.first, one.second, one.frames, one.sentences) == ("x", "y", 20, 40)
    assert one.flip.value == 0.25 and one.flip.low < 0.25 < one.flip.high and one.within is None
    assert one.shift is not None and one.shift.more.value == pytest.approx(0.25, abs=1e-9)


def test_no_change_at_all_still_has_an_upper_end() -> None:
    (one,) = pairs(answered([(f, v, 0) for f in range(20) for v in (0, 1)]))
    assert one.flip.value == 0 and one.flip.low == 0 and one.flip.high == pytest.approx(0.161, abs=0.001)
    assert one.shift is None


def test_what_names_of_one_variant_do_among_themselves_is_told_apart() -> None:
    """Each variant has four names; x: 0 0 1 1 in every frame, y alike: the flips are those of any two names."""
    rows = [(f, v, n % 2) for f in range(30) for v in (0, 1) for n in range(4)]
    (one,) = pairs(answered(rows))
    assert one.flip.value == pytest.approx(1 / 2) and one.within is not None
    assert one.within.value == pytest.approx(2 / 3, abs=1e-9)
    assert one.beyond is not None and one.beyond.value == pytest.approx(1 / 2 - 2 / 3)


def test_ten_frames_are_needed_and_three_variants_make_three_pairs() -> None:
    found = pairs(answered([(f, v, 0) for f in range(9) for v in (0, 1, 2)], variants=3))
    assert len(found) == 3 and all(one.flip.reason == "9 of 10 frames" for one in found)


def test_no_answer_is_an_answer_of_its_own() -> None:
    (one,) = pairs(answered([(f, v, -1 if v else 0) for f in range(12) for v in (0, 1)]))
    assert one.flip.value == 1.0


def test_the_order_of_sentences_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    rows = [(f, v, int(rng.random() < 0.3 + 0.2 * v)) for f in range(40) for v in (0, 1) for _ in range(3)]
    turned = [rows[place] for place in rng.permutation(len(rows))]
    assert pairs(answered(rows)) == pairs(answered(turned))


def written(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "sentences.csv"
    path.write_text("\n".join([*lines, ""]))
    return str(path)


def test_templates_are_filled_by_slot_and_variant(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "template,slot,variant,text",
        "{person} feels {mood}.,,,",
        ",person,woman,she",
        ",person,man,he",
        ",mood,,sad",
        ",mood,,glad",
    )
    found = read(path)
    assert len(found) == 4 and len({one.frame for one in found}) == 2
    assert Sentence("{person} feels {mood}. | mood=sad", "woman", "She feels sad.") in found


def test_pairs_are_read_with_what_differs(tmp_path: Path) -> None:
    found = read(written(tmp_path, "first,second,pair", "I am not going,I ain't going,standard/dialect"))
    assert [(one.variant, one.text) for one in found] == [("standard", "I am not going"), ("dialect", "I ain't going")]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a,b", "1,2"], "say which one holds the text"),
        (["template,slot,variant,text", "{who} is here,,,"], "nothing is given for the slot 'who'"),
        (["first,second", "only,"], "no two sentences that differ"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(tmp_path: Path, lines: list[str], sentence: str) -> None:
    with pytest.raises(UnusableFile, match=sentence):
        read(written(tmp_path, *lines))


def test_the_equity_corpus_is_read_by_its_columns(real_data: Callable[[str], Path]) -> None:
    path = str(real_data("groups/equity_evaluation_corpus.csv"))
    columns = Columns("Sentence", "Gender", ("Template", "Emotion word"))
    found = read(path, columns, most=10_000)
    assert len(found) == 8640 and {one.variant for one in found} == {"male", "female"}
    some = read(path, columns, most=500, seed="1")
    assert 400 <= len(some) <= 500 and read(path, columns, most=500, seed="1") == some
    whole = {one.frame for one in some}
    assert sum(one.frame in whole for one in found) == len(some)
