"""How good is `auto` on the votes of real language models, beside every other method?

Run by `python -m tests.benchmarks.auto_quality [--items] [--sets NAME ...] [--slices 5] [--validation 100]`. For each
set of shared/data/llm_votes, with the crowd named in simulate_sets.json, and each of several random validation slices:
the accuracy outside the slice of every method without known labels, of `auto` with the slice, and with `--items` of
`auto` with the texts too, and with the texts shuffled among the tasks, which must gain nothing. Then the calibration
error of `auto` (15 bins of equal mass), and CPU seconds. Needs the folder shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labeling.crowd.text_features import text_features
from labeling.files.votes import index_gold, read_gold, read_texts, read_votes
from labeling.truth import auto
from labeling.truth.calibration import expected_calibration_error
from labeling.truth.methods import NAMES, method
from labeling.truth.votes import Floats, Ints, Votes

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
UNSUPERVISED = tuple(name for name in NAMES if name != "auto")
Table = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class RecordedCrowd:
    """Votes of a crowd on tasks numbered in the order of the gold file, `gold` (n_tasks,), and their texts."""

    votes: Votes
    gold: Ints
    texts: list[str]

    def slices(self, count: int, size: int, seed: int = 0) -> list[Ints]:
        """Known labels, (n_tasks,) with -1 outside, for each of `count` validation slices of at most `size` tasks."""
        n = len(self.gold)
        known = np.full((count, n), -1, dtype=np.int32)
        for turn, row in enumerate(known):
            drawn = np.random.default_rng(seed + turn).choice(n, min(size, n // 4), replace=False)
            row[drawn] = self.gold[drawn]
        return list(known)


def recorded_crowd(name: str, crowd: Sequence[str]) -> RecordedCrowd:
    """The votes that the annotators of `crowd` gave to one set of llm_votes."""
    folder = DATA / "llm_votes" / name
    gold = read_gold(str(folder / "gold.csv"))
    table = read_votes(str(folder / "votes.csv"), labels=sorted(set(gold.values())))
    place = {task: i for i, task in enumerate(gold)}
    task = np.array([place.get(name, -1) for name in table.tasks], dtype=np.int32)[table.votes.task]
    member = [crowd.index(name) if name in crowd else -1 for name in table.annotators]
    annotator = np.array(member, dtype=np.int32)[table.votes.annotator]
    keep = (task >= 0) & (annotator >= 0)
    votes = Votes(task[keep], annotator[keep], table.votes.label[keep], len(gold), len(crowd), len(table.labels))
    texts = read_texts(str(folder / "items.jsonl"), ["text"])
    return RecordedCrowd(votes, index_gold(gold, list(gold), table.labels), [texts.get(task, "") for task in gold])


def accuracy(belief: Floats, recorded: RecordedCrowd, known: Ints) -> float:
    """Share of right labels outside the slice; a tie counts by the label that is given, the first of the tied."""
    outside = known < 0
    return float((belief.argmax(axis=1) == recorded.gold)[outside].mean())


def measure(recorded: RecordedCrowd, known: Sequence[Ints], *, items: bool) -> dict[str, float]:
    """One row of the table: means over the slices."""
    row = {}
    for name in UNSUPERVISED:
        belief = method(name)(recorded.votes).belief
        row[name] = float(np.mean([accuracy(belief, recorded, each) for each in known]))
    found: dict[str, list[float]] = defaultdict(list)
    features = text_features(recorded.texts) if items else None
    for turn, each in enumerate(known):
        _run_auto(found, "auto", recorded, each)
        if features is not None:
            _run_auto(found, "auto+text", recorded, each, features)
            shuffled = np.random.default_rng(turn).permutation(len(features))
            _run_auto(found, "auto+shuffled", recorded, each, features[shuffled])
    return row | {name: float(np.mean(values)) for name, values in found.items()}


def _run_auto(
    found: dict[str, list[float]], name: str, recorded: RecordedCrowd, known: Ints, features: np.ndarray | None = None
) -> None:
    began = time.process_time()
    result = auto.infer(recorded.votes, known=known, features=features)
    spent = time.process_time() - began
    outside = known < 0
    found[name].append(accuracy(result.belief, recorded, known))
    found[f"{name} ece"].append(expected_calibration_error(result.belief[outside], recorded.gold[outside]))
    found[f"{name} cpu s"].append(spent)


def show(table: Table) -> None:
    """Print one column a set, one row a measure, the mean last."""
    sets = list(table)
    print(f"{'':20}" + "".join(f"{name.removeprefix('textclass_')[:14]:>16}" for name in (*sets, "mean")))
    for measured in table[sets[0]]:
        values = [table[name][measured] for name in sets]
        print(f"{measured:20}" + "".join(f"{value:>16.4f}" for value in (*values, np.mean(values))))


def conclude(table: Table) -> None:
    """Say in words what the table must show."""
    mean = {measured: np.mean([row[measured] for row in table.values()]) for measured in next(iter(table.values()))}
    best = max(UNSUPERVISED, key=lambda name: mean[name])
    print(f"\nbest unsupervised method: {best} {mean[best]:.4f}; auto {mean['auto'] - mean[best]:+.4f}")
    least = min(table, key=lambda name: table[name]["auto"] - table[name]["majority_vote"])
    print(
        f"auto against majority vote, worst set: {table[least]['auto'] - table[least]['majority_vote']:+.4f} ({least})"
    )
    if "auto+text" in mean:
        texts, shuffled = (mean[f"auto+{kind}"] - mean["auto"] for kind in ("text", "shuffled"))
        print(f"texts {texts:+.4f}, shuffled texts {shuffled:+.4f}")
    print(f"mean calibration error of auto: {mean['auto ece']:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", action="store_true", help="with the texts of the tasks, and with them shuffled, too")
    parser.add_argument("--sets", nargs="*", help="default: all of simulate_sets.json")
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--validation", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there; this benchmark needs the recorded votes.")
    crowds = json.loads((DATA / "simulate_sets.json").read_text(encoding="utf-8"))
    table: Table = {}
    for name in options.sets or crowds:
        recorded = recorded_crowd(name, crowds[name]["crowd"])
        known = recorded.slices(options.slices, options.validation, options.seed)
        table[name] = measure(recorded, known, items=options.items)
        print(f"{name}: auto {table[name]['auto']:.4f}", file=sys.stderr, flush=True)
    show(table)
    conclude(table)


if __name__ == "__main__":
    main()
