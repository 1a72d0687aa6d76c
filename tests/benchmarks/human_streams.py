"""Do people's votes, taken in as they come, end where the best method ends that sees all of them at once?

Run by `python -m tests.benchmarks.human_streams [--draws 10] [--steps 20] [--share .05]`. The six sets of
shared/data/human_votes, votes in the file's order, no models. An expert answers `--share` of the tasks, drawn at
random, when the first vote on them comes. Everything is weighed anew `--steps` times, each time from where the last
weighing ended. Accuracy on the tasks the expert did not answer, mean over the draws, ties shared; beside it IBCC on all
votes at once, on the same tasks. Then the tasks whose first two votes differ: how many their skills at that time would
settle at 95%, and which share of those rightly; how many labels are at least 95% sure in the end, and which share of
those is right. Needs the folder shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from labeling.files.votes import index_gold, read_gold, read_votes
from labeling.truth import ibcc
from labeling.truth.bayes import combine
from labeling.truth.skills.dependence import share
from labeling.truth.skills.hierarchy import Group
from labeling.truth.skills.learning import Skills, learn
from labeling.truth.skills.verdict import LEAST_EVIDENCE
from labeling.truth.votes import Bools, Floats, Ints, Votes

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "human_votes"
NAMES = ("bluebird", "snow2008_rte", "dog", "D_PosSent", "D_Product", "web")
GROUPS = [Group(0.75, 2.0)]
SETTLED = 0.95


def first(votes: Votes, n: int) -> Votes:
    """The first `n` votes."""
    return Votes(
        votes.task[:n], votes.annotator[:n], votes.label[:n], votes.n_tasks, votes.n_annotators, votes.n_labels
    )


def stream(votes: Votes, known: Ints, steps: int) -> list[tuple[int, Skills]]:
    """The weighings, each with the number of votes it saw."""
    nobody = np.full((votes.n_tasks, votes.n_labels), 1 / votes.n_labels)
    group_of = np.zeros(votes.n_annotators, np.int32)
    found: list[tuple[int, Skills]] = []
    for step in range(1, steps + 1):
        seen = first(votes, len(votes.task) * step // steps)
        met = np.where(np.isin(np.arange(votes.n_tasks), seen.task), known, -1).astype(np.int32)
        start = found[-1][1].start() if found else None
        found.append((len(seen.task), learn(nobody, seen, group_of, GROUPS, known=met, start=start)))
    return found


def disputes(votes: Votes, weighings: list[tuple[int, Skills]], gold: Ints, unknown: Bools) -> tuple[int, int, int]:
    """Tasks whose first two votes differ; how many of them skills settle; how many of those rightly."""
    order = np.argsort(votes.task, kind="stable")
    place = np.flatnonzero(np.diff(votes.task[order], prepend=-1))
    pairs = [(order[at], order[at + 1]) for at in place if at + 1 < len(order)
             and votes.task[order[at]] == votes.task[order[at + 1]]]  # fmt: skip
    count = settled = right = 0
    for one, two in pairs:
        task = votes.task[one]
        before = [skills for seen, skills in weighings if seen <= two]
        if votes.label[one] == votes.label[two] or not unknown[task] or not before:
            continue
        count += 1
        both = votes.annotator[[one, two]]
        if (before[-1].evidence[both] < LEAST_EVIDENCE).any():
            continue
        prior = before[-1].crowd_belief(np.full((1, votes.n_labels), 1 / votes.n_labels))[0]
        temper = float(share(2, before[-1].dependence.in_dispute))
        belief = combine(prior**temper, list(votes.label[[one, two]]), [before[-1].confusion[j] for j in both], temper)
        if belief.max() >= SETTLED:
            settled += 1
            right += int(belief.argmax() == gold[task])
    return count, settled, right


def accuracy(belief: Floats, gold: Ints, scored: Bools) -> float:
    rows = belief[scored]
    best = rows >= rows.max(axis=1, keepdims=True) - 1e-9
    return float((best[np.arange(len(rows)), gold[scored]] / best.sum(axis=1)).mean())


def surest(belief: Floats, gold: Ints, scored: Bools) -> tuple[float, float]:
    """Shares of the scored labels: at least 95% sure; that, and right."""
    sure = scored & (belief.max(axis=1) >= SETTLED)
    right = sure & (belief.argmax(axis=1) == gold)
    return float(sure.sum() / scored.sum()), float(right.sum() / scored.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.05)
    options = parser.parse_args()
    if not FOLDER.is_dir():
        sys.exit(f"{FOLDER} is not there; this benchmark needs the recorded votes.")
    print(f"{'set':14}{'stream':>9}{'ibcc':>9}{'gain':>9}{'differ':>9}{'settled':>9}{'right':>9}"
          f"{'sure':>9}{'right':>9}{'seconds':>9}")  # fmt: skip
    means = []
    for name in NAMES:
        truth = read_gold(str(FOLDER / name / "gold.csv"))
        table = read_votes(str(FOLDER / name / "votes.csv"), labels=sorted(set(truth.values())))
        gold, votes = index_gold(truth, table.tasks, table.labels), table.votes
        at_once, began, rows = ibcc.infer(votes).belief, time.process_time(), []
        for draw in range(options.draws):
            drawn = np.random.default_rng(draw).choice(len(gold), round(options.share * len(gold)), replace=False)
            known = np.full(len(gold), -1, dtype=np.int32)
            known[drawn] = gold[drawn]
            scored = (known < 0) & (gold >= 0)
            weighings = stream(votes, known, options.steps)
            pair = [accuracy(belief, gold, scored) for belief in (weighings[-1][1].belief, at_once)]
            last = weighings[-1][1].belief
            rows.append([*pair, *disputes(votes, weighings, gold, scored), *surest(last, gold, scored)])
        mean = np.array(rows).mean(axis=0)
        means.append(mean[:2])
        right = mean[4] / mean[3] if mean[3] else float("nan")
        sure_right = mean[6] / mean[5] if mean[5] else float("nan")
        took = (time.process_time() - began) / options.draws
        print(
            f"{name:14}{mean[0]:>9.4f}{mean[1]:>9.4f}{mean[0] - mean[1]:>+9.4f}{mean[2]:>9.1f}{mean[3]:>9.1f}"
            f"{right:>9.4f}{mean[5]:>9.4f}{sure_right:>9.4f}{took:>9.2f}"
        )
    stream_mean, ibcc_mean = np.array(means).mean(axis=0)
    print(f"{'mean':14}{stream_mean:>9.4f}{ibcc_mean:>9.4f}{stream_mean - ibcc_mean:>+9.4f}")


if __name__ == "__main__":
    main()
