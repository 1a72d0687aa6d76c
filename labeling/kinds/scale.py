"""A place on an ordered scale: numbers between two ends, or named steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from labeling.kinds.base import Answers, AnswerTable, Form, Known, NoAnswer, Opinion, Space, UnusableAnswer
from labeling.kinds.cells import Meaning, Rules, clean, decide, number
from labeling.kinds.coefficients import coefficient_json, correlation, ranks
from labeling.truth import agreement, methods, ordered_auto
from labeling.truth.belief import entropy
from labeling.truth.ordered import Ratings, nearest
from labeling.truth.votes import Bools, Floats, Votes

PLAIN = ("mean", "median")
OWN = {name: ordered_auto.READERS[name] for name in (*PLAIN, "shift_and_spread", "dawid_skene")}
MOST_NAMED, STRETCHES = 11, 5
"""A scale with more values is looked at in stretches."""
MOST_STEPS = 1000
"""Of a scale that is named by its ends."""
NOISE_PULL = 4.0
"""Pseudo-answers that pull an annotator's error on known tasks to what everybody's is."""


class Scale:
    """A place on the scale: an answer is a number; named steps stand at 0, 1, 2 and so on."""

    name = "scale"
    called = "a place on a scale"
    form: Form = "cell"
    field = "label"
    methods = ("auto", *OWN, *(name for name in methods.NAMES if name not in ("auto", "dawid_skene")))
    metrics = ("mae", "quadratic_kappa", "spearman")
    parts = False
    one_label = True
    in_text = False
    fewest_labels = 2

    def named(self, raw: Any) -> Sequence[str]:
        """The number or step, as it is written."""
        return [str(raw)]

    def respelled(self, raw: Any, names: Mapping[str, str]) -> Any:
        """The step in its one spelling."""
        return names.get(str(raw), raw)

    def meaning(self, occurring: Mapping[str, int], rules: Rules) -> Meaning:
        """Named steps are matched with the label set; a number is what it is."""
        if rules.labels and not _numeric(rules.labels):
            return decide(occurring, rules)
        return Meaning({cell: clean(cell) for cell in occurring})

    def space(self, meaning: Meaning, rules: Rules, texts: Mapping[str, str]) -> Space:
        """The steps, or the ends, that are named, in their order; else the numbers that occur."""
        if rules.labels and not _numeric(rules.labels):
            return Space(rules.labels, tuple(map(float, range(len(rules.labels)))), texts)
        names = rules.labels or tuple(name for name in meaning.names() if number(name) is not None)
        if len(names) < 2:
            raise UnusableAnswer("a scale needs two numbers at least; name the steps in their order with --labels")
        placed = sorted({_value(name): name for name in reversed(names)}.items())
        return Space(tuple(name for _, name in placed), tuple(value for value, _ in placed), texts)

    def read(self, raw: Any, space: Space, task: str = "") -> float:
        """A number between the ends, or a named step."""
        name = "" if raw is None else clean(str(raw))
        if not name:
            raise NoAnswer("it is blank")
        if not _numeric(space.labels):
            if name not in space.labels:
                raise UnusableAnswer(f"{name!r} is no step of the scale {' < '.join(space.labels)}")
            return space.values[space.labels.index(name)]
        if number(name) is None:
            raise UnusableAnswer(f"{name!r} is no number")
        value = _value(name)
        if not space.values[0] <= value <= space.values[-1]:
            raise UnusableAnswer(f"{name} is outside the scale {space.labels[0]} to {space.labels[-1]}")
        return value

    def written(self, answer: Any, space: Space) -> list[Any]:
        """The number, or the nearest step's name."""
        value = float(answer)
        if not _numeric(space.labels):
            return [space.labels[self.to_marks(value, space)]]
        return [f"{value:.6f}".rstrip("0").rstrip(".")]

    def words(self, answer: Any, space: Space) -> str:
        """The same."""
        return str(self.written(answer, space)[0])

    def briefly(self, answer: Any, space: Space) -> str:
        """The number or step."""
        return self.words(answer, space)

    def contrast(self, one: Any, other: Any, space: Space, task: str = "") -> str:
        """Both places, the lower one first."""
        low, high = sorted([float(one), float(other)])
        return f"{self.words(low, space)} and {self.words(high, space)}"

    def label_set(self, names: Sequence[str]) -> list[str]:
        """Of two whole ends every whole step between; else as they are, numbers by size."""
        values = [number(name) for name in names]
        if len(names) == 2 and None not in values and all(value == int(value) for value in values if value is not None):
            low, high = sorted(int(value) for value in values if value is not None)
            if high - low <= MOST_STEPS:
                return [str(value) for value in range(low, high + 1)]
        return sorted(names, key=lambda name: number(name) or 0) if None not in values else list(names)

    def overlapping(self, answer: Any) -> bool:
        """Never."""
        return False

    def differ(self, one: Any, other: Any, space: Space) -> float:
        """Their distance, by the length of the scale."""
        return abs(float(one) - float(other)) / max(space.values[-1] - space.values[0], 1e-300)

    def meets(self, answer: Any, condition: Any, space: Space) -> bool:
        """The nearest step is that one."""
        return bool(self.to_marks(answer, space) == condition)

    def to_marks(self, answer: Any, space: Space) -> int:
        """The nearest step's index; of two as near the lower one."""
        return int(np.abs(np.array(space.values) - float(answer)).argmin())

    def from_marks(self, marks: Any, space: Space, task: str = "") -> float:
        """Where that step stands."""
        return space.values[int(marks)]

    def pack(self, answers: Sequence[Any], space: Space) -> Answers:
        """Numbers, (E,)."""
        return np.asarray(answers, dtype=np.float64)

    def infer(self, table: AnswerTable, method: str, known: Known | None, seed: int) -> Opinion:
        """Places; the methods for labels run on the steps that occur, and their answer is the median step."""
        ratings = _ratings(table, known)
        if method == "auto":
            found = ordered_auto.infer(ratings, seed)
        elif method in OWN:
            found = OWN[method](ratings)
        else:
            found = self._as_labels(table, ratings, method, seed)
        # a place between steps is right by no chance that could be told
        confidence = found.belief.max(axis=1) if found.steps else np.full(len(found.place), np.nan)
        details = {"chosen": found.chosen} if method == "auto" else {}
        ties = np.abs(np.cumsum(found.belief, axis=1) - 0.5).min(axis=1) < 1e-9
        return Opinion(found.place, confidence, ties, found, found.iterations, found.converged, details)

    def chances(self, opinion: Opinion, space: Space) -> list[list[float]]:
        """Of each step: what is believed of the places that occur, each counted for the step nearest to it."""
        found: ordered_auto.Places = opinion.belief
        steps = np.zeros((len(found.place), len(space.labels)))
        np.add.at(steps.T, nearest(found.at, np.array(space.values)), found.belief.T)
        rows: list[list[float]] = steps.tolist()
        return rows

    def doubt(self, opinion: Opinion) -> Floats:
        """Entropy over the places that occur."""
        return entropy(opinion.belief.belief)

    def baselines(self, table: AnswerTable) -> dict[str, Answers]:
        """Plain mean and median."""
        return {name: OWN[name](_ratings(table, None)).place for name in PLAIN}

    def score(self, answers: Answers, gold: Answers, space: Space) -> dict[str, float | None]:
        """Mean absolute error in the scale's units, kappa weighted by squared distance, Spearman's correlation.

        `accuracy`: the share whose nearest step is the right one, None where the labels are two ends; correlation and
        kappa: None where all answers, or all right ones, are alike; `merit`: 1 - error / length of the scale.
        """
        given, true = np.asarray(answers, dtype=np.float64), np.asarray(gold, dtype=np.float64)
        at = np.array(space.values)
        near = [np.abs(each[:, None] - at).argmin(axis=1) for each in (given, true)]
        spread = float(((given - given.mean()) ** 2).mean() + ((true - true.mean()) ** 2).mean())
        spread += float((given.mean() - true.mean()) ** 2)
        off = float(((given - true) ** 2).mean())
        return {
            "accuracy": None if _two_ends(space) else float((near[0] == near[1]).mean()),
            "mae": float(np.abs(given - true).mean()),
            "quadratic_kappa": 1 - off / spread if spread > 1e-300 else None,
            "merit": 1 - float(np.abs(given - true).mean()) / max(space.values[-1] - space.values[0], 1e-300),
            "spearman": correlation(ranks(given), ranks(true)),
        }

    def variables(self, table: AnswerTable) -> Votes:
        """The different answers as labels."""
        at, label = np.unique(table.answers, return_inverse=True)
        sizes = len(table.tasks), len(table.annotators), len(at)
        return Votes(table.task, table.annotator, label.ravel().astype(np.int32), *sizes)

    def agreement(self, table: AnswerTable, seed: int) -> dict[str, Any]:
        """Alpha with squared distances (interval) and by rank (ordinal) beside the four coefficients; pairs."""
        votes, at = self.variables(table), np.unique(table.answers)
        nominal = agreement.summarise(votes, seed=seed)
        by = {"nominal": nominal.alpha}
        for metric in ("interval", "ordinal"):
            by[metric] = agreement.summarise(votes, values=at, metric=metric, seed=seed).alpha
        found = {
            "raw_agreement": nominal.raw,
            "fleiss_kappa": nominal.fleiss,
            "gwet_ac1": nominal.ac1,
            "krippendorff_alpha": by["interval"],
            **{f"krippendorff_alpha_{metric}": alpha for metric, alpha in by.items()},
        }
        told = {key: coefficient_json(one) for key, one in found.items()}
        shares = dict(zip((self.words(value, table.space) for value in at), nominal.prevalence.tolist(), strict=True))
        return {**told, "pairs": _pairs(table), "prevalence": shares, "compared_tasks": nominal.tasks}

    def traits(self, answers: Answers, space: Space) -> tuple[tuple[str, ...], Bools]:
        """Which step is nearest; of a scale of ends or many values, in which of five stretches the answer lies."""
        given = np.asarray(answers, dtype=np.float64)
        if len(space.labels) <= MOST_NAMED and not _two_ends(space):
            at, names = np.array(space.values), space.labels
            return names, nearest(given, at)[:, None] == np.arange(len(at))
        borders = np.linspace(space.values[0], space.values[-1], STRETCHES + 1)
        ends = [self.words(border, space) for border in borders]
        place = np.clip(np.searchsorted(borders, given, side="right") - 1, 0, STRETCHES - 1)
        names = tuple(f"{low} to {high}" for low, high in pairwise(ends))
        return names, place[:, None] == np.arange(STRETCHES)

    def gains(self, opinion: Opinion, table: AnswerTable, annotator: int, known: Known) -> Floats:
        """How much the expected distance shrinks when the annotator's answer is weighed with what is believed."""
        true = np.full(len(table.tasks), np.nan)
        true[known.task] = known.answers
        off = np.asarray(table.answers) - true[table.task]
        here = ~np.isnan(off)
        pooled = float((off[here] ** 2).mean()) if here.any() else float(np.var(table.answers))
        own = here & (table.annotator == annotator)
        noise = (float((off[own] ** 2).sum()) + NOISE_PULL * pooled) / (int(own.sum()) + NOISE_PULL)
        variance = (opinion.belief.error * np.sqrt(np.pi / 2)) ** 2
        after = variance * noise / np.maximum(variance + noise, 1e-300)
        gains: Floats = (np.sqrt(variance) - np.sqrt(after)) * np.sqrt(2 / np.pi)
        return gains

    def part(self, answers: Answers, asked: Bools) -> Answers:
        """The whole answer: it has one part."""
        return answers

    def schema(self, space: Space) -> dict[str, Any]:
        """A number between the ends, or a named step."""
        value: dict[str, Any] = {"type": "number", "minimum": space.values[0], "maximum": space.values[-1]}
        if not _numeric(space.labels):
            value = {"type": "string", "enum": list(space.labels)}
        return {"type": "object", "properties": {"value": value}, "required": ["value"], "additionalProperties": False}

    def from_reply(self, reply: Any, space: Space, task: str = "") -> float:
        """The number or step."""
        if not isinstance(reply, dict) or "value" not in reply:
            raise UnusableAnswer("it is no object with a value")
        return self.read(reply["value"], space)

    def as_reply(self, answer: Any, space: Space, task: str = "") -> Any:
        """The number or step."""
        told = str(self.written(answer, space)[0])
        if not _numeric(space.labels):
            return {"value": told}
        return {"value": int(told) if told.lstrip("-").isdigit() else float(told)}

    def unread(self, reply: Any, space: Space, task: str = "") -> str:
        """Nothing: a reply is read whole or not at all."""
        return ""

    def _as_labels(self, table: AnswerTable, ratings: Ratings, method: str, seed: int) -> ordered_auto.Places:
        votes, at, places = self.variables(table), np.unique(table.answers), ratings.places()
        near = np.abs(np.nan_to_num(places)[:, None] - at).argmin(axis=1)
        known = None if ratings.known is None else np.where(np.isnan(places), -1, near).astype(np.int32)
        found = methods.method(method)(votes, known=known, seed=seed)
        return ordered_auto.of_belief(found.belief, at, method, places, found.iterations, found.converged)


KIND = Scale()


def _two_ends(space: Space) -> bool:
    """Whether the labels are the ends of a scale and no steps."""
    return len(space.values) == 2 and space.values[1] - space.values[0] > 1


def _numeric(labels: Sequence[str]) -> bool:
    return all(number(label) is not None for label in labels)


def _value(name: str) -> float:
    found = number(name)
    assert found is not None
    return float(found)


def _ratings(table: AnswerTable, known: Known | None) -> Ratings:
    places = None
    if known is not None:
        places = np.full(len(table.tasks), np.nan)
        places[known.task] = known.answers
    ends = table.space.values[0], table.space.values[-1]
    sizes = len(table.tasks), len(table.annotators)
    return Ratings(table.task, table.annotator, np.asarray(table.answers, dtype=np.float64), *sizes, *ends, places)


def _pairs(table: AnswerTable, most: int = 500) -> list[dict[str, Any]]:
    """Mean distance and correlation of the pairs of annotators with the most tasks in common."""
    by_task: dict[int, list[int]] = {}
    for entry, task in enumerate(table.task.tolist()):
        by_task.setdefault(task, []).append(entry)
    met: dict[tuple[int, int], list[tuple[float, float]]] = {}
    who, value = table.annotator.tolist(), np.asarray(table.answers).tolist()
    for entries in by_task.values():
        ordered = sorted((who[entry], value[entry]) for entry in entries)
        for place, (first, one) in enumerate(ordered):
            for second, other in ordered[place + 1 :]:
                met.setdefault((first, second), []).append((one, other))
    rows = []
    for (first, second), values in sorted(met.items(), key=lambda pair: -len(pair[1]))[:most]:
        both = np.array(values)
        names = {"a": table.annotators[first], "b": table.annotators[second], "n": len(both)}
        found = KIND.score(both[:, 0], both[:, 1], table.space)
        rows.append({**names, "raw": found["accuracy"], "mae": found["mae"], "kappa": found["quadratic_kappa"]})
    return rows
