"""What there is to say of a kind of answer so that every member of the crowd that can answers in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.crossfit import Fit, Floats, log_softmax
from labeling.crowd.redaction import Outgoing
from labeling.kinds.base import Space


@dataclass(frozen=True, slots=True)
class Wording:
    """`role` and `task`: the sentences before the labels. `form`: of a JSON reply. `plain`: of a reply in words.

    `reminder`: when the last reply could not be read. `names`: what stands in a completion before the answer.
    """

    role: str
    task: str
    form: str
    plain: str
    reminder: str
    names: str = "Label"


@dataclass(frozen=True, slots=True)
class Read:
    """`said`: the answer, in places of the text that was shown, or None; `label`: of one label its index.

    `note`: what of the reply was left out.
    """

    said: Any = None
    label: int | None = None
    note: str = ""


class Head(Protocol):
    """What was learned from the examples' features."""

    def __init__(self, fit: Fit, features: Any, brief: Brief, name: str) -> None: ...

    def answers(self, questions: Sequence[Question], features: Any, digits: int) -> list[Answer]:
        """An answer for each row of `features`, by a model that did not see its label; probabilities are rounded."""


class Scored(Protocol):
    """`continuations`: what the prompt may go on with. `whole`: their log-probabilities are compared in all, not on
    average of their tokens."""

    continuations: tuple[str, ...]
    whole: bool

    def answer(self, scores: Floats, digits: int) -> Answer:
        """The answer by the scores of the continuations; chances are rounded."""


Reader = Callable[[str, Brief, Question], Read]
"""From what a model wrote, its brief, and the question as it was shown, to what it says."""
Findings = Mapping[int, list[tuple[int, int]]]
"""Where what names a label was found in a text: (begin, end) in code points, none empty, by the label's place."""
Mover = Callable[[Any, Question, Outgoing, bool], Any]
"""An answer about a question as one about the question as it is sent, or back; True: outwards."""


def as_it_is(said: Any, question: Question, sent: Outgoing, outwards: bool) -> Any:
    """The mover of answers without places in a text."""
    return said


def as_read(brief: Brief, said: Any) -> str:
    """A known answer in words as people read it."""
    return brief.answers.words(said, brief.space)


def excluding(lead: Floats, scores: Floats) -> Floats:
    """Chances of labels that exclude each other, (n, K), by their scores."""
    return np.exp(log_softmax(scores))


@dataclass(frozen=True, slots=True)
class Ways:
    """How members of the crowd answer in one kind; None: members of that sort cannot.

    `able`: who can, in words. Asked in words: `wording` by what can be answered, `in_words` a known answer, `read` the
    reply, `move` its places in a text. `head`: learned from features of known answers. `scored`: by what a language
    model scores. `by_likeness`: by the chances that a text is like each label's description, (K,). Of trained
    classifiers: `by_classes`: by the chances of their classes, (K,), and the threshold of sets; `chances`: those by how
    far each label leads its absence and by its score, (n, K) both; `by_number`: by one number and the two that stand
    for the ends. `tagged`: an answer is stretches of text, which taggers of words mark.
    Of rules that are written down: `by_findings`: by a text, where something that names a label stands in it, and how
    many labels there are. `form`: what a program is to answer, in words.
    """

    name: str
    able: str
    wording: Callable[[Space], Wording]
    read: Reader
    in_words: Callable[[Brief, Any], str] = as_read
    move: Mover = as_it_is
    head: type[Head] | None = None
    scored: Callable[[Brief], Scored] | None = None
    by_likeness: Callable[[Floats], Answer] | None = None
    by_classes: Callable[[Floats, Brief, float], Answer] | None = None
    chances: Callable[[Floats, Floats], Floats] = excluding
    by_number: Callable[[Floats, float, float, Brief], list[Answer]] | None = None
    tagged: bool = False
    by_findings: Callable[[str, Findings, int], Answer] | None = None
    form: str = "an answer"
