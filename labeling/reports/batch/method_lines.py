"""One line of the page of methods, and what each method does, in a few words."""

from __future__ import annotations

from dataclasses import dataclass

from labeling.reports.estimates import Measured

NOTHING = Measured(None, estimable=False)
WORDS = {
    "majority_vote": "the most frequent label",
    "wawa": "majority vote weighted by agreement with it",
    "zero_based_skill": "weights moved towards agreement, step by step",
    "crh": "weights by distance from the truth found so far",
    "zencrowd": "one reliability for each annotator",
    "one_coin": "one chance to be right for each annotator, with a prior",
    "dawid_skene": "a confusion matrix for each annotator",
    "ibcc": "confusion matrices with priors, variational",
    "ebcc": "confusion that several annotators may share",
    "bwa": "Bayesian weighted average",
    "glad": "skill of annotators and difficulty of tasks",
    "mace": "annotators who sometimes guess",
    "mmsr": "skills from the matrix of agreements",
    "auto": "learns from known labels which methods to mix",
    "mean": "the mean of all answers",
    "median": "the median of all answers",
    "shift_and_spread": "each annotator’s shift and spread on the scale",
    "half": "the middle between the mean and corrected places",
    "anybody": "a label that anybody chose",
    "everybody": "a label that all chose",
    "exact_majority": "stretches that more than half marked alike",
    "majority_by_character": "the commonest type of each character",
    "half_by_character": "characters that half marked",
    "token_dawid_skene": "a confusion matrix on characters",
}


def said_of(name: str) -> str:
    """What a method does, empty where its name says it."""
    return WORDS.get(name, "")


@dataclass(frozen=True, slots=True)
class Line:
    """One method: how right on the checks, how honest its confidence, how far from the labels as they stand."""

    name: str
    words: str
    right: Measured = NOTHING
    error: Measured = NOTHING
    agrees: Measured = NOTHING
    iterations: int = 0
    converged: bool = True
    seconds: float | None = None
    failure: str = ""

    @property
    def waits(self) -> bool:
        """A slow method that has not run on these votes."""
        return self.seconds is None and not self.failure
