"""Whether bought answers keep what is promised of them: tried before the first dollar, watched while they come in.

A paid model is measured on known tasks drawn at random, and asked about the hardest ones, where it may be worse than
one confusion matrix for all tasks says. So the known tasks it would be asked about are a trial, judged by what was
learnt without them (`tried`). And answers that came back are held against what was foreseen of them (`contradiction`):
their labels are not known, but answers that no longer follow what is believed of their tasks show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
import scipy

from labeling.routing import answer_law, fusion
from labeling.routing.answer_law import AnswerLaw
from labeling.routing.fusion import Heard
from labeling.routing.lookahead import value_of_answer
from labeling.routing.value import FLOOR, Crowd, Relabeler, learn
from labeling.truth.confusion import wilson
from labeling.truth.known_slice import FOLDS, assign_folds
from labeling.truth.votes import Ints, Votes

ENOUGH = 20
"""Answers on known tasks below which nothing is tried: the folds would teach too little."""
TOLERATED, ALARMING = np.array([0.0, 0.1, 0.2]), np.array([0.4, 0.6, 0.8, 1.0])
"""Which part of the answers follows nothing but how frequent each answer is: what a law learnt from some hundred known
tasks may well be wrong by, and what is held against it."""
CLEARLY = 2
"""Labels by which what is spoilt must exceed what is mended."""
WORSE = 0.08
"""The share of the known tasks by which it must be worse than the crowd: less is often chance."""
UNHEARD_OF = 1e-9
TRIAL, CONTRADICTION = "trial", "contradiction"
CERTAIN = log(20)
"""The log evidence at which answers contradict what was foreseen: false in at most one of twenty runs (Ville)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one relabeler's answers did to known tasks, each judged by what was learnt without it.

    `known`: known tasks it answered. `unsure`: of them those about which an answer would be bought. `crowd`, `own`:
    how many of all known ones are right by the crowd alone, and by its answer alone; `crowd_unsure`, `own_unsure`: of
    the unsure ones. `mended`, `spoilt`: unsure ones whose label its answer, weighed with the crowd's, turned right, and
    turned wrong.
    """

    known: int
    unsure: int = 0
    crowd: int = 0
    own: int = 0
    crowd_unsure: int = 0
    own_unsure: int = 0
    mended: int = 0
    spoilt: int = 0

    @property
    def failed(self) -> bool:
        """Whether all speaks against it: it spoils clearly more labels than it mends, and is clearly worse at large.

        Either alone is too often chance, and so is one label (`tests/benchmarks/buying_stops.py`).
        """
        return self.known >= ENOUGH and self.spoilt - self.mended >= CLEARLY and self.worse

    @property
    def worse(self) -> bool:
        """Whether it is right on clearly fewer known tasks than the crowd."""
        return self.crowd - self.own >= WORSE * self.known

    def gain(self, confidence: float = 0.9) -> tuple[float, float, float]:
        """Right labels won for each answer bought about an unsure task, with its interval; (0, -1, 1) without one.

        Of the labels that changed some are mended: Wilson's interval of that share, stretched to the unsure tasks.
        """
        changed = self.mended + self.spoilt
        if not self.unsure or not changed:
            return 0.0, -1.0 if not self.unsure else 0.0, 1.0 if not self.unsure else 0.0
        low, high = wilson(np.array(self.mended / changed), np.array(float(changed)), confidence)
        part = changed / self.unsure
        return (self.mended - self.spoilt) / self.unsure, part * (2 * float(low) - 1), part * (2 * float(high) - 1)


def tried(crowd: Crowd, relabelers: Sequence[Relabeler], answers: Votes, *, seed: int = 0) -> list[Trial]:
    """The trial of each relabeler on the known tasks that it answered; arguments as in `value.fit`."""
    return [_tried(crowd, each, *_on_known(crowd, answers, place), seed) for place, each in enumerate(relabelers)]


def _on_known(crowd: Crowd, answers: Votes, place: int) -> tuple[Ints, Ints]:
    """Places among the known tasks, and the answers given there."""
    mine = (answers.annotator == place) & np.isin(answers.task, crowd.known_tasks)
    where = np.full(len(crowd.known), -1, dtype=np.int32)
    where[crowd.known_tasks] = np.arange(len(crowd.known_tasks))
    return where[answers.task[mine]], answers.label[mine]


def _tried(crowd: Crowd, relabeler: Relabeler, place: Ints, answer: Ints, seed: int) -> Trial:
    if len(place) < ENOUGH:
        return Trial(len(place))
    belief, truth = crowd.out_of_fold[place], crowd.known[crowd.known_tasks[place]]
    unsure, fused = np.zeros(len(place), dtype=bool), np.empty_like(truth)
    # other folds than those the fusion makes inside, so that no fold is lost to both
    fold = assign_folds(len(place), seed + 1)
    for held_out in range(FOLDS):
        inside, rest = fold == held_out, fold != held_out
        learnt, law = learn(relabeler, belief[rest], answer[rest], truth[rest], seed=seed)
        heard = Heard.crowd_alone(belief[inside])
        unsure[inside] = value_of_answer(heard, learnt, law)[0] >= FLOOR
        fused[inside] = heard.after(learnt, answer[inside]).belief().argmax(axis=1)
    alone, after, own = belief.argmax(axis=1) == truth, fused == truth, answer == truth
    counts = (unsure, alone, own, unsure & alone, unsure & own, unsure & after & ~alone, unsure & alone & ~after)
    return Trial(len(place), *(int(each.sum()) for each in counts))


def contradiction(crowd: Crowd, place: int, law: AnswerLaw, answers: Votes) -> float:
    """The log evidence that one relabeler's answers about unknown tasks follow what is believed less than was foreseen.

    `law`: fitted on known tasks alone (`foreseen`). Held against it are laws of which two fifths or more follow only
    how frequent each answer is; it may itself be diluted by up to a fifth, whatever fits best. Where such a law holds,
    the mean of exp(evidence) is at most 1 at any number of answers, so that it ever exceeds 20 with a probability of at
    most .05: it may be looked at after every answer.
    Source: Wasserman, Ramdas and Balakrishnan, Universal inference, PNAS 117 (2020), with a mixture as alternative.
    """
    mine = (answers.annotator == place) & (crowd.known[answers.task] < 0)
    if not mine.any():
        return 0.0
    chance = law.of(crowd.belief[answers.task[mine]])
    usual = law.of(crowd.belief[crowd.known < 0]).mean(axis=0)
    seen = np.arange(len(chance)), answers.label[mine]
    ratio = np.maximum(usual[seen[1]], UNHEARD_OF) / np.maximum(chance[seen], UNHEARD_OF) - 1
    null, other = (np.log1p(part[:, None] * ratio).sum(axis=1) for part in (TOLERATED, ALARMING))
    return float(scipy.special.logsumexp(other) - log(len(other)) - null.max())


def foreseen(crowd: Crowd, relabelers: Sequence[Relabeler], answers: Votes, *, seed: int = 0) -> list[AnswerLaw]:
    """What each relabeler will probably answer, from its answers on known tasks alone."""
    laws = []
    for place, relabeler in enumerate(relabelers):
        where, answer = _on_known(crowd, answers, place)
        belief, truth = crowd.out_of_fold[where], crowd.known[crowd.known_tasks[where]]
        matrix = fusion.confusion_of(answer, truth, belief.shape[1], relabeler.expected, relabeler.certainty)
        laws.append(answer_law.fit(belief, answer, matrix, seed))
    return laws


@dataclass(frozen=True, slots=True)
class Watch:
    """A run under watch. `trials`, `laws`: of each relabeler, from known tasks. `stopped`: by place why it is stopped.

    Once stopped stays stopped: answers that are no longer bought could not clear it.
    """

    crowd: Crowd
    trials: list[Trial]
    laws: list[AnswerLaw]
    stopped: dict[int, str]

    @classmethod
    def over(cls, crowd: Crowd, relabelers: Sequence[Relabeler], answers: Votes, *, seed: int = 0) -> Watch:
        """Before the first dollar, or at any time later; `answers` as in `value.fit`."""
        trials = tried(crowd, relabelers, answers, seed=seed)
        failed = {place: TRIAL for place, trial in enumerate(trials) if trial.failed}
        return cls(crowd, trials, foreseen(crowd, relabelers, answers, seed=seed), failed).after(answers)

    def after(self, answers: Votes) -> Watch:
        """With all answers given so far.

        Whoever is about as good as the crowd contradicts it by rights: there the crowd's belief is what is wrong.
        """
        stopped = dict(self.stopped)
        for place, (trial, law) in enumerate(zip(self.trials, self.laws, strict=True)):
            tested = place not in stopped and trial.known >= ENOUGH and trial.worse
            if tested and contradiction(self.crowd, place, law, answers) > CERTAIN:
                stopped[place] = CONTRADICTION
        return replace(self, stopped=stopped)

    def only(self, places: Sequence[int]) -> Watch:
        """With nobody stopped but those at these places."""
        return replace(self, stopped={place: why for place, why in self.stopped.items() if place in places})

    def left(self, relabelers: Iterable[Relabeler]) -> list[Relabeler]:
        """The same relabelers, of which those stopped may be asked about nothing more."""
        nothing = np.array(False)
        return [
            replace(each, eligible=nothing) if place in self.stopped else each for place, each in enumerate(relabelers)
        ]
