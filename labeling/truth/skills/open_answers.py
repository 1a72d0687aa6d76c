"""How often people are right where answers are too many to number: one chance each, and any answer at all may be true.

The model: of each task one answer is true, drawn as answers commonly are; whoever answers gives it with their own
chance, else one of the others, drawn in the same way. So a common answer on which two agree says less than a rare one.
Source: Dawid and Skene, Applied Statistics 28 (1979), with one coin each and answers that nobody gave left possible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from labeling.truth.votes import Floats

ITERATIONS, TOLERANCE = 30, 1e-4
Answered = Mapping[int, Hashable]
"""What each annotator, by place, said of one task."""
Chances = dict[Hashable, float]
"""How likely each of the given answers is the true one; what is missing to 1 is the chance that none of them is."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """`accuracy`: (M,) the chance of each annotator to say the whole truth. `chances`: by task, in the given order."""

    accuracy: Floats
    chances: list[Chances]


def learn(
    answered: Sequence[Answered], known: Mapping[int, Mapping[int, Hashable]], expected: Floats, certainty: Floats
) -> Learnt:
    """Everybody's chance and every task's, by expectation maximisation.

    `known`: by place of the task, what is right, for those whose answers it may be held against. `expected`: (M,) the
    chance before any answer, worth `certainty` answers, (M,).
    """
    common, accuracy = _common(answered), expected.copy()
    chances: list[Chances] = []
    for _ in range(ITERATIONS):
        chances = [posterior(said, accuracy, common) for said in answered]
        hits, seen = expected * certainty, certainty.copy()
        for place, said in enumerate(answered):
            told = known.get(place, {})
            for who, answer in said.items():
                if who in told or len(said) > 1:
                    hits[who] += answer == told[who] if who in told else chances[place][answer]
                    seen[who] += 1
        moved, accuracy = np.abs(hits / seen - accuracy).max(initial=0.0), np.clip(hits / seen, 0.01, 0.99)
        if moved < TOLERANCE:
            break
    return Learnt(accuracy, chances)


def _common(answered: Sequence[Answered]) -> Chances:
    """How common each answer is, a little left for those that nobody gave."""
    counts = Counter(answer for said in answered for answer in said.values())
    whole = counts.total() + 0.5 * (len(counts) + 1)
    return {answer: (count + 0.5) / whole for answer, count in counts.items()}


def posterior(said: Answered, accuracy: Floats, common: Chances) -> Chances:
    """How likely each answer that was given to one task is the true one."""
    given = set(said.values())
    wrong = {who: (1 - accuracy[who]) * common[answer] for who, answer in said.items()}
    weights = {
        true: common[true]
        * prod(accuracy[who] if said[who] == true else wrong[who] / (1 - common[true]) for who in said)
        for true in given
    }
    none = max(1 - sum(common[answer] for answer in given), 0.0) * prod(wrong.values())
    whole = sum(weights.values()) + none
    return {answer: float(weight / whole) for answer, weight in weights.items()}
