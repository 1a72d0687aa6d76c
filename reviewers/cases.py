"""What an expert sees of a case: who said what, how much they can be trusted, what was settled before."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from labeling.models import Annotator, Belief, Escalation, Label, Question, Task, Vote
from labeling.money import ledger
from reviewers import clones
from reviewers.cards.asked import Asked, asked_of, raw_of, terms_of
from reviewers.cards.registry import form
from reviewers.desk import paused_since, why_paused
from reviewers.guide import Entry, guide
from reviewers.models import Assignment
from reviewers.neighbours import Near, settled_before
from reviewers.notices import Notice
from reviewers.quality import Progress, Share, accuracy_on_gold, progress
from reviewers.queue import claiming, holding, undoing
from reviewers.sides.registry import Column, sides

Kind = Annotator.Kind
ORDER = {Kind.EXPERT: 0, Kind.PERSON: 1, Kind.PAID: 2, Kind.MODEL: 3}
REASONS = ("reason", "rationale", "explanation", "why", "because")
UNLIKELY = 0.05
LONGEST_WORDS = 400


@dataclass(frozen=True, slots=True)
class Voice:
    """One vote as a chip: who, how sure by their own account (None: not told), their words, what they answered in
    brief ("" for an abstention), their record."""

    vote: Vote
    sure: float | None
    words: str
    brief: str = ""
    record: Share | None = None

    @property
    def annotator(self) -> Annotator:
        return self.vote.annotator

    @property
    def on(self) -> str:
        """What the record was measured on: people on gold, models on checks they could not learn from."""
        return "gold" if self.annotator.kind in (Kind.PERSON, Kind.EXPERT) else "checks"


@dataclass(frozen=True, slots=True)
class Family:
    """Models that err together and voted alike; `worth` votes together."""

    voices: list[Voice]
    worth: float


@dataclass(frozen=True, slots=True)
class Row:
    """One label: how much the belief gives it (None: no belief yet), who is for it, who would be overruled by it."""

    label: Label
    share: float | None
    voices: list[Voice]
    families: list[Family]
    overruled: list[Voice]

    @property
    def low(self) -> bool:
        return not self.voices and not self.families and self.share is not None and self.share < UNLIKELY


@dataclass(frozen=True)
class Case:
    """One case, laid out. `assignment` is None where it is only read.

    `own_words`: what the expert answered as an annotator, where that is one of the answers in dispute. `sides`: what
    the template of the kind shows of all answers together; `begin`: the answer to begin with, in its raw form.
    """

    question: Escalation
    assignment: Assignment | None
    belief: Belief | None
    asked: Asked
    rows: list[Row]
    sides: dict[str, Any]
    silent: list[Voice]
    said: list[Voice]
    near: list[Near]
    guide: list[Entry]
    guide_words: str = ""
    own_words: str = ""
    begin: Any = None
    key: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def task(self) -> Task:
        return self.question.task

    @property
    def labels(self) -> Sequence[Label]:
        return self.asked.labels

    @property
    def template(self) -> str:
        return f"reviewers/sides/{self.asked.kind}.html"

    @cached_property
    def more(self) -> dict[str, Any]:
        """What the controls of the kind show to begin with."""
        return form(self.asked.kind).shown(self.begin, self.asked)

    @property
    def several(self) -> bool:
        """Whether the project asks several questions, so that the one in dispute has to be named."""
        return self.task.project.questions.count() > 1

    @property
    def most_bits(self) -> float:
        """The entropy of knowing nothing; 0 where answers are more than one label."""
        return math.log2(len(self.labels)) if terms_of(self.asked).kind.one_label else 0.0


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a case that an expert looks at: theirs, a colleague's, free, or closed."""

    question: Escalation
    mine: bool
    holder: Assignment | None
    settled_by: Assignment | None

    @property
    def closed(self) -> bool:
        return self.question.state != Escalation.State.OPEN


@dataclass(frozen=True, slots=True)
class Bench:
    """The expert's page: the case in hand, the last one settled, who else is at work.

    `at`: when it was laid out, in seconds since 1970.
    """

    expert: Annotator
    case: Case | None
    fate: Fate | None
    last: Assignment | None
    colleagues: list[Assignment]
    progress: Progress
    notice: Notice | None = None
    blocked: str = ""
    at: float = field(default_factory=time.time)

    @property
    def paused_since(self) -> datetime | None:
        """Since when a pause keeps cases from this expert."""
        return paused_since(self.expert)

    @property
    def why_paused(self) -> str:
        """Why this expert's own cases rest; empty where they do not."""
        return why_paused(self.expert)


def open_bench(
    expert: Annotator,
    wanted: Escalation | None = None,
    *,
    at_work: bool = False,
    notice: Notice | None = None,
    taken: int | None = None,
    begin: Any = None,
) -> Bench:
    """Lay out the next case, or the one wanted if it is free; one that a colleague has is shown to be read.

    `at_work`: the case is begun at once; otherwise with the first sign of work. `taken`: the key of a vote on it whose
    answer is to begin with; `begin`: a raw answer to begin with.
    """
    held, blocked = None, ""
    try:
        held = claiming.pick(expert, wanted) if wanted else next(iter(claiming.hand_out(expert, at_work=at_work)), None)
    except ledger.Refused as reason:
        blocked = str(reason)
    question = held.escalation if held else wanted
    if question and taken is not None and question.reason != Escalation.Reason.AUDIT:
        vote = question.task.votes.current().filter(pk=taken).select_related("label").first()
        begin = raw_of(vote, asked_of(question.task))
    case = lay_out(question, held, begin) if question else None
    last = next(iter(undoing.last_answers(expert, 1)), None)
    stands = fate(question, expert) if question else None
    return Bench(expert, case, stands, last, colleagues(expert), progress(expert), notice, blocked)


def fate(question: Escalation, expert: Annotator) -> Fate:
    """Where a case stands now, seen by one expert."""
    answered = Assignment.objects.filter(escalation=question, state=Assignment.State.ANSWERED)
    return Fate(
        question,
        holding.desk_of(expert).filter(escalation=question).exists(),
        holding.holder(question, besides=expert),
        answered.select_related("annotator", "vote__label", "escalation__task__question").last(),
    )


def colleagues(expert: Annotator) -> list[Assignment]:
    """Who else has a case of this project open now."""
    held = Assignment.objects.unexpired().in_project(expert.project_id).filter(annotator__kind=expert.kind)
    return list(held.exclude(annotator=expert).with_task().order_by("pk"))


def lay_out(question: Escalation, held: Assignment | None, begin: Any = None) -> Case:
    """Put everything known about a case side by side; of a random check, what others said stays hidden.

    `begin`: the answer to begin with, in its raw form; None for none.
    """
    task, asked = question.task, asked_of(question.task)
    blind = question.reason == Escalation.Reason.AUDIT
    belief = None if blind else Belief.objects.filter(task=task).select_related("label").first()
    voices = [] if blind else voices_on(task, asked)
    given = [voice for voice in voices if voice.brief]
    rows, read = _rows(task, asked.labels, belief, given), guide(task.project)
    beside = sides(asked.kind).lay_out(asked, _columns(given, asked), belief)
    return Case(
        question=question,
        assignment=held,
        belief=belief,
        asked=asked,
        rows=rows,
        sides=beside,
        silent=[voice for voice in voices if not voice.brief],
        said=_heard([voice for voice in given if voice.words or voice.on == "gold"], task.question),
        near=[] if blind else settled_before(task),
        guide=read.of(beside.get("labels") or _disputed(rows)),
        guide_words=read.words_on(task.question_id),
        own_words=_own(voices, held.annotator) if held else "",
        begin=begin,
    )


def _columns(voices: list[Voice], asked: Asked) -> list[Column]:
    terms = terms_of(asked)
    return [Column(voice.vote, terms.answer(voice.vote)) for voice in voices]


def _own(voices: list[Voice], expert: Annotator) -> str:
    """What this expert answered as an annotator, "" for nothing."""
    theirs = (one for one in voices if one.annotator.user_id == expert.user_id and one.annotator != expert)
    return next((one.vote.label.name if one.vote.label else one.brief for one in theirs if one.brief), "")


def voices_on(task: Task, asked: Asked) -> list[Voice]:
    """The current votes on a task: experts, people, paid models, models; the surest first within each."""
    places, terms = {label.pk: place for place, label in enumerate(asked.labels)}, terms_of(asked)

    def voice(vote: Vote) -> Voice:
        brief = vote.label.brief if vote.label else terms.briefly(vote)
        return Voice(vote, own_confidence(vote, places), own_words(vote), brief)

    voices = list(map(voice, task.votes.current().select_related("annotator", "label")))
    return sorted(voices, key=lambda voice: (ORDER[Kind(voice.annotator.kind)], -(voice.sure or 0), voice.vote.pk))


def own_confidence(vote: Vote, places: dict[int, int]) -> float | None:
    """The probability the annotator itself gave its label."""
    if vote.label_id is None or not vote.probabilities:
        return None
    return float(vote.probabilities[places[vote.label_id]])


def own_words(vote: Vote) -> str:
    """A person's note, or a model's reason; empty where it said no more than the label."""
    raw = vote.raw.strip()
    if vote.annotator.kind in (Kind.PERSON, Kind.EXPERT) or (vote.label is None and vote.marks is None):
        return raw[:LONGEST_WORDS]
    try:
        told = json.loads(raw[raw.find("{") : raw.rfind("}") + 1])
    except ValueError:
        return raw[:LONGEST_WORDS] if vote.label and len(raw) > 2 * len(vote.label.name) + 20 else ""
    words = [told[name] for name in REASONS if isinstance(told, dict) and isinstance(told.get(name), str)]
    return words[0].strip()[:LONGEST_WORDS] if words else ""


def _rows(task: Task, labels: Sequence[Label], belief: Belief | None, voices: list[Voice]) -> list[Row]:
    """One row per label, the most believed first; none where answers are more than one label of a choice."""
    if not task.question.votes_are_enough:
        return []
    given = [voice for voice in voices if voice.vote.label_id]
    kin = clones.kin(task.batch)
    rows = []
    for place, label in enumerate(labels):
        mine = [voice for voice in given if voice.vote.label_id == label.pk]
        alone, families = _families(mine, kin)
        people = [voice for voice in given if voice.on == "gold" and voice.vote.label_id != label.pk]
        rows.append(Row(label, belief.probabilities[place] if belief else None, alone, families, people))
    return sorted(rows, key=lambda row: (-(row.share or 0), -len(row.voices)))


def _disputed(rows: list[Row]) -> set[int]:
    """The labels people chose, with the most believed one; none where there are no rows.

    The two most believed where people are of one mind.
    """
    if not rows:
        return set()
    chosen = {row.label.pk for row in rows if any(voice.on == "gold" for voice in row.voices)} | {rows[0].label.pk}
    return chosen if len(chosen) > 1 else {row.label.pk for row in rows[:2]}


def _families(voices: list[Voice], kin: clones.Kin) -> tuple[list[Voice], list[Family]]:
    """Voices that count by themselves, and families of two or more with what they are worth together."""
    groups: dict[int, list[Voice]] = defaultdict(list)
    for voice in voices:
        if voice.annotator.pk in kin.family:
            groups[kin.family[voice.annotator.pk]].append(voice)
    large = [group for group in groups.values() if len(group) > 1]
    bound = {voice.vote.pk for group in large for voice in group}
    families = [Family(group, kin.worth([voice.annotator.pk for voice in group])) for group in large]
    return [voice for voice in voices if voice.vote.pk not in bound], families


def _heard(voices: list[Voice], question: Question) -> list[Voice]:
    """The same voices with their records on known answers to this question."""
    records = accuracy_on_gold([voice.annotator for voice in voices], question)
    return [replace(one, record=records.get(one.annotator.pk)) for one in voices]
