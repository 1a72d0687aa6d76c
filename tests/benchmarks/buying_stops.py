"""`python -m tests.benchmarks.buying_stops`: is a paid model that makes labels worse noticed?

On the seven sets of `simulate_sets.json` random crowds of four to eight small models meet paid models of two sorts:
weak ones, no better than the middle of their crowd, and any large ones. The router `value` is replayed with and without
the watch over its promises (`labeling.routing.promises`). Printed for each sort: mean area, mean change of accuracy
from no budget to the largest, the worst such change, calls as a share of the tasks, and the share of runs that were
stopped.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np

from labeling.files import recordings
from labeling.files.recordings import Source
from labeling.routing.recording import Recording, Replay
from labeling.routing.replay import replay
from labeling.truth.votes import Votes

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BUDGETS = (0, 0.05, 0.1, 0.2, 0.3, 0.5, 1)
LARGE = {"babe": ("gpt_4", "gpt_3_5", "mixtral_8x7b", "flan_ul2")}
SMALL_BILLIONS = 10
HEADS = ("area", "change", "worst", "calls", "stopped")


def whole(name: str) -> tuple[Recording, list[str]]:
    """A set with everybody as paid, and their names; the crowd is chosen from it later."""
    folder = DATA / "llm_votes" / name
    with (folder / "votes.csv").open(encoding="utf-8") as stream:
        names = list(dict.fromkeys(row["worker"] for row in csv.DictReader(stream)))
    source = Source(str(folder / "votes.csv"), str(folder / "gold.csv"), ",".join(names[1:]), names[0])
    recorded = recordings.read(source).recording
    first = np.full(len(recorded.truth), recorded.votes.n_labels, dtype=np.int32)
    first[recorded.votes.task] = recorded.votes.label
    return Recording(recorded.votes, np.column_stack([first, recorded.answers]), recorded.prices, recorded.truth), names


def small(name: str, names: list[str]) -> list[str]:
    """The small models of a set."""
    path = DATA / "llm_votes" / name / "models.csv"
    if not path.exists():
        return [each for each in names if each not in LARGE["babe"]]
    with path.open(encoding="utf-8") as stream:
        rows = {row["worker"]: row for row in csv.DictReader(stream)}
    size = {each: float(row["billion_parameters"] or 0) for each, row in rows.items() if row["source"] == "Open"}
    return [each for each in names if 0 < size.get(each, 0) <= SMALL_BILLIONS]


def drawn(record: Recording, names: list[str], little: list[str], weak: bool, rng: np.random.Generator) -> Recording:
    """A random crowd, and one paid model that is no member of it."""
    right = dict(zip(names, (record.answers == record.truth[:, None]).mean(axis=0), strict=True))
    crowd = [str(each) for each in rng.choice(little, int(rng.integers(4, 9)), replace=False)]
    middle = float(np.median([right[each] for each in crowd]))
    others = [each for each in names if each not in crowd and ((right[each] < middle) if weak else each not in little)]
    paid = names.index(str(rng.choice(others or [each for each in names if each not in crowd])))
    columns = record.answers[:, [names.index(each) for each in crowd]]
    task, member = np.nonzero(columns < record.votes.n_labels)
    label = columns[task, member].astype(np.int32)
    sizes = len(record.truth), len(crowd), record.votes.n_labels
    votes = Votes(task.astype(np.int32), member.astype(np.int32), label, *sizes)
    return Recording(votes, record.answers[:, [paid]], np.array([1_000_000]), record.truth)


def played(record: Recording, seed: int, watched: bool) -> list[float]:
    """The five figures of HEADS for one run."""
    n = len(record.truth)
    known = np.full(n, -1, dtype=np.int32)
    slice_ = np.random.default_rng(seed).choice(n, min(100, n // 4), replace=False)
    known[slice_] = record.truth[slice_]
    run = Replay(record, known, "auto", seed, watched=watched)
    points = replay(run, "value", [int(part * n * 1_000_000) for part in BUDGETS])
    right = [float((point.label == record.truth)[known < 0].mean()) for point in points]
    change = right[-1] - right[0]
    return [float(np.mean(right)), change, change, points[-1].calls / n, float(bool(points[-1].stopped))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crowds", type=int, default=4, help="crowds of each set and sort")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    began, found = time.process_time(), dict[tuple[str, bool], list[list[float]]]()
    for place, name in enumerate(json.loads((DATA / "simulate_sets.json").read_text(encoding="utf-8"))):
        record, names = whole(name)
        little, rng = small(name, names), np.random.default_rng([options.seed, place])
        for sort in ("weak", "large"):
            for nth in range(options.crowds):
                one = drawn(record, names, little, sort == "weak", rng)
                for watched in (False, True):
                    found.setdefault((sort, watched), []).append(played(one, nth, watched))
    print(f"{'':<26}" + "".join(f"{head:>10}" for head in HEADS))
    for (sort, watched), rows in sorted(found.items(), reverse=True):
        mean, worst = np.mean(rows, axis=0), np.min(rows, axis=0)
        mean[2] = worst[2]
        title = f"{sort}, {'watched' if watched else 'not watched'}"
        print(f"{title:<26}" + "".join(f"{figure:>10.4f}" for figure in mean))
    print(f"{time.process_time() - began:.1f} processor seconds")


if __name__ == "__main__":
    main()
