"""`python -m tests.benchmarks.forecast_quality`: what was promised before money was spent, against what happened.

The seven sets of `simulate_sets.json`, five validation slices of 100 each. The forecast is made when nothing but the
slice is known; then the router `value` is replayed with budgets of 0, 5, 10, 20, 30, 50 and 100% of the price of
asking the paid model about everything. Printed for each set, over slices and budgets: mean absolute error of the level
(accuracy at a budget) and of the gain (accuracy over that at no budget), what was promised too much of each on average,
and the share of points inside the 90% band. The last lines give the errors that nine in ten points stay under, and
processor seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from labeling.files import recordings
from labeling.files.recordings import Source
from labeling.routing import value
from labeling.routing.forecast import forecast
from labeling.routing.recording import Replay
from labeling.routing.replay import replay
from labeling.routing.simulation import Setting, known_labels
from labeling.routing.value import Relabeler

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BUDGETS = (0, 0.05, 0.1, 0.2, 0.3, 0.5, 1)
NAMES = ("level", "gain", "level too high", "gain too high", "in the band")


def setting_of(name: str, crowd: list[str], paid: str, items: bool) -> Setting:
    folder = DATA / "llm_votes" / name
    votes, gold, texts = (str(folder / file) for file in ("votes.csv", "gold.csv", "items.jsonl"))
    recorded = recordings.read(Source(votes, gold, paid, ",".join(crowd), items=texts if items else None))
    tasks = len(recorded.recording.truth)
    everything = int(recorded.recording.prices.max()) * tasks
    return Setting(recorded.recording, list(BUDGETS), everything, recorded.unit, min(100, tasks // 4))


def points(setting: Setting, seed: int) -> np.ndarray:
    """One row a budget: forecast level, low, high, and gain; then the level and the gain that came true, (B, 6)."""
    record, known = setting.recording, known_labels(setting, seed)
    run = Replay(record, known, "auto", seed)
    budgets = [int(fraction * setting.everything) for fraction in setting.budgets]
    relabelers = [Relabeler("paid", int(record.prices[0]))]
    router = value.fit(run.crowd(), relabelers, run.heard(run.nothing_asked()), seed=seed)
    said = forecast(router, budgets)
    reached = replay(run, "value", budgets)
    level = np.array([(point.label == record.truth)[known < 0].mean() for point in reached])
    return np.column_stack([said.accuracy, said.low, said.high, said.gain, level, level - level[0]])


def errors(rows: np.ndarray) -> np.ndarray:
    """The five figures of NAMES over rows of `points`; the gain at no budget is no forecast and left out."""
    accuracy, low, high, gain, level, gained = rows.T
    bought = gain + np.abs(gained) > 0
    return np.array(
        [
            np.abs(accuracy - level).mean(),
            np.abs(gain - gained)[bought].mean(),
            (accuracy - level).mean(),
            (gain - gained)[bought].mean(),
            ((low <= level) & (level <= high)).mean(),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--items", action="store_true", help="read the texts, too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    sets: dict[str, Any] = json.loads((DATA / "simulate_sets.json").read_text(encoding="utf-8"))
    began, found = time.process_time(), {}
    for name, who in sets.items():
        setting = setting_of(name, who["crowd"], who["paid"], options.items)
        found[name] = np.concatenate([points(setting, seed) for seed in range(options.slices)])
    everything = np.concatenate(list(found.values()))
    seconds = time.process_time() - began
    rows = {name: errors(rows) for name, rows in found.items()} | {"all": errors(everything)}
    if options.json:
        table = {name: dict(zip(NAMES, row.round(6).tolist(), strict=True)) for name, row in rows.items()}
        print(json.dumps({"cpu_seconds": seconds, "errors": table}))
        return
    print(f"{'':<26}" + "".join(f"{name:>16}" for name in NAMES))
    for name, row in rows.items():
        print(f"{name:<26}" + "".join(f"{figure:>16.4f}" for figure in row))
    level, gain = np.abs(everything[:, 0] - everything[:, 4]), np.abs(everything[:, 3] - everything[:, 5])
    print(f"nine in ten stay under {np.quantile(level, 0.9):.4f} (level) and {np.quantile(gain, 0.9):.4f} (gain)")
    print(f"{seconds:.1f} processor seconds")


if __name__ == "__main__":
    main()
