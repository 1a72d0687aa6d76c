"""`python -m tests.benchmarks.aggregators`: inference of truth side by side with crowd-kit, in one run.

Simulated votes: 5 votes a task, 5 labels, 20 annotators right 50 to 90% of the time. Every measurement is a process of
its own with one thread: processor seconds of inference alone, and the largest memory of the whole process. crowd-kit's
GLAD and MACE take minutes on 100,000 tasks; `--small` measures everything on a tenth of the tasks.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

ANNOTATORS, LABELS, VOTES_A_TASK = 20, 5, 5
COMPARED = (
    ("dawid_skene", "DawidSkene", 1_000_000),
    ("majority_vote", "MajorityVote", 1_000_000),
    ("one_coin", "OneCoinDawidSkene", 10_000),
    ("glad", "GLAD", 100_000),
    ("mace", "MACE", 100_000),
    ("mmsr", "MMSR", 10_000),
)
GROWTH = ("majority_vote", "wawa", "one_coin", "dawid_skene", "ibcc", "bwa", "glad", "mace")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def simulate(n_tasks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Task, annotator and label of each vote, in order of tasks, and the truth."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, LABELS, n_tasks)
    task = np.repeat(np.arange(n_tasks), VOTES_A_TASK)
    annotator = generator.random((n_tasks, ANNOTATORS), dtype=np.float32).argpartition(VOTES_A_TASK)[:, :VOTES_A_TASK]
    annotator = annotator.ravel()
    skill = generator.uniform(0.5, 0.9, ANNOTATORS)
    wrong = (truth[task] + generator.integers(1, LABELS, len(task))) % LABELS
    label = np.where(generator.random(len(task)) < skill[annotator], truth[task], wrong)
    return task, annotator, label, truth


def measure(library: str, name: str, n_tasks: int) -> dict[str, float]:
    """Run one method once in this process."""
    task, annotator, label, truth = simulate(n_tasks)
    infer = _ours if library == "ours" else _crowd_kit
    fit = infer(name, task, annotator, label, n_tasks)
    start = time.process_time()
    labels = fit()
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": seconds, "gigabytes": memory, "accuracy": float((labels == truth).mean())}


def _ours(
    name: str, task: np.ndarray, annotator: np.ndarray, label: np.ndarray, n_tasks: int
) -> Callable[[], np.ndarray]:
    from labeling.truth.methods import method
    from labeling.truth.votes import Votes

    arrays = (part.astype(np.int32) for part in (task, annotator, label))
    votes, infer = Votes(*arrays, n_tasks, ANNOTATORS, LABELS), method(name)
    return lambda: infer(votes).labels()


def _crowd_kit(
    name: str, task: np.ndarray, annotator: np.ndarray, label: np.ndarray, n_tasks: int
) -> Callable[[], np.ndarray]:
    import pandas
    from crowdkit import aggregation

    table = pandas.DataFrame({"task": task, "worker": annotator, "label": label})
    aggregator = getattr(aggregation, name)()
    return lambda: aggregator.fit_predict(table).reindex(np.arange(n_tasks)).to_numpy()


def apart(library: str, name: str, n_tasks: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", __spec__.name, "--one", library, name, str(n_tasks)]
    environment = os.environ | dict.fromkeys(THREADS, "1")
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(shrink: int) -> None:
    """Print the table against crowd-kit."""
    print("method              tasks |   ours s    GB    acc |  crowd-kit s    GB    acc | times", flush=True)
    for ours, theirs, n_tasks in COMPARED:
        here, there = apart("ours", ours, n_tasks // shrink), apart("crowd-kit", theirs, n_tasks // shrink)
        times = there["seconds"] / max(here["seconds"], 1e-9)
        left, right = (
            f"{each['seconds']:>{width}.2f}{each['gigabytes']:>6.2f}{each['accuracy']:>7.4f}"
            for each, width in ((here, 8), (there, 12))
        )
        print(f"{ours:<16}{n_tasks // shrink:>9} | {left} | {right} | {times:>5.1f}", flush=True)


def growth(shrink: int) -> None:
    """Print processor seconds by number of tasks; the last column is 10 where cost grows linearly."""
    sizes = [size // shrink for size in (10_000, 100_000, 1_000_000)]
    print("\n" + f"{'method':<16}" + "".join(f"{size:>10}" for size in sizes) + f"{'last step':>11}")
    for name in GROWTH:
        seconds = [apart("ours", name, size)["seconds"] for size in sizes]
        row = "".join(f"{each:>10.3f}" for each in seconds)
        print(f"{name:<16}{row}{seconds[-1] / seconds[-2]:>11.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a tenth of the tasks")
    parser.add_argument("--one", nargs=3, metavar=("LIBRARY", "METHOD", "TASKS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        library, name, tasks = options.one
        print(json.dumps(measure(library, name, int(tasks))))
        return
    compare(10 if options.small else 1)
    growth(10 if options.small else 1)


if __name__ == "__main__":
    main()
