"""Are people weighed by what they show, and does that save experts?

Run by `python -m tests.benchmarks.closed_loop [--runs 50] [--tasks 2000] [--labels 2]`. Ten models, .55 to .78 right
and led astray together on every seventh task, vote on all tasks; `auto` weighs them without a known label. Two of four
people, right with a chance of .95, .8, .6 and .2, answer each task; experts, who are right with the chance of
`--expert`, answer what stays open. Everything is weighed anew after each hundred tasks. Two ways to take the same
answers in, by the rule of the product (`labeling.truth.skills.verdict`):

constant   everybody's matrix is [[.9, .1], [.1, .9]], as nobody's skill were known: who differ go to an expert
own        everybody's matrix is what was learnt so far; who differ are settled where that makes a label sure enough

Printed: how often the 95% interval of a skill holds the true one; share of right labels and number of expert answers
of both; the same at equal expert answers (what is saved is spent on the least sure labels), and at equal labels; and
what the answers of the worst one add, and are worth beforehand.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from labeling.truth import methods
from labeling.truth.bayes import combine
from labeling.truth.skills.dependence import IN_DISPUTE
from labeling.truth.skills.hierarchy import Group
from labeling.truth.skills.learning import Skills, learn
from labeling.truth.skills.verdict import LEAST_EVIDENCE, Opinion, Outcome, verdict
from labeling.truth.votes import Bools, Floats, Ints, Votes

PEOPLE = np.array([0.95, 0.8, 0.6, 0.2])
GROUPS = [Group(0.9, 10.0)]
MODELS = np.linspace(0.55, 0.78, 10)
TRAPS, FOLLOW = 1 / 7, 0.7
STEP = 100
ACCEPT = 0.8


@dataclass(frozen=True)
class Scene:
    """One batch: `crowd` (n, K) its belief, `pair`, `said` (n, 2) who answers and what, `expert` (n,) their label."""

    truth: Ints
    crowd: Floats
    pair: Ints
    said: Ints
    expert: Ints

    def answers(self, tasks: Ints) -> Votes:
        """The two answers to each of these tasks, in the order of the tasks."""
        flat = [np.repeat(tasks, 2), self.pair[tasks].ravel(), self.said[tasks].ravel()]
        task, annotator, label = (part.astype(np.int32) for part in flat)
        return Votes(task, annotator, label, len(self.truth), len(PEOPLE), self.crowd.shape[1])


@dataclass
class Run:
    """`label`, `sure`: (n,) as settled. `asked`: (n,) True where an expert answered."""

    label: Ints
    sure: Floats
    asked: Bools
    skills: Skills | None = None

    def right(self, scene: Scene) -> float:
        return float((self.label == scene.truth).mean())


def noisy(truth: Ints, accuracy: Floats | float, n_labels: int, rng: np.random.Generator) -> Ints:
    wrong = (truth + rng.integers(1, n_labels, truth.shape)) % n_labels
    return np.where(rng.random(truth.shape) < accuracy, truth, wrong).astype(np.int32)


def scene(n: int, n_labels: int, expert: float, seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_labels, n).astype(np.int32)
    lure = noisy(truth, 0.0, n_labels, rng)
    trapped = (rng.random(n) < TRAPS)[:, None] & (rng.random((n, len(MODELS))) < FOLLOW)
    voted = np.where(trapped, lure[:, None], noisy(np.tile(truth[:, None], len(MODELS)), MODELS, n_labels, rng))
    task, model = (part.ravel().astype(np.int32) for part in np.indices(voted.shape))
    votes = Votes(task, model, voted.ravel().astype(np.int32), n, len(MODELS), n_labels)
    crowd = methods.method("auto")(votes, seed=seed).belief
    pair = rng.permuted(np.tile(np.arange(len(PEOPLE)), (n, 1)), axis=1)[:, :2].astype(np.int32)
    said = noisy(np.tile(truth[:, None], 2), PEOPLE[pair], n_labels, rng)
    return Scene(truth, crowd, pair, said, noisy(truth, expert, n_labels, rng))


def replay(scene: Scene, own: bool, accept: float = ACCEPT) -> Run:
    """All tasks in turn; with `own`, what is known of everybody's skill is brought up to date after each hundred."""
    n, n_labels = scene.crowd.shape
    run = Run(np.zeros(n, np.int32), np.ones(n), np.zeros(n, np.bool_))
    constant = np.full((len(PEOPLE), n_labels, n_labels), 0.1 / (n_labels - 1))
    constant[:, np.arange(n_labels), np.arange(n_labels)] = 0.9
    matrices, proven, crowd = constant, np.zeros(len(PEOPLE), np.bool_), scene.crowd
    for first in range(0, n, STEP):
        for task in range(first, min(first + STEP, n)):
            settle(scene, run, task, matrices, proven, crowd[task], accept)
        if own:
            done = np.arange(min(first + STEP, n))
            known = np.full(n, -1, np.int32)
            known[done] = np.where(run.asked[done], scene.expert[done], -1)
            start = run.skills.start() if run.skills else None
            run.skills = learn(scene.crowd, scene.answers(done), np.zeros(len(PEOPLE), np.int32), GROUPS,
                               known=known, certainty=np.full(n, 0.99), start=start)  # fmt: skip
            matrices, proven = run.skills.confusion, run.skills.evidence >= LEAST_EVIDENCE
            crowd = run.skills.crowd_belief(scene.crowd)
    return run


def settle(scene: Scene, run: Run, task: int, matrices: Floats, proven: Bools, crowd: Floats, accept: float) -> None:
    """What becomes of one task after its two answers, by the product's own rule."""
    who, said = scene.pair[task], scene.said[task]
    belief = combine(crowd, list(said), [matrices[j] for j in who])
    opinions = [Opinion(int(label), bool(proven[j])) for j, label in zip(who, said, strict=True)]
    found = verdict(crowd, belief, opinions, accept, run.skills.dependence.in_dispute if run.skills else IN_DISPUTE)
    run.asked[task] = found.outcome is Outcome.EXPERT
    run.label[task] = scene.expert[task] if run.asked[task] else found.label
    run.sure[task] = 1.0 if run.asked[task] else belief[found.label]


def with_as_many(run: Run, scene: Scene, answers: int) -> tuple[float, int]:
    """Share of right labels with so many expert answers in all: the least sure labels are checked, too."""
    more = max(answers - int(run.asked.sum()), 0)
    belief = run.skills.belief if run.skills else None
    sure = np.where(run.asked, 2.0, run.sure if belief is None else belief[np.arange(len(run.label)), run.label])
    checked = np.argsort(sure, kind="stable")[:more]
    label = run.label.copy()
    label[checked] = scene.expert[checked]
    return float((label == scene.truth).mean()), int(run.asked.sum()) + more


def worth_of_worst(run: Run, scene: Scene) -> tuple[float, float, float]:
    """Of the worst one alone beside the crowd: share right without and with the answers, and the gain foreseen."""
    assert run.skills is not None
    crowd = run.skills.crowd_belief(scene.crowd)
    worst = int(PEOPLE.argmin())
    matrix = run.skills.confusion[worst]
    tasks, place = np.nonzero(scene.pair == worst)
    after = combine(crowd[tasks], [scene.said[tasks, place]], [matrix])
    chance = crowd[tasks] @ matrix
    reached = (crowd[tasks][:, :, None] * matrix[None]).max(axis=1).sum(axis=1)
    gain = reached - crowd[tasks].max(axis=1)
    assert chance.shape[1] == matrix.shape[1]
    hits = [float((rows.argmax(axis=1) == scene.truth[tasks]).mean()) for rows in (crowd[tasks], after)]
    return hits[0], hits[1], float(gain.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--labels", type=int, default=2)
    parser.add_argument("--expert", type=float, default=0.98)
    parser.add_argument("--accept", type=float, default=ACCEPT)
    options = parser.parse_args()
    rows, covered, skill = [], [], []
    for seed in range(options.runs):
        there = scene(options.tasks, options.labels, options.expert, seed)
        constant, own = (replay(there, each, options.accept) for each in (False, True))
        assert own.skills is not None
        covered.append((own.skills.low <= PEOPLE) & (own.skills.high >= PEOPLE))
        skill.append(own.skills.accuracy)
        equal, spent = with_as_many(own, there, int(constant.asked.sum()))
        rows.append([
            float((there.crowd.argmax(axis=1) == there.truth).mean()),
            constant.right(there), int(constant.asked.sum()), own.right(there), int(own.asked.sum()), equal, spent,
            fewest(own, there, constant.right(there)), *worth_of_worst(own, there),
        ])  # fmt: skip
    report(np.array(rows), np.array(covered), np.array(skill), options.tasks)


def fewest(run: Run, scene: Scene, wanted: float) -> int:
    """The fewest expert answers, beyond those its rule asked for, at which the run's labels are as right as wanted."""
    asked = int(run.asked.sum())
    for answers in range(asked, len(run.label) + 1, 10):
        if with_as_many(run, scene, answers)[0] >= wanted:
            return answers
    return len(run.label)


def report(rows: Floats, covered: Bools, skill: Floats, tasks: int) -> None:
    mean = rows.mean(axis=0)
    print(f"{len(rows)} runs of {tasks} tasks; the crowd alone is right on {mean[0]:.4f}")
    print(f"{'':10}{'right':>10}{'experts':>10}")
    print(f"{'constant':10}{mean[1]:>10.4f}{mean[2]:>10.1f}")
    print(f"{'own':10}{mean[3]:>10.4f}{mean[4]:>10.1f}")
    gain = rows[:, 5] - rows[:, 1]
    print(
        f"own with as many expert answers ({mean[6]:.1f}): {mean[5]:.4f}, {gain.mean():+.4f} (least {gain.min():+.4f})"
    )
    saved = 1 - rows[:, 7] / rows[:, 2]
    print(f"own with labels as right: {mean[7]:.1f} expert answers, {saved.mean():.1%} fewer (least {saved.min():.1%})")
    print(f"interval of skill holds the true one in {covered.mean():.4f} of {covered.size}")
    for j, accuracy in enumerate(PEOPLE):
        print(f"  {accuracy:.2f}: estimated {skill[:, j].mean():.4f}, held in {covered[:, j].mean():.3f}")
    print(f"the {PEOPLE.min()} one on its tasks: crowd {mean[8]:.4f}, with its answers {mean[9]:.4f}; "
          f"an answer is worth {mean[10]:.4f} beforehand, at least {rows[:, 10].min():.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
