"""How good is each specialist, and the embedded crowd together, on real texts?

Run by `python -m tests.benchmarks.specialists [SET ...] [--slices 3] [--validation 300]`. Prints, for
each set, the accuracy outside the validation slice of each member and of the simple mean of their
log-probabilities, over several slices, and CPU seconds per member. Needs the folder shared/data beside
the repository.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labeling.crowd.base import Brief, Example, LabelSet, Question, Voter
from labeling.crowd.registry import build, embedded_crowd

ITEMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "items"
FIELDS = {
    "trec_questions": ("text",),
    "rt_polarity": ("text",),
    "coda19_test_subset": ("text",),
    "rte": ("premise", "hypothesis"),
    "boolq": ("question", "passage"),
}
Rows = tuple[list[Question], np.ndarray, LabelSet]


def read(name: str) -> Rows:
    """Questions, gold label indexes of shape (n,), and the label set of one file."""
    rows = [json.loads(line) for line in (ITEMS / f"{name}.jsonl").open(encoding="utf-8")]
    labels = LabelSet(tuple(sorted({str(row["gold"]) for row in rows})))
    gold = np.array([labels.names.index(str(row["gold"])) for row in rows])
    parts = [tuple((field, str(row[field])) for field in FIELDS[name]) for row in rows]
    return [Question(str(i), part) for i, part in enumerate(parts)], gold, labels


def draw(rows: Rows, seed: int, size: int) -> tuple[Brief, np.ndarray]:
    """A brief with `size` random examples, and the indexes outside them."""
    questions, gold, labels = rows
    n = len(questions)
    chosen = np.random.default_rng(seed).choice(n, min(size, n // 4), replace=False)
    examples = tuple(Example(questions[i], int(gold[i])) for i in chosen)
    return Brief(labels, examples=examples, texts=tuple(questions), seed=seed), np.setdiff1d(np.arange(n), chosen)


def probabilities(voter: Voter, brief: Brief, questions: Sequence[Question]) -> tuple[np.ndarray, float]:
    """Probabilities of shape (questions, labels), and the CPU seconds they took."""
    began = time.process_time()
    voter.prepare(brief)
    rows = [answer.probabilities or [1 / len(brief.labels)] * len(brief.labels) for answer in voter.answer(questions)]
    return np.array(rows), time.process_time() - began


def measure(name: str, members: Sequence[str], slices: int, size: int) -> None:
    """Print one table."""
    rows = read(name)
    questions, gold, labels = rows
    accuracy: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(slices):
        brief, outside = draw(rows, seed, size)
        right = {}
        for member in members:
            right[member], spent = probabilities(build(member), brief, questions)
            seconds.setdefault(member, []).append(spent)
        right["mean of log-probabilities"] = sum(np.log(np.maximum(p, 1e-6)) for p in right.values())
        right["majority vote"] = sum(np.eye(len(labels))[right[m].argmax(axis=1)] for m in members)
        for member, score in right.items():
            accuracy.setdefault(member, []).append(float((score.argmax(axis=1) == gold)[outside].mean()))
    print(f"{name}: {len(questions)} tasks, {len(labels)} labels, {slices} slices of at most {size}")
    for member, values in sorted(accuracy.items(), key=lambda item: np.mean(item[1])):
        shown = " ".join(f"{value:.3f}" for value in values)
        print(f"  {member:28} {np.mean(values):.3f}  ({shown})  {np.mean(seconds.get(member, [0.0])):.1f} CPU s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=["trec_questions", "rt_polarity", "coda19_test_subset", "rte"])
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--validation", type=int, default=300)
    parser.add_argument("--crowd", help="registry names, separated by spaces; default: the embedded crowd")
    options = parser.parse_args()
    if not ITEMS.is_dir():
        sys.exit(f"{ITEMS} is not there; this benchmark needs the real texts.")
    for name in options.sets:
        crowd = options.crowd.split() if options.crowd else embedded_crowd(len(FIELDS[name]))
        measure(name, crowd, options.slices, options.validation)


if __name__ == "__main__":
    main()
