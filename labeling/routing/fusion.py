"""What a task's crowd belief and further answers say together: a learned fusion, never plain replacement.

P(k | crowd, answers) is proportional to exp(alpha log T_k + bias_k + sum_m beta_m log C_m[k, a_m] + gamma_m R_mk(T)).
With alpha = beta = 1 and nothing else this is Bayes' rule; the fit takes from crowd and answer what they share, since
both tend to err on the same tasks. R is the correction of `coherence`: with gamma = 1, too, the frequencies of the
answers are met. Source: Genest and Zidek 1986 (log-linear pools), applied to LMCrowd's equation 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.routing import coherence
from labeling.routing.answer_law import AnswerLaw
from labeling.truth import confusion, log_linear
from labeling.truth.belief import FLOOR, log_belief
from labeling.truth.expectation import softmax
from labeling.truth.known_slice import FOLDS, assign_folds
from labeling.truth.log_linear import OPINION_FLOOR
from labeling.truth.votes import Floats, Ints

STRENGTH = 8.0
"""Pseudo-answers behind a relabeler's confusion matrix."""
CROWD_WEIGHT, ANSWER_WEIGHT, COHERENCE = 0.9, 1.0, 0.3
"""Weights before any known label is seen. Of the correction less than half: on the recorded sets with over a hundred
random crowds beliefs have the smallest log loss at .3 to .5; in full it trusts the crowd and few labels too much."""
RIDGE, BIAS_RIDGE = 100.0, 8.0


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the answers of one relabeler are weighed against the crowd's belief.

    `confusion`: (K, K + 1), row = truth, last column = abstention. `alpha`: weight of the crowd's log belief once this
    relabeler answered, `beta`: weight of the log likelihood of the answer, `bias`: (K,). `gamma`: weight of the
    correction by `law`, how often which answer is given; without a law there is none.
    """

    confusion: Floats
    alpha: float = 1.0
    beta: float = 1.0
    bias: Floats | float = 0.0
    gamma: float = 0.0
    law: AnswerLaw | None = None

    def likelihood(self) -> Floats:
        """beta log C[k, a] as one row for each answer, (S, K)."""
        logs: Floats = self.beta * np.log(np.maximum(self.confusion.T, FLOOR))
        return logs

    def correction(self, crowd: Floats) -> Floats:
        """gamma R(T) for tasks with log beliefs `crowd`, (n, K): the same whatever is answered."""
        if self.law is None or not self.gamma:
            return np.zeros(crowd.shape)
        belief = np.exp(crowd)
        found: Floats = self.gamma * coherence.correction(belief, self.law.of(belief), self.confusion)
        return found


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard about each of n tasks: the crowd's belief, and the answers bought so far.

    `crowd`: (n, K) log belief. `evidence`: (n, K) sum of the answers' log likelihoods. `count`: (n,) answers, `alpha`:
    (n,), `bias`: (n, K) sums over them; the means apply, so that the order of the answers does not matter.
    """

    crowd: Floats
    evidence: Floats
    count: Floats
    alpha: Floats
    bias: Floats

    @classmethod
    def crowd_alone(cls, belief: Floats) -> Heard:
        """Before any answer; `belief`: (n, K)."""
        n = len(belief)
        none = np.zeros(belief.shape)
        return cls(log_belief(belief, OPINION_FLOOR), none, np.zeros(n), np.zeros(n), none)

    def belief(self) -> Floats:
        """P(k | all that was heard), (n, K)."""
        count = np.maximum(self.count, 1.0)
        alpha = np.where(self.count > 0, self.alpha / count, 1.0)
        return softmax(alpha[:, None] * self.crowd + self.bias / count[:, None] + self.evidence)

    def after(self, fusion: Fusion, answer: int | Ints, correction: Floats | None = None) -> Heard:
        """Had this relabeler given `answer`, a symbol or (n,) of them, on every task.

        `correction`: `fusion.correction(self.crowd)`, for who asks for several answers in turn.
        """
        likelihood = fusion.likelihood()[answer] + (fusion.correction(self.crowd) if correction is None else correction)
        return Heard(
            self.crowd,
            self.evidence + likelihood,
            self.count + 1,
            self.alpha + fusion.alpha,
            self.bias + fusion.bias,
        )

    def of(self, tasks: Ints | slice) -> Heard:
        """The same of some tasks."""
        return Heard(*(each[tasks] for each in (self.crowd, self.evidence, self.count, self.alpha, self.bias)))

    def replaced(self, tasks: Ints, other: Heard) -> Heard:
        """With the rows of `tasks` taken from `other`."""
        return Heard(*(_put(getattr(self, name), tasks, getattr(other, name)) for name in self.__slots__))


def _put(array: Floats, tasks: Ints, rows: Floats) -> Floats:
    changed = array.copy()
    changed[tasks] = rows
    return changed


def fit(
    belief: Floats,
    answer: Ints,
    truth: Ints,
    *,
    expected: float = 0.75,
    certainty: float = 2.0,
    law: AnswerLaw | None = None,
    seed: int = 0,
) -> Fusion:
    """The fusion of one relabeler from tasks whose label is known.

    `belief`: (m, K) honest beliefs of the crowd, no task's own label in it. `answer`: (m,), K where it abstained.
    `truth`: (m,). `expected`, `certainty`: accuracy before any answer is seen, and the answers that is worth. `law`:
    how often which answer is given, None where that is to teach nothing. Without a task the fusion is nearly Bayes'
    rule with a one-coin matrix. The matrix behind each row of the regression is counted without the row's own fold.
    """
    n_labels = belief.shape[1]
    whole = confusion_of(answer, truth, n_labels, expected, certainty)
    gamma = 0.0 if law is None else COHERENCE
    if not len(truth):
        return Fusion(whole, CROWD_WEIGHT, ANSWER_WEIGHT, np.zeros(n_labels), gamma, law)
    fold, opinions = assign_folds(len(truth), seed), [log_belief(belief, OPINION_FLOOR), *np.empty((2, *belief.shape))]
    for held_out in range(FOLDS):
        inside, rest = fold == held_out, fold != held_out
        matrix = confusion_of(answer[rest], truth[rest], n_labels, expected, certainty)
        opinions[1][inside] = np.log(np.maximum(matrix.T[answer[inside]], OPINION_FLOOR))
        opinions[2][inside] = Fusion(matrix, gamma=1.0, law=law).correction(opinions[0][inside])
    prior = [CROWD_WEIGHT, ANSWER_WEIGHT, gamma]
    pool = log_linear.fit_pool(opinions, np.eye(n_labels)[truth], prior, [RIDGE] * 3, BIAS_RIDGE)
    alpha, beta, gamma = np.maximum(pool.weight, 0.0).tolist()
    return Fusion(whole, alpha, beta, pool.bias, gamma, law)


def confusion_of(answer: Ints, truth: Ints, n_labels: int, expected: float = 0.75, certainty: float = 2.0) -> Floats:
    """The shrunken confusion matrix, (K, K + 1), of `answer` (m,) where the label is `truth` (m,)."""
    counts = np.zeros((n_labels, n_labels + 1))
    np.add.at(counts, (truth, answer), 1.0)
    return confusion.shrunken(counts, STRENGTH, expected=expected, certainty=certainty)
