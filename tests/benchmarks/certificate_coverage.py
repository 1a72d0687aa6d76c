"""How often is a certificate true, and how often does a share lie in its interval, on real votes?

Run by `python -m tests.benchmarks.certificate_coverage [--runs 500] [--json]`. The smoothed majority of the BABE
votes (shares of votes as beliefs) is audited again and again, each time with other random checks; the published labels
are the expert. A run counts as covered where the true error at the threshold is within the target, or where nothing was
certified. The rule for every look is looked at after each 50 checks, and one false certificate at any look counts. Must
hold: coverage of certificates at least 1 - delta - 2 SE, coverage of 95% intervals within .93 and .97. Exits with 1
otherwise.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labeling.routing.certificate import UNASKED, Audit, Finding, anytime, as_it_stands, once
from labeling.routing.prediction_powered import Powered, Sample, share

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
DELTA, CHECKS, LOOK = 0.05, 500, 50
SETS = ("babe_4_shot", "babe_zero_shot")
TARGETS = (0.10, 0.05)
LOW, HIGH = 0.93, 0.97


@dataclass(frozen=True)
class Votes:
    """Uncertainty, cheap label, truth of each task, (N,)."""

    uncertainty: np.ndarray
    label: np.ndarray
    truth: np.ndarray

    @property
    def wrong(self) -> np.ndarray:
        return (self.label != self.truth).astype(int)


def load(name: str) -> Votes:
    """The crowd's shares of votes, half a vote added to each label."""
    crowd = set(json.loads((DATA / "simulate_sets.json").read_text())[name]["crowd"])
    with (DATA / "llm_votes" / name / "gold.csv").open() as file:
        truth = {row["task"]: int(row["label"]) for row in csv.DictReader(file)}
    place = {task: n for n, task in enumerate(truth)}
    counts = np.full((len(truth), 2), 0.5)
    with (DATA / "llm_votes" / name / "votes.csv").open() as file:
        for row in csv.DictReader(file):
            if row["worker"] in crowd and row["task"] in place and row["label"] in "01":
                counts[place[row["task"]], int(row["label"])] += 1
    belief = counts / counts.sum(axis=1, keepdims=True)
    return Votes(np.round(1 - belief.max(axis=1), 9), belief.argmax(axis=1), np.array(list(truth.values())))


def even(votes: Votes, rng: np.random.Generator, checks: int = CHECKS) -> Audit:
    turn = rng.random(len(votes.truth))
    answer = np.full(len(turn), UNASKED)
    drawn = np.argsort(turn)[:checks]
    answer[drawn] = votes.wrong[drawn]
    return Audit(votes.uncertainty, answer, np.full(len(turn), checks / len(turn)), turn)


def uneven(votes: Votes, rng: np.random.Generator) -> Audit:
    """The doubtful half is drawn three times as often as the sure half, 500 tasks on the mean."""
    chance = np.where(votes.uncertainty > np.median(votes.uncertainty), 3.0, 1.0)
    chance *= CHECKS / chance.sum()
    answer = np.where(rng.random(len(chance)) < chance, votes.wrong, UNASKED)
    return Audit(votes.uncertainty, answer, chance, rng.random(len(chance)))


def broken(found: Finding, votes: Votes, alpha: float, released: bool) -> bool:
    accepted = votes.uncertainty <= (-1 if found.threshold is None else found.threshold)
    wrong = int((accepted & (votes.wrong == 1)).sum())
    return wrong > alpha * (accepted.sum() if released else len(accepted)) + 1e-9


def one_look(votes: Votes, alpha: float, rng: np.random.Generator, released: bool) -> tuple[bool, Finding]:
    found = once(even(votes, rng), alpha, DELTA, released=released)
    return broken(found, votes, alpha, released), found


def weighted(votes: Votes, alpha: float, rng: np.random.Generator, released: bool) -> tuple[bool, Finding]:
    found = once(uneven(votes, rng), alpha, DELTA, released=released)
    return broken(found, votes, alpha, released), found


def every_look(votes: Votes, alpha: float, rng: np.random.Generator, released: bool) -> tuple[bool, Finding]:
    """False where a certificate was wrong at any of ten looks."""
    full = even(votes, rng)
    order, failed = np.argsort(full.turn), False
    for checks in range(LOOK, CHECKS + 1, LOOK):
        answer = np.full(len(order), UNASKED)
        answer[order[:checks]] = full.answer[order[:checks]]
        found = anytime(Audit(full.uncertainty, answer, full.probability, full.turn), alpha, DELTA, released=released)
        failed |= broken(found, votes, alpha, released)
    return failed, found


RULES: dict[str, Callable[[Votes, float, np.random.Generator, bool], tuple[bool, Finding]]] = {
    "one look": one_look,
    "ten looks": every_look,
    "weighted": weighted,
}


def certificates(name: str, runs: int) -> list[dict[str, object]]:
    """Coverage and the mean share of labels released, by rule, target, and what the target is about."""
    votes, rows = load(name), []
    cases = [(rule, alpha, released) for rule in RULES for alpha in TARGETS for released in (False, True)]
    for rule, alpha, released in cases:
        rng, began = np.random.default_rng(7), time.process_time()
        found = [RULES[rule](votes, alpha, rng, released) for _ in range(runs)]
        covered = 1 - float(np.mean([failed for failed, _ in found]))
        rows.append({
            "set": name, "rule": rule, "target": alpha, "about": "released" if released else "all",
            "crowd_error": float(votes.wrong.mean()), "coverage": covered,
            "least": 1 - DELTA - 2 * float(np.sqrt(DELTA * (1 - DELTA) / runs)),
            "released": float(np.mean([each.accepted / each.total for _, each in found])),
            "refused": float(np.mean([each.threshold is None for _, each in found])),
            "cpu_s": time.process_time() - began,
        })  # fmt: skip
    return rows


def statements(name: str, runs: int) -> list[dict[str, object]]:
    """Coverage of "at most so many labels are wrong as they stand" with 500 checks."""
    votes, rows = load(name), []
    for rule in ("once", "anytime"):
        rng, began = np.random.default_rng(8), time.process_time()
        bounds = [as_it_stands(even(votes, rng), DELTA, rule).bound or 0.0 for _ in range(runs)]
        rows.append({
            "set": name, "rule": f"as it stands, {rule}", "crowd_error": float(votes.wrong.mean()),
            "coverage": float(np.mean(np.array(bounds) >= votes.wrong.mean() - 1e-9)),
            "least": 1 - DELTA - 2 * float(np.sqrt(DELTA * (1 - DELTA) / runs)),
            "bound": float(np.mean(bounds)), "cpu_s": time.process_time() - began,
        })  # fmt: skip
    return rows


def of_these_tasks(votes: Votes, rng: np.random.Generator) -> tuple[Powered, float]:
    drawn = rng.permutation(len(votes.truth))[:CHECKS]
    cheap, truth = votes.label.astype(float), votes.truth.astype(float)
    return share(Sample(cheap, cheap[drawn], truth[drawn], finite=True)), float(truth.mean())


def of_their_source(votes: Votes, rng: np.random.Generator) -> tuple[Powered, float]:
    n = len(votes.truth)
    cheap, truth = votes.label.astype(float), votes.truth.astype(float)
    drawn = rng.integers(0, n, CHECKS)
    return share(Sample(cheap[rng.integers(0, n, n)], cheap[drawn], truth[drawn])), float(truth.mean())


def of_uneven_checks(votes: Votes, rng: np.random.Generator) -> tuple[Powered, float]:
    audit = uneven(votes, rng)
    drawn = np.flatnonzero(audit.asked)
    cheap, truth = votes.label.astype(float), votes.truth.astype(float)
    return share(Sample(cheap, cheap[drawn], truth[drawn], 1 / audit.probability[drawn], finite=True)), float(
        truth.mean()
    )


SHARES = {"of these tasks": of_these_tasks, "of their source": of_their_source, "weighted": of_uneven_checks}


def shares(name: str, runs: int) -> list[dict[str, object]]:
    """Coverage and width of the interval for the prevalence of label 1, with 500 checks."""
    votes, rows = load(name), []
    for kind, estimate in SHARES.items():
        rng, began = np.random.default_rng(9), time.process_time()
        found = [estimate(votes, rng) for _ in range(runs)]
        rows.append({
            "set": name, "share": kind,
            "coverage": float(np.mean([each.low <= true <= each.high for each, true in found])),
            "bias": float(np.mean([each.value - true for each, true in found])),
            "crowd_alone": float(votes.label.mean() - votes.truth.mean()),
            "width": float(np.mean([each.high - each.low for each, _ in found])),
            "width_checks_alone": float(np.mean([each.plain_high - each.plain_low for each, _ in found])),
            "cpu_s": time.process_time() - began,
        })  # fmt: skip
    return rows


def table(rows: list[dict[str, object]]) -> None:
    """Print one kind of rows in columns."""
    print("\n" + "".join(f"{name:>23}" for name in rows[0]))
    for row in rows:
        print("".join(f"{f'{value:.3f}' if isinstance(value, float) else value:>23}" for value in row.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = {
        part.__name__: [row for name in SETS for row in part(name, options.runs)]
        for part in (certificates, statements, shares)
    }
    sound = all(row["coverage"] >= row["least"] for row in found["certificates"] + found["statements"])  # type: ignore[operator]
    close = all(LOW <= row["coverage"] <= HIGH for row in found["shares"])  # type: ignore[operator]
    if options.json:
        print(json.dumps({**found, "holds": sound and close}))
    else:
        for rows in found.values():
            table(rows)
        print(f"\ncertificates hold: {sound}; shares cover {LOW} to {HIGH}: {close}")
    sys.exit(0 if sound and close else 1)


if __name__ == "__main__":
    main()
