"""Stretches of text with types, perhaps none: code points, the end exclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from labeling.kinds import quotes
from labeling.kinds.base import Answers, AnswerTable, Form, Known, NoAnswer, Opinion, Space, UnusableAnswer
from labeling.kinds.cells import Meaning, Rules, clean, decide, listed
from labeling.kinds.coefficients import coefficient_json
from labeling.kinds.stretches import Stretches as Stretches
from labeling.truth import confusion
from labeling.truth.bayes import gain
from labeling.truth.belief import entropy
from labeling.truth.spans import characters, crowd_agreement, inference, scoring
from labeling.truth.spans.candidates import find
from labeling.truth.spans.marks import Answer, Indexes, Marks, marks_of
from labeling.truth.votes import Bools, Floats, Ints, Votes

LONGEST = 1_000_000_000
"""Code points of a text at most."""
OVERLOOKED = 0.5
"""How many stretches that are there one reader does not see, where nothing is known of that."""
NAMED, LONGEST_QUOTE = 3, 40
"""So many stretches are quoted where words are few, and so many signs of each."""
MOST_PAIRS = 500
"""Pairs of annotators whose agreement is told, those with the most tasks in common."""


class Spans:
    """Stretches of text, each with one type: an answer is a `Stretches`."""

    name = "spans"
    called = "marked stretches of text"
    form: Form = "line"
    field = "spans"
    methods = inference.NAMES
    metrics = ("span_f1", "partial_f1", "token_kappa")
    parts = False
    one_label = False
    in_text = True
    fewest_labels = 1

    def named(self, raw: Any) -> Sequence[str]:
        """The types of the stretches in a list."""
        return [part[2] for part in raw if _is_stretch(part)] if isinstance(raw, list | tuple) else []

    def respelled(self, raw: Any, names: Mapping[str, str]) -> Any:
        """Every type in its one spelling."""
        if not isinstance(raw, list | tuple):
            return raw
        return [[*part[:2], names.get(part[2]) or part[2]] if _is_stretch(part) else part for part in raw]

    def meaning(self, occurring: Mapping[str, int], rules: Rules) -> Meaning:
        """Equal numbers are one type, and where asked for names that differ in case alone."""
        return decide(occurring, rules)

    def space(self, meaning: Meaning, rules: Rules, texts: Mapping[str, str]) -> Space:
        """The types that were named, else those that occur, sorted."""
        labels = rules.labels or tuple(meaning.names())
        if not labels:
            raise UnusableAnswer("nobody marked anything; name the types with --labels")
        return Space(labels, texts=texts)

    def read(self, raw: Any, space: Space, task: str = "") -> Stretches:
        """The stretches of a list; an empty list says that nothing is to be marked. Marked twice alike is once."""
        if raw is None:
            raise NoAnswer("it is null")
        if not isinstance(raw, list | tuple):
            raise UnusableAnswer("it is no list of stretches [start, end, type]")
        text = space.texts.get(task)
        spans = {_stretch(part, space.labels, text) for part in raw}
        return Stretches(tuple(sorted(spans)), 0 if text is None else len(text))

    def written(self, answer: Any, space: Space) -> list[Any]:
        """One JSON value: the list of [start, end, type]."""
        return [[[start, end, space.labels[label]] for start, end, label in answer.spans]]

    def words(self, answer: Any, space: Space) -> str:
        """Places and types with commas between."""
        return ", ".join(f"{start} to {end} {space.labels[label]}" for start, end, label in answer.spans) or "nothing"

    def briefly(self, answer: Any, space: Space) -> str:
        """How many stretches."""
        n = len(answer.spans)
        return "nothing to mark" if not n else f"{n:,} stretch{'' if n == 1 else 'es'}"

    def contrast(self, one: Any, other: Any, space: Space, task: str = "") -> str:
        """The words that only one marked so, the first of them quoted; places where the text is not at hand."""
        text, apart = space.texts.get(task, ""), sorted(set(one.spans) ^ set(other.spans))
        told = list(dict.fromkeys(_quote(text[start:end]) or f"{start} to {end}" for start, end, _ in apart))
        more = len(told) - NAMED
        return f"{', '.join(told[:NAMED])} and {more} more" if more > 0 else ", ".join(told)

    def label_set(self, names: Sequence[str]) -> list[str]:
        """As they are."""
        return list(names)

    def overlapping(self, answer: Any) -> bool:
        """Whether one stretch begins before another has ended."""
        ordered = sorted(answer.spans)
        return any(one[1] > other[0] for one, other in pairwise(ordered))

    def differ(self, one: Any, other: Any, space: Space) -> float:
        """1 - strict F1."""
        alike = scoring.strict([one.spans], [other.spans]).f1
        return 0.0 if alike is None else 1 - alike

    def meets(self, answer: Any, condition: Any, space: Space) -> bool:
        """A stretch of each of these types is marked."""
        return set(condition) <= {label for _, _, label in answer.spans}

    def to_marks(self, answer: Any, space: Space) -> list[list[int]]:
        """[start, end, the type's place], in the order of the text."""
        return [list(span) for span in sorted(answer.spans)]

    def from_marks(self, marks: Any, space: Space, task: str = "") -> Stretches:
        """The stretches; with the length of the task's text where it is at hand."""
        spans = tuple((start, end, label) for start, end, label in marks)
        return Stretches(spans, len(space.texts.get(task, "")))

    def pack(self, answers: Sequence[Any], space: Space) -> Answers:
        """A list as it is."""
        return list(answers)

    def infer(self, table: AnswerTable, method: str, known: Known | None, seed: int) -> Opinion:
        """Candidates, the method on them, and the best stretches without overlap (`labeling.truth.spans`)."""
        marks = _marks(table)
        taught = None if known is None else inference.Known(known.task, [answer.spans for answer in known.answers])
        found = inference.infer(marks, method, taught, _words(table, marks), seed)
        sure = found.confidence * _nothing_missed(table, known)
        return Opinion(
            *(_whole(found.answers, table), sure, found.ties, found),
            *(found.iterations, found.converged, {"chosen": found.chosen} if method == inference.AUTO else {}),
        )

    def chances(self, opinion: Opinion, space: Space) -> list[list[float]]:
        """Of each marked stretch, with its type; 1 for those of known texts that nobody marked."""
        found: inference.Found = opinion.belief
        candidates = found.candidates
        places = zip(candidates.task.tolist(), candidates.start.tolist(), candidates.end.tolist(), strict=True)
        row = {place: at for at, place in enumerate(places)}
        return [
            [
                float(found.belief[row[task, start, end], label]) if (task, start, end) in row else 1.0
                for start, end, label in sorted(answer.spans)
            ]
            for task, answer in enumerate(opinion.answers)
        ]

    def doubt(self, opinion: Opinion) -> Floats:
        """Entropies of all candidates together, each of one type or none, as if each stood alone."""
        found: inference.Found = opinion.belief
        none = np.maximum(1 - found.belief.sum(axis=1, keepdims=True), 0.0)
        bits = entropy(np.concatenate([found.belief, none], axis=1))
        return np.bincount(found.candidates.task, bits, len(opinion.answers)).astype(np.float64)

    def baselines(self, table: AnswerTable) -> dict[str, Answers]:
        """Stretches that more than half marked alike, and three rules for single code points."""
        rules = {
            "exact_majority": characters.exact_majority,
            "majority_by_character": characters.by_majority,
            "half_by_character": characters.by_half,
            "token_dawid_skene": characters.by_dawid_skene,
        }
        marks = _marks(table)
        return {name: _whole(rule(marks), table) for name, rule in rules.items()}

    def score(self, answers: Answers, gold: Answers, space: Space) -> dict[str, Any]:
        """Strict and partial F1, with precision and recall by type, kappa over code points, and the share all right.

        Where nothing is marked and nothing is right, F1 is 1.
        """
        given, right = [one.spans for one in answers], [one.spans for one in gold]
        lengths = [max(_length(one), _length(other)) for one, other in zip(answers, gold, strict=True)]
        kinds = len(space.labels)
        exact, near = scoring.strict_by_type(given, right, kinds), scoring.partial_by_type(given, right, kinds)
        strict, partial = sum(exact, scoring.NOTHING), sum(near, scoring.NOTHING)
        return {
            "accuracy": float(np.mean([set(one) == set(other) for one, other in zip(given, right, strict=True)])),
            "span_f1": 1.0 if strict.f1 is None else strict.f1,
            "partial_f1": 1.0 if partial.f1 is None else partial.f1,
            "token_kappa": scoring.token_kappa(given, right, np.array(lengths, dtype=np.int32), kinds),
            "span_precision": strict.precision,
            "span_recall": strict.recall,
            "by_type": {label: _rates(exact[at], near[at]) for at, label in enumerate(space.labels)},
        }

    def variables(self, table: AnswerTable) -> Votes:
        """Each distinct stretch that somebody marked: its type, or none."""
        return find(_marks(table)).votes

    def agreement(self, table: AnswerTable, seed: int) -> dict[str, Any]:
        """Strict F1 and kappa over code points of every two annotators, with intervals, and the busiest pairs."""
        marks, names = _marks(table), table.annotators
        pairs = crowd_agreement.pairs_of([one.spans for one in table.answers], table.task, table.annotator, MOST_PAIRS)
        totals = np.bincount(marks.label, minlength=marks.n_labels)
        return {
            "pairwise_span_f1": coefficient_json(crowd_agreement.pairwise_f1(marks, seed)),
            "token_kappa": coefficient_json(crowd_agreement.token_kappa(marks, _lengths(table), seed)),
            "pairs": [{"a": names[one.a], "b": names[one.b], "n": one.n, "span_f1": one.f1} for one in pairs],
            "prevalence": dict(zip(table.space.labels, (totals / max(totals.sum(), 1)).tolist(), strict=True)),
        }

    def traits(self, answers: Answers, space: Space) -> tuple[tuple[str, ...], Bools]:
        """Which types occur."""
        occurs = np.zeros((len(answers), len(space.labels)), dtype=bool)
        for at, answer in enumerate(answers):
            occurs[at, [label for _, _, label in answer.spans]] = True
        return space.labels, occurs

    def gains(self, opinion: Opinion, table: AnswerTable, annotator: int, known: Known) -> Floats:
        """How many more stretches will be judged rightly, by the annotator's confusion matrix on known texts.

        Beside what may be judged otherwise counts what may be found: the share of right stretches that the annotator
        marks, times how many fewer are believed in than known texts have in as many code points.
        """
        found: inference.Found = opinion.belief
        candidates, n = found.candidates, len(table.tasks)
        right = [answer.spans for answer in known.answers]
        believed = np.bincount(candidates.task, found.belief.sum(axis=1), n)
        usual = sum(map(len, right)) / max(sum(_length(answer) for answer in known.answers), 1) * _lengths(table)
        worth: Floats = _recall(table, annotator, known) * np.maximum(usual - believed, 0.0)
        if not len(candidates):
            return worth
        labels = candidates.known(known.task, right)
        skills = confusion.shrunken(confusion.count_known(candidates.votes, labels))
        matrix = skills[annotator] if annotator < len(skills) else skills.mean(axis=0)  # it has answered nothing yet
        none = np.maximum(1 - found.belief.sum(axis=1, keepdims=True), 0.0)
        belief = np.concatenate([found.belief, none], axis=1)
        belief /= belief.sum(axis=1, keepdims=True)
        return worth + np.bincount(candidates.task, gain(belief, matrix), n)

    def part(self, answers: Answers, asked: Bools) -> Answers:
        """The whole answer: a text is read once."""
        return answers

    def schema(self, space: Space) -> dict[str, Any]:
        """Quotes with types, in the order of the text: models count code points badly."""
        told = {"quote": {"type": "string"}, "label": {"type": "string", "enum": list(space.labels)}}
        told["occurrence"] = {"type": "integer", "minimum": 1}
        quote = {"type": "object", "properties": told, "required": ["quote", "label"], "additionalProperties": False}
        whole = {"type": "object", "properties": {"spans": {"type": "array", "items": quote}}, "required": ["spans"]}
        return whole | {"additionalProperties": False}

    def from_reply(self, reply: Any, space: Space, task: str = "") -> Stretches:
        """The quotes found again: the n-th time a quote is listed, its n-th occurrence, unless it says which.

        Quotes that the text does not hold are left out, unless it holds none of them.
        """
        asked = quotes.listed(reply)
        found = quotes.found(asked, space.texts.get(task, ""))
        if asked and not found:
            raise UnusableAnswer("the text holds none of its quotes")
        return self.read(found, space, task)

    def as_reply(self, answer: Any, space: Space, task: str = "") -> Any:
        """Each stretch as a quote; which occurrence it is, where that does not follow from the order."""
        named = [(start, end, space.labels[label]) for start, end, label in answer.spans]
        return {"spans": quotes.quoted(named, space.texts[task])}

    def unread(self, reply: Any, space: Space, task: str = "") -> str:
        """How many quotes the text does not hold."""
        asked = quotes.listed(reply)
        lost = len(asked) - len(quotes.found(asked, space.texts.get(task, "")))
        return f"{lost} of {len(asked)} quotes are not in the text." if lost else ""


KIND = Spans()


def _quote(words: str) -> str:
    """Words of a text in quotation marks, "" for none."""
    plain = " ".join(words.split())
    return plain and f"“{plain if len(plain) <= LONGEST_QUOTE else plain[: LONGEST_QUOTE - 1] + '…'}”"


def _is_stretch(part: Any) -> bool:
    return isinstance(part, list | tuple) and len(part) == 3 and isinstance(part[2], str)


def _stretch(part: Any, labels: tuple[str, ...], text: str | None) -> tuple[int, int, int]:
    """One stretch, checked; every sentence holds for many stretches, so that they are told together."""
    if not _is_stretch(part) or any(isinstance(edge, bool) or not isinstance(edge, int) for edge in part[:2]):
        raise UnusableAnswer("a stretch is not [start, end, type] with whole numbers")
    start, end, name = part[0], part[1], clean(part[2])
    if name not in labels:
        raise UnusableAnswer(f"a stretch has a type that is none of {listed(labels)}")
    if start < 0 or start >= end:
        raise UnusableAnswer("a stretch does not begin before it ends, at 0 or later")
    if end > LONGEST:
        raise UnusableAnswer(f"a stretch ends behind the {LONGEST:,}th code point, and no text is that long")
    if text is not None and end > len(text):
        raise UnusableAnswer("a stretch ends behind its text; offsets count code points, and the end is exclusive")
    if text is not None and (_splits(text, start) or _splits(text, end)):
        raise UnusableAnswer("a stretch begins or ends inside a surrogate pair; offsets count code points")
    return start, end, labels.index(name)


def _splits(text: str, edge: int) -> bool:
    """Whether an edge lies between the halves of a character outside the basic plane."""
    return 0 < edge < len(text) and "\ud800" <= text[edge - 1] <= "\udbff" and "\udc00" <= text[edge] <= "\udfff"


def _marks(table: AnswerTable) -> Marks:
    sizes = len(table.tasks), len(table.annotators), len(table.space.labels)
    return marks_of([answer.spans for answer in table.answers], table.task, table.annotator, *sizes)


def _recall(table: AnswerTable, annotator: int, known: Known) -> float:
    """Share of right stretches of known texts that the annotator marked; half where it answered none of them."""
    right = dict(zip(known.task.tolist(), known.answers, strict=True))
    at = [entry for entry in np.flatnonzero(table.annotator == annotator).tolist() if table.task[entry] in right]
    pairs = [(table.answers[entry].spans, right[int(table.task[entry])].spans) for entry in at]
    recall = scoring.strict([one for one, _ in pairs], [other for _, other in pairs]).recall
    return 0.5 if recall is None else recall


def _nothing_missed(table: AnswerTable, known: Known | None) -> Floats:
    """The chance that no stretch escaped all who read a text, if each overlooks half; 1 for known texts, (n_tasks,)."""
    readers = np.bincount(table.task, minlength=len(table.tasks)).astype(np.float64)
    found: Floats = np.asarray(1 - OVERLOOKED**readers, dtype=np.float64)
    if known is not None:
        found[known.task] = 1.0
    return found


def _length(answer: Stretches) -> int:
    """Code points of the text; as far as it is marked where the text is not at hand."""
    return answer.length or max((end for _, end, _ in answer.spans), default=0)


def _lengths(table: AnswerTable) -> Ints:
    lengths = np.zeros(len(table.tasks), dtype=np.int32)
    np.maximum.at(lengths, table.task, np.array([_length(answer) for answer in table.answers], dtype=np.int32))
    return lengths


def _whole(answers: list[Answer], table: AnswerTable) -> list[Stretches]:
    lengths = _lengths(table).tolist()
    return [Stretches(tuple(answer), length) for answer, length in zip(answers, lengths, strict=True)]


def _words(table: AnswerTable, marks: Marks) -> Indexes | None:
    """Equal numbers for candidates that are the same words, (C,); None where a text is not at hand."""
    texts = [table.space.texts.get(task) for task in table.tasks]
    candidates = find(marks)
    places, found = zip(candidates.task.tolist(), candidates.start.tolist(), candidates.end.tolist(), strict=True), []
    for at, start, end in places:
        text = texts[at]
        if text is None:
            return None
        found.append(text[start:end].casefold())
    number = {words: at for at, words in enumerate(dict.fromkeys(found))}
    return np.array([number[words] for words in found], dtype=np.int64)


def _rates(strict: scoring.Rates, partial: scoring.Rates) -> dict[str, float | int | None]:
    return {
        "n": strict.right,
        "given": strict.given,
        **{"precision": strict.precision, "recall": strict.recall, "f1": strict.f1},
        **{"partial_precision": partial.precision, "partial_recall": partial.recall, "partial_f1": partial.f1},
    }
