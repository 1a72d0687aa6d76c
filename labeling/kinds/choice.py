"""One label out of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labeling.kinds.base import Answers, AnswerTable, Form, Known, NoAnswer, Opinion, Space, UnusableAnswer
from labeling.kinds.cells import Meaning, Rules, clean, decide, listed
from labeling.kinds.coefficients import coefficient_json
from labeling.truth import agreement, confusion, methods
from labeling.truth.bayes import gain
from labeling.truth.belief import entropy
from labeling.truth.votes import Bools, Floats, Votes


class Choice:
    """One label: an answer is its index among the labels."""

    name = "choice"
    called = "one label"
    form: Form = "cell"
    field = "label"
    methods = ("auto", *methods.NAMES[:-1])
    metrics = ("accuracy",)
    parts = False
    one_label = True
    in_text = False
    fewest_labels = 2

    def named(self, raw: Any) -> Sequence[str]:
        """The one label."""
        return [str(raw)]

    def respelled(self, raw: Any, names: Mapping[str, str]) -> Any:
        """The label in its one spelling."""
        return names.get(str(raw), raw)

    def meaning(self, occurring: Mapping[str, int], rules: Rules) -> Meaning:
        """Equal numbers are one label, and where asked for names that differ in case alone."""
        return decide(occurring, rules)

    def space(self, meaning: Meaning, rules: Rules, texts: Mapping[str, str]) -> Space:
        """The label set, else what occurs, sorted."""
        return Space(rules.labels or tuple(meaning.names()), texts=texts)

    def read(self, raw: Any, space: Space, task: str = "") -> int:
        """A label's index."""
        name = clean(str(raw))
        if not name:
            raise NoAnswer("it is blank")
        if name not in space.labels:
            raise UnusableAnswer(f"{name!r} is none of the labels {listed(space.labels)}")
        return space.labels.index(name)

    def written(self, answer: Any, space: Space) -> list[Any]:
        """The label."""
        return [space.labels[int(answer)]]

    def words(self, answer: Any, space: Space) -> str:
        """The label."""
        return space.labels[int(answer)]

    def briefly(self, answer: Any, space: Space) -> str:
        """The label."""
        return self.words(answer, space)

    def contrast(self, one: Any, other: Any, space: Space, task: str = "") -> str:
        """Both labels."""
        return f"{self.words(one, space)} and {self.words(other, space)}"

    def label_set(self, names: Sequence[str]) -> list[str]:
        """As they are."""
        return list(names)

    def overlapping(self, answer: Any) -> bool:
        """Never."""
        return False

    def differ(self, one: Any, other: Any, space: Space) -> float:
        """1 where the labels differ."""
        return float(one != other)

    def meets(self, answer: Any, condition: Any, space: Space) -> bool:
        """The label is that one."""
        return bool(int(answer) == condition)

    def to_marks(self, answer: Any, space: Space) -> int:
        """The label's index."""
        return int(answer)

    def from_marks(self, marks: Any, space: Space, task: str = "") -> int:
        """The same."""
        return int(marks)

    def pack(self, answers: Sequence[Any], space: Space) -> Answers:
        """Indexes, (E,)."""
        return np.asarray(answers, dtype=np.int32)

    def infer(self, table: AnswerTable, method: str, known: Known | None, seed: int) -> Opinion:
        """The method on the votes as they are."""
        votes, labels = self.variables(table), None
        if known is not None:
            labels = np.full(len(table.tasks), -1, dtype=np.int32)
            labels[known.task] = known.answers
        found = methods.method(method)(votes, known=labels, seed=seed)
        confidence = found.belief.max(axis=1)
        return Opinion(
            found.labels(), confidence, found.ties(), found.belief, found.iterations, found.converged, found.details
        )

    def chances(self, opinion: Opinion, space: Space) -> list[list[float]]:
        """Of each label."""
        rows: list[list[float]] = opinion.belief.tolist()
        return rows

    def doubt(self, opinion: Opinion) -> Floats:
        """Entropy."""
        return entropy(opinion.belief)

    def baselines(self, table: AnswerTable) -> dict[str, Answers]:
        """The majority vote."""
        return {"majority_vote": methods.method("majority_vote")(self.variables(table)).labels()}

    def score(self, answers: Answers, gold: Answers, space: Space) -> dict[str, float | None]:
        """The share of right labels."""
        return {"accuracy": float((np.asarray(answers) == np.asarray(gold)).mean())}

    def variables(self, table: AnswerTable) -> Votes:
        """The answers themselves."""
        sizes = len(table.tasks), len(table.annotators), len(table.space.labels)
        return Votes(table.task, table.annotator, np.asarray(table.answers, dtype=np.int32), *sizes)

    def agreement(self, table: AnswerTable, seed: int) -> dict[str, Any]:
        """The four coefficients."""
        found = agreement.summarise(self.variables(table), seed=seed)
        four = {
            "raw_agreement": found.raw,
            "fleiss_kappa": found.fleiss,
            "krippendorff_alpha": found.alpha,
            "gwet_ac1": found.ac1,
        }
        return {key: coefficient_json(one) for key, one in four.items()}

    def traits(self, answers: Answers, space: Space) -> tuple[tuple[str, ...], Bools]:
        """Which label it is."""
        return space.labels, np.asarray(answers)[:, None] == np.arange(len(space.labels))

    def gains(self, opinion: Opinion, table: AnswerTable, annotator: int, known: Known) -> Floats:
        """How much likelier the label becomes to be right, by the annotator's confusion matrix on known tasks."""
        labels = np.full(len(table.tasks), -1, dtype=np.int32)
        labels[known.task] = known.answers
        matrix = confusion.shrunken(confusion.count_known(self.variables(table), labels))[annotator]
        return gain(opinion.belief, matrix)

    def part(self, answers: Answers, asked: Bools) -> Answers:
        """The whole answer: it has one part."""
        return answers

    def schema(self, space: Space) -> dict[str, Any]:
        """One of the labels."""
        label = {"type": "string", "enum": list(space.labels)}
        return {"type": "object", "properties": {"label": label}, "required": ["label"], "additionalProperties": False}

    def from_reply(self, reply: Any, space: Space, task: str = "") -> int:
        """The label that was named."""
        if not isinstance(reply, dict) or "label" not in reply:
            raise UnusableAnswer("it is no object with a label")
        return self.read(reply["label"], space)

    def as_reply(self, answer: Any, space: Space, task: str = "") -> Any:
        """The label, named."""
        return {"label": space.labels[int(answer)]}

    def unread(self, reply: Any, space: Space, task: str = "") -> str:
        """Nothing: a reply is read whole or not at all."""
        return ""


KIND = Choice()
