"""Any number of labels, perhaps none: each label is a yes or a no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from labeling.kinds import sets
from labeling.kinds.base import Answers, AnswerTable, Form, Known, NoAnswer, Opinion, Space, UnusableAnswer
from labeling.kinds.cells import Meaning, Rules, clean, decide, listed
from labeling.kinds.coefficients import coefficient_json
from labeling.truth import block_agreement, block_auto, blocks, methods
from labeling.truth.belief import entropy
from labeling.truth.blocks import NO, UNSAID, YES, Blocks
from labeling.truth.votes import Bools, Floats, Votes

EVEN = 1e-9
"""Beliefs this near a threshold are tied with it."""
MOST_EXPECTED = 100
"""Without a label set, more labels than this are remarked on."""
NAMED = 3
"""Of many labels so many are named where words are few."""
MOST_PAIRS = 500
"""Pairs of annotators whose agreement is told, those with the most tasks in common."""


class Choices:
    """A set of labels: an answer is a row of YES and NO, and UNSAID where a label was not asked about, (K,) int8."""

    name = "choices"
    called = "any number of labels"
    form: Form = "cells"
    field = "label"
    methods = ("auto", *methods.NAMES[:-1])
    metrics = ("micro_f1", "macro_f1", "exact_match", "hamming", "label_accuracy")
    parts = True
    one_label = False
    in_text = False
    fewest_labels = 1

    def named(self, raw: Any) -> Sequence[str]:
        """The labels in a list."""
        return [name for name in map(str, raw) if name] if isinstance(raw, list | tuple) else [str(raw)]

    def respelled(self, raw: Any, names: Mapping[str, str]) -> Any:
        """Every label in its one spelling."""
        return [names.get(one, one) for one in map(str, raw)] if isinstance(raw, list | tuple) else raw

    def meaning(self, occurring: Mapping[str, int], rules: Rules) -> Meaning:
        """Equal numbers are one label, and where asked for names that differ in case alone; too many are told."""
        found = decide(occurring, rules)
        many = len(found.names())
        if rules.labels or many <= MOST_EXPECTED:
            return found
        told = f"{many:,} different labels occur; if that is not the label set, name it with --labels."
        return replace(found, notes=(*found.notes, told))

    def space(self, meaning: Meaning, rules: Rules, texts: Mapping[str, str]) -> Space:
        """The label set, else what occurs, sorted."""
        labels = rules.labels or tuple(meaning.names())
        if not labels:
            raise UnusableAnswer("nobody chose any label; name the label set with --labels")
        return Space(labels, texts=texts)

    def read(self, raw: Any, space: Space, task: str = "") -> Any:
        """The labels of a list; an empty one, or one empty cell, says that none was chosen."""
        if raw is None:
            raise NoAnswer("it is null")
        if not isinstance(raw, list | tuple):
            raise UnusableAnswer("it is no list of labels")
        places, answer = _places(space.labels), np.zeros(len(space.labels), dtype=np.int8)
        for cell in raw:
            name = clean(str(cell))
            if name and name not in places:
                raise UnusableAnswer(f"{name!r} is none of the labels {listed(space.labels)}")
            if name:
                answer[places[name]] = YES
        return answer

    def written(self, answer: Any, space: Space) -> list[Any]:
        """A row for each chosen label, one empty row where none was."""
        return [space.labels[at] for at in np.flatnonzero(np.asarray(answer) == YES)] or [""]

    def words(self, answer: Any, space: Space) -> str:
        """The chosen labels with commas between."""
        return ", ".join(filter(None, self.written(answer, space))) or "none of them"

    def briefly(self, answer: Any, space: Space) -> str:
        """The first labels, and how many more were chosen."""
        return _few(list(filter(None, self.written(answer, space)))) or self.words(answer, space)

    def contrast(self, one: Any, other: Any, space: Space, task: str = "") -> str:
        """The labels that one chose and the other did not."""
        apart = np.flatnonzero((np.asarray(one) == YES) != (np.asarray(other) == YES))
        return _few([space.labels[at] for at in apart])

    def label_set(self, names: Sequence[str]) -> list[str]:
        """As they are."""
        return list(names)

    def overlapping(self, answer: Any) -> bool:
        """Never."""
        return False

    def differ(self, one: Any, other: Any, space: Space) -> float:
        """MASI's distance."""
        return float(sets.masi(_yes(np.asarray(one)[None]), _yes(np.asarray(other)[None]))[0, 0])

    def meets(self, answer: Any, condition: Any, space: Space) -> bool:
        """All these labels are chosen."""
        return bool((np.asarray(answer)[list(condition)] == YES).all())

    def to_marks(self, answer: Any, space: Space) -> Any:
        """The places of the chosen labels, ascending; with those that were asked about where that is not all."""
        said = np.asarray(answer)
        yes, asked = np.flatnonzero(said == YES).tolist(), np.flatnonzero(said != UNSAID).tolist()
        return yes if len(asked) == len(said) else {"asked": asked, "yes": yes}

    def from_marks(self, marks: Any, space: Space, task: str = "") -> Any:
        """No to what was asked about and not chosen."""
        asked, yes = (marks["asked"], marks["yes"]) if isinstance(marks, dict) else (slice(None), marks)
        answer = np.full(len(space.labels), UNSAID, dtype=np.int8)
        answer[asked] = NO
        answer[yes] = YES
        return answer

    def pack(self, answers: Sequence[Any], space: Space) -> Answers:
        """A row an answer, (E, K) int8."""
        return np.array(answers, dtype=np.int8).reshape(len(answers), len(space.labels))

    def infer(self, table: AnswerTable, method: str, known: Known | None, seed: int) -> Opinion:
        """Label by label; `auto` learns the labels' correlation, too, where that helps, and sets thresholds for F1."""
        given = _blocks(table, known)
        if method == "auto":
            found = block_auto.infer(given, seed)
            details = {"chosen": found.chosen, **found.details}
            if (found.threshold != 0.5).any():
                details["thresholds"] = dict(zip(table.space.labels, found.threshold.round(4).tolist(), strict=True))
            return _opinion(found.belief, found.threshold, found.iterations, found.converged, details)
        each = [methods.method(method)(_of_label(given, k), known=_known(given, k), seed=seed) for k in _labels(given)]
        belief = np.stack([one.belief[:, YES] for one in each], axis=1)
        half = np.full(belief.shape[1], 0.5)
        return _opinion(belief, half, max(one.iterations for one in each), all(one.converged for one in each), {})

    def chances(self, opinion: Opinion, space: Space) -> list[list[float]]:
        """Of yes to each label."""
        rows: list[list[float]] = opinion.belief.tolist()
        return rows

    def doubt(self, opinion: Opinion) -> Floats:
        """Entropies of all labels together, as if each stood alone."""
        summed: Floats = entropy(np.stack([opinion.belief, 1 - opinion.belief], axis=2)).sum(axis=1)
        return summed

    def baselines(self, table: AnswerTable) -> dict[str, Answers]:
        """Labels that more than half chose, that anybody chose, and that all chose."""
        yes, said = blocks.counts(_blocks(table, None))
        plain = {"majority_vote": 2 * yes > said, "anybody": yes > 0, "everybody": (yes == said) & (said > 0)}
        return {name: chosen.astype(np.int8) for name, chosen in plain.items()}

    def score(self, answers: Answers, gold: Answers, space: Space) -> dict[str, float | None]:
        """F1 of all labels together and the mean of each one's, whole sets, and the share of labels wrong and right.

        A label that occurs neither in answers nor in gold has no F1 and is left out of the mean.
        """
        given, true = _yes(np.asarray(answers)), _yes(np.asarray(gold))
        both, either = (given * true).sum(axis=0), given.sum(axis=0) + true.sum(axis=0)
        used = either > 0
        exact = float((given == true).all(axis=1).mean())
        wrong = float((given != true).mean())
        return {
            "accuracy": exact,
            "micro_f1": float(2 * both.sum() / either.sum()) if used.any() else 1.0,
            "macro_f1": float((2 * both[used] / either[used]).mean()) if used.any() else 1.0,
            "exact_match": exact,
            "hamming": wrong,
            "label_accuracy": 1 - wrong,
        }

    def variables(self, table: AnswerTable) -> Votes:
        """A yes or no for each label of each task."""
        said, width = np.asarray(table.answers), len(table.space.labels)
        entry, label = np.nonzero(said != UNSAID)
        task = (table.task[entry].astype(np.int64) * width + label).astype(np.int32)
        sizes = len(table.tasks) * width, len(table.annotators), 2
        return Votes(task, table.annotator[entry], said[entry, label].astype(np.int32), *sizes)

    def agreement(self, table: AnswerTable, seed: int) -> dict[str, Any]:
        """The four coefficients over all labels as yes or no, alpha by label and with MASI, pairs, and prevalence."""
        given, labels = _blocks(table, None), table.space.labels
        found = block_agreement.summarise(given, seed)
        alphas = [None if np.isnan(value) else value for value in found.of_variable.tolist()]
        whole = {
            "raw_agreement": found.raw,
            "fleiss_kappa": found.fleiss,
            "krippendorff_alpha": found.alpha,
            "gwet_ac1": found.ac1,
            "krippendorff_alpha_by_label": found.by_variable,
            "krippendorff_alpha_masi": sets.alpha(table.task, _yes(given.said), seed),
        }
        return {
            **{key: coefficient_json(one) for key, one in whole.items()},
            "pairs": _pairs(given, table),
            "prevalence": dict(zip(labels, found.prevalence.tolist(), strict=True)),
            "alpha_of_label": dict(zip(labels, alphas, strict=True)),
            "compared_tasks": found.tasks,
        }

    def traits(self, answers: Answers, space: Space) -> tuple[tuple[str, ...], Bools]:
        """Which labels were chosen."""
        return space.labels, np.asarray(answers) == YES

    def gains(self, opinion: Opinion, table: AnswerTable, annotator: int, known: Known) -> Floats:
        """How many fewer labels will be wrong when the annotator says yes or no to each, (n_tasks, K)."""
        given = _blocks(table, known)
        truth, weight = (given.truth() == YES).astype(np.float64), np.zeros(given.n_tasks)
        weight[known.task] = 1.0
        skills, belief = blocks.skills_on(given, truth, weight), opinion.belief
        hit, miss = skills.sensitivity[annotator], 1 - skills.sensitivity[annotator]
        pass_, alarm = skills.specificity[annotator], 1 - skills.specificity[annotator]
        after = np.minimum(belief * hit, (1 - belief) * alarm) + np.minimum(belief * miss, (1 - belief) * pass_)
        gains: Floats = np.maximum(np.minimum(belief, 1 - belief) - after, 0.0)
        return gains

    def part(self, answers: Answers, asked: Bools) -> Answers:
        """Nothing said of the labels that were not asked about."""
        return np.where(asked, np.asarray(answers), np.int8(UNSAID))

    def schema(self, space: Space) -> dict[str, Any]:
        """A list of labels, each at most once."""
        labels = {"type": "array", "items": {"type": "string", "enum": list(space.labels)}, "uniqueItems": True}
        whole = {"type": "object", "properties": {"labels": labels}, "required": ["labels"]}
        return whole | {"additionalProperties": False}

    def from_reply(self, reply: Any, space: Space, task: str = "") -> Any:
        """The labels that were listed."""
        if not isinstance(reply, dict) or "labels" not in reply:
            raise UnusableAnswer("it is no object with labels")
        return self.read(reply["labels"], space)

    def as_reply(self, answer: Any, space: Space, task: str = "") -> Any:
        """The labels, listed."""
        return {"labels": [space.labels[at] for at in np.flatnonzero(np.asarray(answer) == YES)]}

    def unread(self, reply: Any, space: Space, task: str = "") -> str:
        """Nothing: a reply is read whole or not at all."""
        return ""


KIND = Choices()


def _few(names: list[str]) -> str:
    """The first names with commas between; one more is named, several are counted."""
    more = len(names) - NAMED
    return f"{', '.join(names[:NAMED])} and {more} more" if more > 1 else ", ".join(names)


@lru_cache(maxsize=8)
def _places(labels: tuple[str, ...]) -> dict[str, int]:
    return {label: at for at, label in enumerate(labels)}


def _yes(said: Any) -> Floats:
    found: Floats = (said == YES).astype(np.float64)
    return found


def _blocks(table: AnswerTable, known: Known | None) -> Blocks:
    sizes = len(table.tasks), len(table.annotators)
    given = Blocks(table.task, table.annotator, np.asarray(table.answers, dtype=np.int8), *sizes)
    if known is None:
        return given
    truth = given.truth()
    truth[known.task] = known.answers
    return replace(given, known=truth)


def _labels(given: Blocks) -> range:
    return range(given.n_variables)


def _of_label(given: Blocks, k: int) -> Votes:
    """The answers about one label as votes; its 0 is no, its 1 yes."""
    said = given.said[:, k]
    at = np.flatnonzero(said != UNSAID)
    label = said[at].astype(np.int32)
    return Votes(given.task[at], given.annotator[at], label, given.n_tasks, given.n_annotators, 2)


def _known(given: Blocks, k: int) -> Any:
    return None if given.known is None else given.known[:, k].astype(np.int32)


def _opinion(belief: Floats, threshold: Floats, iterations: int, converged: bool, details: dict[str, Any]) -> Opinion:
    plain = threshold == 0.5
    chosen = np.where(plain, belief > 0.5 + EVEN, belief >= threshold)
    confidence = np.exp(np.log(np.maximum(np.where(chosen, belief, 1 - belief), 1e-12)).sum(axis=1))
    ties = ((np.abs(belief - threshold) <= EVEN) & plain).any(axis=1)
    answers = np.where(chosen, np.int8(YES), np.int8(NO))
    return Opinion(answers, confidence, ties, belief, iterations, converged, details)


def _pairs(given: Blocks, table: AnswerTable) -> list[dict[str, Any]]:
    met = block_agreement.pairs_that_met(given)
    rows = []
    for first, second in met.tolist():
        n, raw, kappa = block_agreement.pair_agreement(given, first, second)
        names = {"a": table.annotators[first], "b": table.annotators[second]}
        rows.append({**names, "n": n, "raw": raw, "kappa": None if np.isnan(kappa) else kappa})
    return sorted(rows, key=lambda row: -row["n"])[:MOST_PAIRS]
