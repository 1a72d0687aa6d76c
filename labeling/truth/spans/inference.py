"""Right stretches by every method: beliefs about candidates, then the best set of them in each text."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labeling.truth import methods
from labeling.truth.spans import agreeing, weights
from labeling.truth.spans.borders import border_share
from labeling.truth.spans.candidates import Candidates, find
from labeling.truth.spans.dependence import MOST, dependence
from labeling.truth.spans.learned import believe, cells_of
from labeling.truth.spans.marks import Answer, Indexes, Marks, answers_of
from labeling.truth.spans.selection import Selection, select
from labeling.truth.votes import Bools, Floats, Inference, Ints

LEAST_KNOWN = 20
"""Known texts from which on it is learned what makes a stretch right."""
SHARE_LEARNED = 0.8
"""Weight of what was learned beside agreement; measured to be flat from .7 to .9."""
EVEN = 1e-9
"""Beliefs this near are tied."""
MODELS = ("dawid_skene", "mace")
"""Models of independent annotators that `auto` hears: the plainest, and the one that bears crowds of guessers."""
AUTO = "auto"
NAMES = (AUTO, *methods.NAMES[:-1])


@dataclass(frozen=True, slots=True)
class Found:
    """`answers`: one a text. `confidence`: (n_tasks,) belief that all chosen stretches are right and nothing else is.

    `ties`: (n_tasks,) where a stretch that overlaps a chosen one, or another type of it, is believed as much.
    `belief`: (C, T) about `candidates`. `chosen`: what `auto` went by, else the method.
    """

    answers: list[Answer]
    confidence: Floats
    ties: Bools
    candidates: Candidates
    belief: Floats
    chosen: str
    iterations: int = 1
    converged: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """Known answers of texts `tasks`, (M,); methods may learn from them."""

    tasks: Ints
    answers: list[Answer]


def infer(marks: Marks, method: str, known: Known | None = None, words: Indexes | None = None, seed: int = 0) -> Found:
    """The right stretches of every text; known texts keep their known answer.

    `method`: one of `NAMES`; `auto` weighs votes by agreement (`agreeing`, `weights`) and hears models of independent
    annotators where the crowd is such (`dependence`). From `LEAST_KNOWN` known texts on agreement is that with known
    answers, it is learned what makes a stretch right (`learned`), and the belief is a mean of both, since each is wrong
    in its own way. The others run on candidates as on tasks (`Candidates.votes`).
    `words`: (C,) equal numbers for candidates (of `find(marks)`) that are the same words; None without texts.
    Raises ValueError for an unknown method.
    """
    candidates = find(marks)
    if not len(candidates):
        belief = np.zeros((0, marks.n_labels))
        return _found(marks, candidates, belief, select(candidates, belief), known, method)
    if method != AUTO:
        return _by_method(marks, candidates, method, known, seed)
    power = weights.sharpness(marks, agreeing.agreement(marks, candidates))
    agreement = agreeing.agreement(marks, candidates, power)
    alone = weights.independence(marks, candidates, agreement)
    shares = agreeing.weighted_shares(marks, candidates, agreement**power * alone)
    if known is None or len(known.tasks) < LEAST_KNOWN:
        belief, name = _with_models(marks, candidates, shares, known, seed)
        belief = belief if words is None else weights.with_likeness(belief, words)
        return _found(marks, candidates, belief, select(candidates, belief), known, name)
    labels = candidates.known(known.tasks, known.answers)
    learned = believe(candidates, cells_of(candidates, shares), words, labels)
    anchored = agreeing.anchored(marks, agreement, known.tasks, known.answers)
    belief = SHARE_LEARNED * learned
    belief += (1 - SHARE_LEARNED) * agreeing.weighted_shares(marks, candidates, anchored**power * alone)
    return _found(marks, candidates, belief, select(candidates, belief), known, "learned")


def _with_models(
    marks: Marks, candidates: Candidates, shares: Floats, known: Known | None, seed: int
) -> tuple[Floats, str]:
    """Shares, and where annotators err alone the mean of them and of two models; what the belief is made of."""
    results = [_run(candidates, name, known, seed) for name in MODELS]
    heard = 1 - np.clip(dependence(candidates, results[0]) / MOST, 0.0, 1.0)
    if not heard:
        return shares, "agreement"
    beliefs = [_between_borders(marks, candidates, result) for result in results]
    weight = heard / (1 + heard * len(beliefs))
    belief = (1 - weight * len(beliefs)) * shares
    for one in beliefs:
        belief = belief + weight * one
    return belief, "agreement+" + "+".join(MODELS)


def _by_method(marks: Marks, candidates: Candidates, method: str, known: Known | None, seed: int) -> Found:
    result = _run(candidates, method, known, seed)
    belief = _between_borders(marks, candidates, result)
    found = _found(marks, candidates, belief, select(candidates, belief), known, method)
    return replace(found, iterations=result.iterations, converged=result.converged)


def _run(candidates: Candidates, method: str, known: Known | None, seed: int) -> Inference:
    labels = None if known is None else candidates.known(known.tasks, known.answers)
    return methods.method(method)(candidates.votes, known=labels, seed=seed)


def _between_borders(marks: Marks, candidates: Candidates, result: Inference) -> Floats:
    """Belief in each type, (C, T), times the share of those who put the borders there, weighted by their skill."""
    skill = np.ones(marks.n_annotators)
    if result.confusion is not None:
        n_types = candidates.n_types
        skill = result.confusion[:, :n_types, :n_types].diagonal(axis1=1, axis2=2).mean(axis=1)
    belief: Floats = result.belief[:, :-1] * border_share(candidates, skill)[:, None]
    return belief


def answers_by(marks: Marks, candidates: Candidates, selection: Selection) -> list[Answer]:
    """The chosen candidates as one answer a text."""
    at = selection.chosen
    return answers_of(candidates.task[at], candidates.start[at], candidates.end[at], selection.label, marks.n_tasks)


def _found(
    marks: Marks, candidates: Candidates, belief: Floats, selection: Selection, known: Known | None, name: str
) -> Found:
    answers = answers_by(marks, candidates, selection)
    best = belief.max(axis=1, initial=0.0)
    chance = 1 - best
    chance[selection.chosen] = best[selection.chosen]
    crossed, over = _crossed(candidates, selection)
    chance[crossed] = 1.0
    logs = np.log(np.clip(chance, 1e-12, 1.0))
    confidence = np.exp(np.bincount(candidates.task, logs, marks.n_tasks))
    ties = np.zeros(marks.n_tasks, dtype=bool)
    ties[candidates.task[crossed[np.abs(best[crossed] - best[over]) < EVEN]]] = True
    shared = (belief[selection.chosen] >= best[selection.chosen, None] - EVEN).sum(axis=1) > 1
    ties[candidates.task[selection.chosen[shared]]] = True
    if known is not None:
        for task, answer in zip(known.tasks.tolist(), known.answers, strict=True):
            answers[task], confidence[task], ties[task] = answer, 1.0, False
    return Found(answers, confidence, ties, candidates, belief, name)


def _crossed(candidates: Candidates, selection: Selection) -> tuple[Indexes, Indexes]:
    """Candidates left out since they overlap a chosen one (that they are wrong follows), and the first such one."""
    chosen = selection.chosen[np.argsort(candidates.first[selection.chosen])]
    after = np.searchsorted(candidates.last[chosen], candidates.first, side="right")
    meets = after < np.searchsorted(candidates.first[chosen], candidates.last, side="left")
    meets[chosen] = False
    crossed = np.flatnonzero(meets)
    return crossed, chosen[after[crossed]]
