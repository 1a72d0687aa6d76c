"""Quality of kinds on other people's sets: python -m tests.benchmarks kinds_quality

Every method beside the plain baselines, by the first-named metric; for sets of labels also what the joint step adds.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labeling.files.kind_votes import known_of, read_item_texts, read_raw, table_of
from labeling.kinds import registry
from labeling.kinds.base import AnswerTable, Kind, Known, taken
from labeling.kinds.cells import Rules
from labeling.truth import block_auto
from labeling.truth.blocks import UNSAID, YES, Blocks

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "kinds"
SETS = (
    ("choices", "celeba_vlm", "votes.csv", "gold.csv"),
    ("choices", "red_v2", "votes.csv", "gold.csv"),
    ("choices", "people_at_work", "votes_choices_simulated.csv", "gold_choices.csv"),
    ("scale", "snow_valence", "votes.csv", "gold.csv"),
    ("scale", "snow_wordsim", "votes.csv", "gold.csv"),
    ("spans", "crowd_oei_dev", "votes.jsonl", "gold.jsonl", "items.jsonl"),
    ("spans", "ner_llm_biodiv", "votes.jsonl.gz", "gold.jsonl", "items.jsonl"),
)
KNOWN = (0, 60)


@dataclass(frozen=True, slots=True)
class Set:
    """One set: its kind, answers and right answers."""

    kind: Kind
    table: AnswerTable
    gold: Known


def read(kind_name: str, folder: str, votes: str, gold: str, items: str = "") -> Set:
    """A set out of its files; with texts, models invent labels, and those of the set's description count."""
    kind, rules, texts = registry.kind(kind_name), Rules(), {}
    if items:
        texts = read_item_texts(str(FOLDER / folder / items), ["text"])
        rules = Rules(labels=tuple(json.loads((FOLDER / folder / "meta.json").read_text())["labels"]))
    given = read_raw(str(FOLDER / folder / votes), kind, ("task", "worker", kind.field), rules)
    right = read_raw(str(FOLDER / folder / gold), kind, ("task", kind.field), rules)
    meaning = kind.meaning({**given.occurring, **right.occurring}, rules)
    space = kind.space(meaning, rules, texts)
    table = table_of(given, kind, space, meaning.name)[0]
    return Set(kind, table, known_of(table_of(right, kind, space, meaning.name)[0], table.tasks)[0])


def split(one: Set, known: int) -> tuple[Known | None, Known]:
    """What may be learned from, and what scores."""
    order = np.random.default_rng(0).permutation(len(one.gold.task))
    return (one.gold.some(order[:known]) if known else None), one.gold.some(order[known:])


def scored(one: Set, method: str, known: int) -> tuple[float | None, float]:
    """The first-named metric on what was not learned from, and the processor's seconds."""
    learned, gold = split(one, known)
    start = time.process_time()
    found = one.kind.infer(one.table, method, learned, 0)
    seconds = time.process_time() - start
    return one.kind.score(taken(found.answers, gold.task), gold.answers, one.table.space)[one.kind.metrics[0]], seconds


def joint_gain(one: Set, known: int) -> float:
    """Micro-F1 that the joint step adds."""
    learned, gold = split(one, known)
    truth = np.full((len(one.table.tasks), len(one.table.space.labels)), UNSAID, dtype=np.int8)
    if learned is not None:
        truth[learned.task] = learned.answers
    given: Any = np.asarray(one.table.answers)
    blocks = Blocks(one.table.task, one.table.annotator, given, len(truth), len(one.table.annotators), truth)
    both = []
    for with_joint in (False, True):
        found = block_auto.infer(blocks, with_joint=with_joint)
        chosen, right = (found.belief >= found.threshold)[gold.task], np.asarray(gold.answers) == YES
        both.append(2 * float((chosen & right).sum()) / float(chosen.sum() + right.sum()))
    return both[1] - both[0]


def main() -> None:
    """The table of all sets."""
    for kind_name, *files in SETS:
        one = read(kind_name, *files)
        print(f"\n{files[0]} ({kind_name}), {one.kind.metrics[0]}")
        for known in KNOWN:
            if known * 2 > len(one.gold.task):
                continue
            gold = split(one, known)[1]
            for name, plain in one.kind.baselines(one.table).items():
                value = one.kind.score(taken(plain, gold.task), gold.answers, one.table.space)[one.kind.metrics[0]]
                print(f"  {known:>3} known  {name + ' (plain)':<24} {value:.4f}")
            for method in one.kind.methods:
                value, seconds = scored(one, method, known)
                print(f"  {known:>3} known  {method:<24} {value:.4f}  {seconds:6.2f} s")
            if one.kind.parts:
                print(f"  {known:>3} known  joint step adds          {joint_gain(one, known):+.4f}")


if __name__ == "__main__":
    main()
