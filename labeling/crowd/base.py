"""The words in which annotators are asked and answer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from labeling.crowd.errors import CrowdError, Misconfigured, NotAsked, unforeseen
from labeling.crowd.label_set import LabelSet as LabelSet
from labeling.crowd.pictures import Picture as Picture
from labeling.kinds.base import Kind, Space, UnusableAnswer
from labeling.kinds.cells import Meaning, Rules
from labeling.kinds.registry import ONE_LABEL, has_one_label, kind

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to label: `task` names it, `parts` are its (title, text) pairs in reading order, `images` its pictures.

    Offsets of stretches count the code points of `text`. `about`: of a voter that was prepared for several questions
    (`Together`) the places of those that are asked; () for the one of any other.
    """

    task: str
    parts: tuple[tuple[str, str], ...]
    images: tuple[Picture, ...] = ()
    about: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The texts of all parts, one under the other, without titles."""
        return "\n".join(text for _, text in self.parts)

    @property
    def content(self) -> str:
        """A hash of texts and images, blind to case and spacing: equal ones are one question."""
        folded = "\x1f".join(" ".join(text.casefold().split()) for _, text in self.parts)
        folded += "".join(f"\x1e{image.key}" for image in self.images)
        return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Example:
    """A question whose answer is known: `said` is the answer as its kind reads it; of one label, `label` is its index.

    Examples are compared by question and label alone.
    """

    question: Question
    label: int = -1
    said: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.said is None and self.label >= 0:
            object.__setattr__(self, "said", self.label)


Stays = Callable[[Sequence[Question]], Collection[str]]
"""Names the tasks among these questions whose texts must not leave this machine, as things stand at this moment."""


def nothing_stays(_: Sequence[Question]) -> Collection[str]:
    """Every text may leave."""
    return ()


@dataclass(frozen=True, slots=True)
class Brief:
    """What a voter may know before it votes.

    `examples`: the validation slice, the only known labels; a voter that learns from it must not
    answer an example by a model that saw its label. `texts`: unlabeled questions, usually the whole
    batch, for vocabulary and word statistics. `hide_personal_data`: texts leave this machine only with
    placeholders for e-mail addresses, phone numbers and the like. `stays` is asked before each call to another machine.
    `kind`: the kind of the answers, by its name in `labeling.kinds`; of a scale the labels are steps or the two ends.
    `wording`: the question itself, where it is no part of the instructions. `values`: where the labels stand, upwards,
    for steps whose names do not say it.
    `shared`: what of the instructions is the same for all questions of a project, as it stands there.
    `lessons`: tasks among the examples that are shown before others, since annotators err there again and again.
    Answers depend on the brief and the question alone.
    """

    labels: LabelSet
    instructions: str = ""
    examples: tuple[Example, ...] = ()
    texts: tuple[Question, ...] = ()
    seed: int = 0
    hide_personal_data: bool = True
    stays: Stays = field(default=nothing_stays, repr=False, compare=False)
    kind: str = ONE_LABEL
    wording: str = ""
    values: tuple[float, ...] = ()
    shared: str = field(default="", repr=False, compare=False)
    lessons: frozenset[str] = frozenset()

    @property
    def answers(self) -> Kind:
        """The kind of the answers."""
        return kind(self.kind)

    @property
    def space(self) -> Space:
        """What can be answered, without texts. Raises Misconfigured where the labels do not suit the kind."""
        return Space(self.labels.names, self.values) if self.values else _space(self.kind, self.labels.names)

    def space_of(self, question: Question) -> Space:
        """What can be answered to one question, with its text."""
        space = self.space
        return Space(space.labels, space.values, {question.task: question.text})

    def written(self, example: Example) -> str:
        """The known answer as files hold it, for hashes and for telling equal answers."""
        return json.dumps(self.answers.written(example.said, self.space))

    def mark(self, example: Example) -> int | str:
        """The known answer in a hash: of one label its index."""
        return example.label if has_one_label(self.kind) else self.written(example)

    def fingerprint(self) -> str:
        """A short hash of everything a voter may learn from, for the provenance of its votes."""
        parts = [repr(self.labels), self.instructions, str(self.seed)]
        parts += [] if has_one_label(self.kind) else [self.kind]
        parts += [self.wording] if self.wording else []
        parts += [repr(self.values)] if self.values else []
        parts += [repr(sorted(self.lessons))] if self.lessons else []
        parts += [f"{example.question.content}={self.mark(example)}" for example in self.examples]
        parts += [question.content for question in self.texts]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


@lru_cache(maxsize=64)
def _space(name: str, labels: tuple[str, ...]) -> Space:
    try:
        return kind(name).space(Meaning({}), Rules(labels=labels), {})
    except UnusableAnswer as error:
        raise Misconfigured(f"These labels cannot be asked for: {error}.") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What a voter said to one question, and what it took.

    `label`: index into the label set, or None for an abstention and for kinds of more than one label. `said`: the
    answer as the kind's `read` returns it, None for an abstention; an empty set or no stretch is an answer.
    `probabilities`: one for each label or step, summing to 1; of `choices` each label's own chance; of `spans` one for
    each stretch; or None. `raw`: what a model wrote, shortened. `input_tokens`,
    `output_tokens`, `cost_microdollars`: over all `attempts`. `model`: name and version of what
    answered. `note`: what a reader should know, for example that the text was shortened.
    `hidden`: how many values of each kind were hidden from the voter (see `redaction`). `unreadable`: it answered, and
    what it wrote names no label. `parts`: of a call that asked several questions the answer to each of them, with its
    share of what the call took; this one then says nothing itself, and holds what the whole call took.
    """

    label: int | None
    probabilities: tuple[float, ...] | None = None
    raw: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    attempts: int = 1
    seconds: float = 0.0
    cost_microdollars: int = 0
    model: str = ""
    prompt_version: str = ""
    note: str = ""
    hidden: Mapping[str, int] = field(default_factory=dict)
    unreadable: bool = False
    said: Any = field(default=None, compare=False)
    parts: tuple[Answer, ...] = ()

    def __post_init__(self) -> None:
        if self.said is None and self.label is not None:
            object.__setattr__(self, "said", self.label)

    @property
    def each(self) -> tuple[Answer, ...]:
        """The answers to the questions that were asked, one or several."""
        return self.parts or (self,)


@runtime_checkable
class Voter(Protocol):
    """Whoever can vote. `outside`: texts leave this machine and its private network.

    `kinds`: the kinds of answers it can give, by name. `sees`: it reads images.
    """

    name: str
    outside: bool
    kinds: frozenset[str]
    sees: bool

    def prepare(self, brief: Brief) -> None:
        """Load and learn what `answer` needs; raises CrowdError where this voter cannot serve."""

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """One answer for each question, in order and as soon as it is known; raises CrowdError at the first failure."""


Pulse = Callable[[], bool]
"""Called about every half second while answers are awaited; False means that no new call may begin."""


def unstopped() -> bool:
    """The pulse of whoever never stops."""
    return True


More = Callable[[Question, int], bool]
"""Called before a question is asked once more, with the micro-dollars it can then have cost in all; False: do not."""


def granted(_question: Question, _microdollars: int) -> bool:
    """The answer of whoever has no cap to keep."""
    return True


@runtime_checkable
class ConcurrentVoter(Voter, Protocol):
    """A voter with several questions on their way at once, so that one failure does not hide other answers."""

    def outcomes(
        self, questions: Iterable[Question], pulse: Pulse = unstopped, more: More = granted
    ) -> Iterator[Answer | CrowdError]:
        """One answer or one error for each question, in order; nothing is raised.

        `questions` is read one at a time, each right before its call.
        """


@runtime_checkable
class Together(ConcurrentVoter, Protocol):
    """A voter that answers several questions about one thing in one call."""

    def together(self, others: Sequence[Voter]) -> ConcurrentVoter:
        """The same voter for its own question and those that the `others` were prepared for, in this order.

        It is asked by `Question.about`, and its answers have `parts`, one for each question asked.
        """


def or_raised(told: Iterable[Answer | CrowdError]) -> Iterator[Answer]:
    """The answers in order; raises the first CrowdError."""
    for outcome in told:
        if isinstance(outcome, CrowdError):
            raise outcome
        yield outcome


def outcomes(
    voter: Voter, questions: Iterable[Question], pulse: Pulse = unstopped, more: More = granted
) -> Iterator[Answer | CrowdError]:
    """One answer or one error for each question, in order, from any voter; nothing that a voter does is raised.

    After a voter without `outcomes` of its own fails, the questions behind the failure are NotAsked. An error of
    another sort is Unforeseen for every question that was on its way; errors of `questions`, `pulse` and `more` are
    raised.
    """
    handed = _Handed(iter(questions), pulse, more)
    done = 0
    try:
        for outcome in _told(voter, handed):
            done += 1
            yield outcome
    except Exception as error:
        if handed.broken:
            raise
        log.exception("%s", voter.name.partition("?")[0])
        for _ in range(max(handed.count - done, 1)):
            yield unforeseen(error, voter.name)


def _told(voter: Voter, handed: _Handed) -> Iterator[Answer | CrowdError]:
    if isinstance(voter, ConcurrentVoter):
        yield from voter.outcomes(handed, handed.pulse, handed.more)
        return
    questions, done = list(handed), 0
    try:
        for answer in voter.answer(questions):
            done += 1
            yield answer
    except CrowdError as error:
        yield error
        for _ in questions[done + 1 :]:
            yield NotAsked(f"Not asked, because an earlier question failed: {error}")


@dataclass(slots=True)
class _Handed:
    """Questions as they are handed to a voter: how many, and whether they broke off by an error of their own."""

    questions: Iterator[Question]
    asks: Pulse
    grants: More
    count: int = 0
    broken: bool = False

    def __iter__(self) -> Iterator[Question]:
        return self

    def __next__(self) -> Question:
        try:
            question = next(self.questions)
        except StopIteration:
            raise
        except Exception:
            self.broken = True
            raise
        self.count += 1
        return question

    def pulse(self) -> bool:
        try:
            return self.asks()
        except Exception:
            self.broken = True
            raise

    def more(self, question: Question, microdollars: int) -> bool:
        try:
            return self.grants(question, microdollars)
        except Exception:
            self.broken = True
            raise
