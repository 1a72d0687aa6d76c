"""Are people and models together at least as good as either alone?

Run by `python -m tests.benchmarks.people_and_models [--votes 1 2 3 5] [--slices 5] [--validation 200]`. Tasks: the 800
sentence pairs of shared/data/human_votes/snow2008_rte. People: their recorded votes, so many a task, drawn at random.
Models: the specialists for pairs of texts, taught by the validation slice. One inference by `auto` over the people,
the models, and both; accuracy outside the slice, and how much the hybrid gains over the better part, with the standard
error of that gain over the tasks. Needs the folder shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from labeling.crowd.base import Brief, Example, LabelSet, Question
from labeling.crowd.registry import build, embedded_crowd
from labeling.files.votes import index_gold, read_gold, read_votes
from labeling.truth import auto
from labeling.truth.votes import Floats, Ints, Votes
from tests.benchmarks.specialists import probabilities

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "human_votes" / "snow2008_rte"
FIELDS = ("premise", "hypothesis")
LEAST_SHARE = 0.01


def some_votes(votes: Votes, per_task: int, seed: int) -> Votes:
    """At most `per_task` votes of each task, at random."""
    order = np.lexsort((np.random.default_rng(seed).random(len(votes.task)), votes.task))
    first = np.searchsorted(votes.task[order], votes.task[order])
    kept = order[np.arange(len(order)) - first < per_task]
    arrays = votes.task[kept], votes.annotator[kept], votes.label[kept]
    return Votes(*arrays, votes.n_tasks, votes.n_annotators, votes.n_labels)


def fractional(chances: Floats) -> Votes:
    """Votes of models that gave `chances`, (n_models, n_tasks, n_labels)."""
    annotator, task, label = (part.astype(np.int32) for part in np.nonzero(chances >= LEAST_SHARE))
    weight = chances[annotator, task, label].astype(np.float32)
    return Votes(task, annotator, label, chances.shape[1], chances.shape[0], chances.shape[2], weight)


def together(people: Votes, models: Votes) -> Votes:
    """One set of votes; the models are numbered after the people."""
    assert models.weight is not None
    return Votes(
        np.concatenate([people.task, models.task]),
        np.concatenate([people.annotator, models.annotator + np.int32(people.n_annotators)]),
        np.concatenate([people.label, models.label]),
        people.n_tasks,
        people.n_annotators + models.n_annotators,
        people.n_labels,
        np.concatenate([np.ones(len(people.task), np.float32), models.weight]),
    )


def taught(tasks: list[str], gold: Ints, labels: list[str], known: Ints, seed: int) -> Votes:
    """The votes of the specialists that learnt from the known labels."""
    rows = {row["task"]: row for row in map(json.loads, (FOLDER / "items.jsonl").open(encoding="utf-8"))}
    questions = [Question(task, tuple((field, rows[task][field]) for field in FIELDS)) for task in tasks]
    examples = tuple(Example(questions[i], int(gold[i])) for i in np.flatnonzero(known >= 0))
    brief = Brief(LabelSet(tuple(labels)), examples=examples, texts=tuple(questions), seed=seed)
    return fractional(np.stack([probabilities(build(name), brief, questions)[0] for name in embedded_crowd(2)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--votes", type=int, nargs="*", default=[1, 2, 3, 5], help="people's votes a task")
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--validation", type=int, default=200)
    options = parser.parse_args()
    if not FOLDER.is_dir():
        sys.exit(f"{FOLDER} is not there; this benchmark needs the recorded votes.")
    truth = read_gold(str(FOLDER / "gold.csv"))
    table = read_votes(str(FOLDER / "votes.csv"), labels=sorted(set(truth.values())))
    gold = index_gold(truth, table.tasks, table.labels)
    right: dict[tuple[int, str], list[np.ndarray]] = {}
    for seed in range(options.slices):
        drawn = np.random.default_rng(seed).choice(len(gold), min(options.validation, len(gold) // 4), replace=False)
        known = np.full(len(gold), -1, dtype=np.int32)
        known[drawn] = gold[drawn]
        models = taught(table.tasks, gold, table.labels, known, seed)
        for size in options.votes:
            people = some_votes(table.votes, size, seed)
            parts = {"people": people, "models": models, "both": together(people, models)}
            for name, votes in parts.items():
                hit = auto.infer(votes, known=known).labels() == gold
                right.setdefault((size, name), []).append(np.where(known < 0, hit, np.nan))
    print(f"{'votes a task':>12}{'people':>10}{'models':>10}{'both':>10}{'gain':>10}{'error':>10}")
    for size in options.votes:
        shares = {name: float(np.nanmean(right[size, name])) for name in ("people", "models", "both")}
        better = max(("people", "models"), key=lambda name: shares[name])
        difference = np.array(right[size, "both"]) - np.array(right[size, better])
        difference = np.nanmean(difference[:, np.isfinite(difference).any(axis=0)], axis=0)
        error = difference.std() / np.sqrt(len(difference))
        row = *shares.values(), shares["both"] - shares[better], error
        print(f"{size:>12}" + "".join(f"{value:>10.4f}" for value in row))


if __name__ == "__main__":
    main()
