"""GLAD, generative model of labels, abilities and difficulties."""

from __future__ import annotations

import numpy as np

from labeling.truth.expectation import softmax
from labeling.truth.label_votes import LabelVotes, label_votes
from labeling.truth.votes import Floats, Inference, Ints, Votes

STEPS = 3
"""Ascent steps in each maximisation: enough that another expectation step pays more than a fourth."""
LARGEST_MOVE = 1.0
"""Most that a log easiness moves in one step."""


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0, max_iterations: int = 100) -> Inference:
    """Expectation maximisation over abilities a_j ~ N(1, 1) and log easiness b_i ~ N(1, 1), both started at 1.

    P(l_v is right) = sigmoid(x_v), x_v = a_j exp(b_i); wrong labels and all classes are equally likely, so that
    belief_ik ~ exp(sum over votes for k of (x_v + ln(K - 1))): the expectation needs no logarithm.
    The maximisation climbs in all a_j, then in all b_i, each on its own under Jaakkola and Jordan's quadratic bound
    of the logistic function, which never overshoots; cost O(V) a round. Stops when no belief moves by more than 1e-3.
    Abstentions do not count; `seed` changes nothing.
    `skill` is a; `details` has "log_easiness", b, of each task.
    Source: Whitehill et al. 2009, NeurIPS, Whose Vote Should Count More; the bound: Jaakkola and Jordan 2000.
    """
    del seed
    answers = label_votes(votes, known)
    ability, ease = np.ones(votes.n_annotators), np.ones(votes.n_tasks)
    belief = _belief(answers, ability, ease)
    iteration, converged = 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        right = answers.believed(belief)
        for _ in range(STEPS):
            ability = _climb_abilities(answers, right, ability, ease)
            ease = _climb_eases(answers, right, ability, ease)
        last, belief = belief, _belief(answers, ability, ease)
        converged = bool(np.abs(belief - last).max(initial=0.0) < 1e-3)
    return Inference(belief, iteration, converged, skill=ability, details={"log_easiness": ease})


def _belief(answers: LabelVotes, ability: Floats, ease: Floats) -> Floats:
    strength = ability[answers.annotator] * np.exp(ease)[answers.matrix.votes.task]
    log_wrong = np.log(max(answers.n_labels - 1, 1))
    return answers.matrix.clamp(softmax(answers.cell_sums(strength + log_wrong)))


def _climb_abilities(answers: LabelVotes, right: Floats, ability: Floats, ease: Floats) -> Floats:
    """One step in every ability; `right` is the belief in each vote, (V,)."""
    scale = np.exp(ease)[answers.matrix.votes.task]
    half_tanh, curvature = _logistic(ability[answers.annotator] * scale)
    slope = answers.annotator_sums((right - 0.5 - half_tanh) * scale) - (ability - 1)
    bend = answers.annotator_sums(curvature * scale**2) + 1
    higher: Floats = ability + slope / bend
    return higher


def _climb_eases(answers: LabelVotes, right: Floats, ability: Floats, ease: Floats) -> Floats:
    """One step in every log easiness: x is curved in b itself, so a falling slope adds to the bend."""
    task = answers.matrix.votes.task
    strength = ability[answers.annotator] * np.exp(ease)[task]
    half_tanh, curvature = _logistic(strength)
    pull = np.bincount(task, (right - 0.5 - half_tanh) * strength * answers.weight, len(ease))
    bend = np.bincount(task, curvature * strength**2 * answers.weight, len(ease)) + 1 + np.maximum(-pull, 0)
    higher: Floats = ease + np.clip((pull - (ease - 1)) / bend, -LARGEST_MOVE, LARGEST_MOVE)
    return higher


def _logistic(x: Floats) -> tuple[Floats, Floats]:
    """sigmoid(x) - 1/2 and the bound's curvature, tanh(x/2) / (2x), both from one tanh."""
    half_tanh = np.tanh(x / 2) / 2
    small = np.abs(x) < 1e-6
    return half_tanh, np.where(small, 0.25, half_tanh / np.where(small, 1.0, x))
