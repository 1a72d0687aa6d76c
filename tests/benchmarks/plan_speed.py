"""How long does a plan take for a million tasks and three relabelers, and how much memory?

Run by `python -m tests.benchmarks.plan_speed [--tasks 1000000] [--json]`. Two kinds of beliefs over two labels:
`continuous`, as calibrated posteriors are, and `discrete`, as vote shares are (many tasks tie at the multiplier).
Gains are the 0-1 value of information of a cheap model, a paid model and a person. Prints CPU seconds of ranking
all offers, of plans for four budgets, of a curve of twenty, and of ranking and planning again after a round of 256 and
of 50,000 answers; the largest gap, and the peak memory of a process that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time

import numpy as np

from labeling.routing.plan import Curve, Offers, Plan

ACCURACY = np.array([0.75, 0.9, 0.97])
PRICES = np.array([150, 3_000, 45_000], dtype=np.int64)
BUDGETS = [20_000_000, 200_000_000, 1_000_000_000, 5_000_000_000]
Found = dict[str, float | int | str]


def beliefs(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """P(first label) of each task, (n,)."""
    truth, easiness = rng.random(n) < 0.5, rng.beta(4, 2, n)
    if kind == "continuous":
        return np.where(truth, easiness, 1 - easiness)
    votes = rng.binomial(8, np.where(truth, easiness, 1 - easiness))
    return (votes + 0.5) / 9


def gains(belief: np.ndarray) -> np.ndarray:
    """sum_a max_k P(k) C[k, a] - max_k P(k) for each relabeler, (n, 3), in float32 as a large batch keeps them."""
    sure = np.maximum(belief, 1 - belief)[:, None]
    return np.maximum(ACCURACY - sure, 0).astype(np.float32)


def timed(work) -> tuple[object, float]:
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def measure(kind: str, n: int, out: multiprocessing.Queue) -> None:
    """All figures of one kind of beliefs."""
    rng = np.random.default_rng(0)
    gain = gains(beliefs(kind, n, rng))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    offers, ranking = timed(lambda: Offers.of(gain, PRICES))
    assert isinstance(offers, Offers)
    plans, planning = timed(lambda: [offers.plan(budget) for budget in BUDGETS])
    assert isinstance(plans, list) and all(isinstance(plan, Plan) for plan in plans)
    assert all(plan.spend <= budget for plan, budget in zip(plans, BUDGETS, strict=True))
    curve, sweeping = timed(lambda: offers.curve(np.geomspace(10**6, 10**10, 20).astype(int).tolist()))
    assert isinstance(curve, Curve) and (curve.spend <= curve.budget).all()
    found: Found = {"beliefs": kind, "tasks": n, "rank_s": ranking, "plan_s": planning / len(BUDGETS)}
    found |= {"rank_and_plan_s": ranking + planning / len(BUDGETS), "curve_of_20_s": sweeping}
    for answers in (256, 50_000):
        found[f"replan_after_{answers}_s"] = replan(offers, gain, rng, min(answers, n))
    found["largest_gap"] = max(plan.gap for plan in plans)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found |= {"peak_memory_mb": peak / 1024, "memory_before_mb": before / 1024}
    found["extra_correct"] = " / ".join(f"{plan.gain:,.0f}" for plan in plans)
    found["dollars_per_label"] = " / ".join(f"{plan.marginal_dollars or 0:.4f}" for plan in plans)
    out.put(found)


def replan(offers: Offers, gain: np.ndarray, rng: np.random.Generator, answers: int) -> float:
    """CPU seconds to close the answered tasks, rank and plan again."""
    asked = rng.choice(len(gain), answers, replace=False).astype(np.int32)
    closed = np.full((answers, gain.shape[1]), -np.inf, dtype=gain.dtype)
    return timed(lambda: offers.revised(asked, closed).plan(BUDGETS[2]))[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    results: list[Found] = []
    for kind in ("continuous", "discrete"):
        queue = context.Queue()
        process = context.Process(target=measure, args=(kind, arguments.tasks, queue))
        process.start()
        results.append(queue.get())
        process.join()
    if arguments.json:
        print(json.dumps({"results": results}))
        return
    for found in results:
        print(
            "\n".join(
                f"{name:>24}  {value if isinstance(value, str) else f'{value:.6g}'}" for name, value in found.items()
            )
        )


if __name__ == "__main__":
    main()
