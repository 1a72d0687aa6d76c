"""A set of labels: a yes or no for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.crossfit import Column, Fit, Floats, Folds
from labeling.crowd.kinds.base import Findings, Ways, Wording
from labeling.crowd.kinds.reading import BULLET, NOTHING, by_json, label_named, under

SHRINK = 4.0
"""Examples with a label that pull its own threshold half of the way from the common one."""
MOST_TAKEN = 2.0
"""A threshold takes at most so many times as many as are right: a weak model would have its best F1 by taking all."""
LISTS = ("labels", "label", "answers", "answer", "categories", "category", "classes", "tags")
WORDS = Wording(
    "You label texts.",
    "Choose every label that fits; there may be several, or none:",
    '{"labels": ["<label>", "<another label>"]}, with an empty list where no label fits.',
    "Reply with a line for each label: its name, a colon, and yes or no.",
    'Your last reply could not be read. Reply with nothing but {"labels": [...]}, naming labels that fit or none.',
    "Labels",
)


def _line_by_line(brief: Brief, said: Any) -> str:
    chosen = set(filter(None, brief.answers.written(said, brief.space)))
    return "\n".join(f"{name}: {'yes' if name in chosen else 'no'}" for name in brief.space.labels)


def _tidy_labels(value: Any, brief: Brief) -> Any:
    told = under(value, LISTS)
    told = [told] if isinstance(told, str) else told
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        return None
    if len(told) == 1 and told[0].strip().casefold() in NOTHING and label_named(told[0], brief) is None:
        return {"labels": []}
    names = [label_named(one, brief) for one in told]
    return None if None in names else {"labels": sorted(set(filter(None, names)), key=brief.labels.names.index)}


def _plain_labels(text: str, brief: Brief) -> Any:
    """Labels with commas or line ends between, and nothing else."""
    if text.casefold().strip(" .") in NOTHING:
        return {"labels": []}
    pieces = [BULLET.sub("", piece).strip(" .\"'`*") for piece in re.split(r"[,;\n]", text.partition(":")[2] or text)]
    return _tidy_labels([piece for piece in pieces if piece], brief) if text else None


class ChoicesHead:
    """One yes or no a label, each above a threshold that gives the best F1 on known answers it did not see."""

    def __init__(self, fit: Fit, features: Any, brief: Brief, name: str) -> None:
        kind, space = brief.answers, brief.space
        _, said = kind.traits(kind.pack([example.said for example in brief.examples], space), space)
        self._folds = Folds(brief.examples, brief.seed)
        self._columns = [Column(fit, features, said[:, k].astype(int), 2, self._folds) for k in range(said.shape[1])]
        held_out = np.stack([column.held_out[:, 1] for column in self._columns], axis=1)
        outside = [self._folds.of_example != number for number in range(self._folds.count)]
        outside.append(np.ones(len(said), dtype=bool))
        self._thresholds = np.stack([thresholds(held_out[rows], said[rows]) for rows in outside])

    def answers(self, questions: Sequence[Question], features: Any, digits: int) -> list[Answer]:
        which = np.array([self._folds.model_for(question) for question in questions])
        yes = np.stack([column.probabilities(which, features)[:, 1] for column in self._columns], axis=1)
        rows = np.round(yes, digits)
        return [choices_answer(row, limit) for row, limit in zip(rows, self._thresholds[which], strict=True)]


def choices_answer(yes: Floats, threshold: Floats | float = 0.5) -> Answer:
    """The labels whose chance reaches the threshold, (K,) each."""
    return Answer(None, tuple(yes.tolist()), said=(yes >= threshold).astype(np.int8))


def thresholds(yes: Floats, said: Any) -> Floats:
    """For each label the chance from which saying yes gives the best F1, (K,), from chances and truths, (n, K).

    A label's own threshold is drawn towards the one that is best for all together, the more the fewer examples have it.
    """
    common = _best_threshold(yes.ravel(), said.ravel())
    count = said.sum(axis=0)
    own = np.array([_best_threshold(yes[:, k], said[:, k]) if count[k] else common for k in range(said.shape[1])])
    drawn: Floats = (count * own + SHRINK * common) / (count + SHRINK)
    return drawn


def _best_threshold(yes: Floats, said: Any) -> float:
    """Half-way between the last chance that is taken and the first that is not, where F1 is greatest; else a half."""
    order = np.argsort(-yes, kind="stable")
    ranked, hits = yes[order], np.cumsum(said[order])
    f1 = 2 * hits / (np.arange(1, len(yes) + 1) + max(int(said.sum()), 1))
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # equal chances are taken together
    f1[max(int(MOST_TAKEN * said.sum()), 1) :] = -1.0
    best = int(f1.argmax())
    if f1[best] <= 0:
        return 0.5
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


class _YesOrNo:
    """Both lines of a label end alike but for one word, so their whole log-probabilities are compared."""

    whole = True

    def __init__(self, brief: Brief) -> None:
        self.continuations = tuple(f"{name}: {word}" for name in brief.labels.names for word in ("yes", "no"))

    def answer(self, scores: Floats, digits: int) -> Answer:
        lead = np.clip(scores[0::2] - scores[1::2], -30, 30)
        return choices_answer(np.round(1 / (1 + np.exp(-lead)), digits))


def _of_classes(row: Floats, brief: Brief, threshold: float) -> Answer:
    return choices_answer(np.minimum(row, 1.0), threshold)


def _one_by_one(lead: Floats, _scores: Floats) -> Floats:
    """Each label against its own absence."""
    chances: Floats = 1 / (1 + np.exp(-np.clip(lead, -30, 30)))
    return chances


def _all_found(_text: str, found: Findings, count: int) -> Answer:
    return Answer(None, said=np.array([int(place in found) for place in range(count)], dtype=np.int8))


WAYS = Ways(
    "choices",
    "any specialist, causal:, embedding:, pipeline: and chat:",
    wording=lambda space: WORDS,
    read=by_json(_tidy_labels, _plain_labels),
    in_words=_line_by_line,
    head=ChoicesHead,
    scored=_YesOrNo,
    by_classes=_of_classes,
    chances=_one_by_one,
    by_findings=_all_found,
    form="a list of labels",
)
