"""Mistakes that recur, of each annotator and of the crowd together: what they are, on which tasks, and a sentence.

They are sought on tasks whose answer is known and may teach: those of the file's slice, and those that people settled.
Of one label a mistake is a cell of the confusion matrix; of other kinds a part that is often left out, or often said
where it does not belong. The crowd is the plain majority of its models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray

from labeling import known
from labeling.kinds.base import AnswerTable
from labeling.models import Annotator, Decision, Label, Mistake, Question, Task
from labeling.models.mistake import MistakeQuerySet
from labeling.reports import kept
from labeling.rounds import kind_weighing
from labeling.truth import mistakes
from labeling.truth.mistakes import Cell
from labeling.truth.votes import Bools, Floats

MOST_SHOWN = 12
MOST_EXAMPLES = 3
MOST_WORDS, LEAST_TEXTS = 3, 2
AGAIN = 2
"""A mistake that was judged is shown again once it has so many times as many cases."""
LONG_WORD = 5
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Recurring:
    """A mistake. `annotator`: None of the crowd together. `truth`, `said`: in words. `tasks`: its cases, by key.

    `sentence`: what could stand in the guidelines; `examples`: some of its cases.
    """

    annotator: Annotator | None
    truth: str
    said: str
    cell: Cell
    tasks: tuple[int, ...]
    sentence: str = ""
    examples: tuple[Task, ...] = ()

    @property
    def key(self) -> str:
        """What names it in a form: annotator, or 0, and both places."""
        return f"{self.annotator.pk if self.annotator else 0}-{self.cell.truth}-{self.cell.said}"

    @property
    def more(self) -> int:
        """How many cases are not among the examples."""
        return len(self.tasks) - len(self.examples)


def waiting(question: Question) -> list[Recurring]:
    """Those that nobody has judged yet, or that have grown since; the fullest first, with sentence and examples.

    Kept while nothing changes.
    """
    last = Mistake.objects.filter(question=question).aggregate(top=Max("pk"))["top"]
    told = tuple((label.name, label.description) for label in question.label_list())
    name = f"mistakes.{question.project_id}.{question.project.created_at.timestamp()}.{question.position}.{last or 0}"
    return kept.keep(name, (kept.version(), told), lambda: _waiting(question))


def _waiting(question: Question) -> list[Recurring]:
    found = [one for one in recurring(question) if not _judged(question, one)]
    return [_told(question, one) for one in sorted(found, key=lambda one: -one.cell.cases)[:MOST_SHOWN]]


def judged(question: Question) -> MistakeQuerySet:
    """Those that somebody has judged, the newest first."""
    found = Mistake.objects.filter(question=question).select_related("annotator", "by", "guideline")
    return found.order_by("-pk")


def named(question: Question, key: str) -> Recurring | None:
    """The one that a form names, as it is now."""
    return next((_told(question, one) for one in recurring(question) if one.key == key), None)


def recurring(question: Question) -> Iterator[Recurring]:
    """All there are now."""
    labels = question.label_list()
    rights = {one.task: one.plain for one in known.rights(question)}
    table = kind_weighing.answers(question, labels, sorted(rights)) if rights and labels else None
    if table is None or not len(table.task):
        return
    side = _Side(question, table, rights)
    for annotator, tasks, said in side.parties():
        yield from _of(question, labels, annotator, tasks, said, side.true[tasks], side)


def _of(
    question: Question,
    labels: Sequence[Label],
    annotator: Annotator | None,
    tasks: Places,
    said: Bools,
    true: Bools,
    side: _Side,
) -> Iterator[Recurring]:
    """The mistakes of one party; `said` and `true`: (n, P) traits of its answers and of the truth, on `tasks`, (n,)."""
    if question.one_label:
        counts = (true.T.astype(np.float64)) @ said
        for cell in mistakes.recurring(counts):
            where = true[:, cell.truth] & said[:, cell.said]
            names = labels[cell.truth].name, labels[cell.said].name
            yield Recurring(annotator, *names, cell, side.keys(tasks[where]))
        return
    tables = np.stack([_two_by_two(said[:, part], true[:, part]) for part in range(said.shape[1])])
    usual = mistakes.even_rate(tables)
    for part, name in enumerate(side.names):
        for cell in mistakes.recurring(tables[part], usual):
            where = (true[:, part] == bool(cell.truth)) & (said[:, part] == bool(cell.said))
            words = (name, "left out") if cell.truth else (f"no {name}", name)
            placed = Cell(2 * part + cell.truth, 2 * part + cell.said, *_rest(cell))
            yield Recurring(annotator, *words, placed, side.keys(tasks[where]))


def _rest(cell: Cell) -> tuple[int, int, float, float, float]:
    return cell.cases, cell.of, cell.low, cell.high, cell.expected


def _two_by_two(said: Bools, true: Bools) -> Floats:
    """Row = truth, column = answer; no first, then yes."""
    table = np.zeros((2, 2))
    np.add.at(table, (true.astype(int), said.astype(int)), 1)
    return table


class _Side:
    """The known tasks with the traits of their true answers, and who answered what."""

    def __init__(self, question: Question, table: AnswerTable, rights: dict[int, object]) -> None:
        kind, space = question.answers, table.space
        self._question, self._table = question, table
        self.names, self._said = kind.traits(table.answers, space)
        order = [int(name) for name in table.tasks]
        packed = kind.pack([kind.from_marks(rights[key], space, str(key)) for key in order], space)
        self.true: Bools = kind.traits(packed, space)[1]
        self._order = np.array(order, dtype=np.int64)

    def keys(self, places: Places) -> tuple[int, ...]:
        return tuple(self._order[places].tolist())

    def parties(self) -> Iterator[tuple[Annotator | None, Places, Bools]]:
        """Everybody with the tasks they answered and what they said there; the crowd's majority first."""
        people = Annotator.objects.in_bulk([int(name) for name in self._table.annotators])
        settled = _settled_by(self._question)
        voters = [people[int(name)] for name in self._table.annotators]
        models = np.array([one.kind == Annotator.Kind.MODEL for one in voters], dtype=np.bool_)
        if models.sum() > 1:
            yield (None, *self._majority(models[self._table.annotator]))
        for place, one in enumerate(voters):
            at = np.flatnonzero(self._table.annotator == place)
            own = np.array([settled.get(int(self._order[self._table.task[n]])) == one.pk for n in at], dtype=np.bool_)
            mine = at[~own] if len(at) else at
            yield one, self._table.task[mine].astype(np.intp), self._said[mine]

    def _majority(self, which: Bools) -> tuple[Places, Bools]:
        """What most models say: the label that more of them name than any other, or each part that over half do."""
        task, said = self._table.task[which], self._said[which].astype(np.float64)
        votes = np.zeros((len(self._order), said.shape[1]))
        np.add.at(votes, task, said)
        n = np.bincount(task, minlength=len(self._order))
        if not self._question.one_label:
            there = np.flatnonzero(n)
            return there, votes[there] * 2 > n[there, None]
        top = votes.max(axis=1, initial=0)
        there = np.flatnonzero((n > 0) & ((votes == top[:, None]).sum(axis=1) == 1))
        return there, votes[there] == top[there, None]


def _settled_by(question: Question) -> dict[int, int]:
    """By task, whose word its answer is: they cannot be measured by it."""
    made = Decision.objects.current().filter(task__question=question, annotator__isnull=False)
    return dict(made.values_list("task_id", "annotator_id"))


def _judged(question: Question, one: Recurring) -> bool:
    last = Mistake.objects.filter(
        question=question, annotator=one.annotator, truth=one.truth[:200], said=one.said[:200]
    ).last()
    return last is not None and one.cell.cases < AGAIN * last.cases


def _told(question: Question, one: Recurring) -> Recurring:
    """With its sentence and its examples."""
    shown = Task.objects.filter(pk__in=one.tasks[:MOST_EXAMPLES]).order_by("pk")
    return Recurring(one.annotator, one.truth, one.said, one.cell, one.tasks, _sentence(question, one), tuple(shown))


def _sentence(question: Question, one: Recurring) -> str:
    """What annotators could be told: what is mistaken for what, what belongs there, words that mislead."""
    words = _misleading(question, one)
    hint = f" Texts with {words} can still be {one.truth}." if words and question.one_label else ""
    if not question.one_label:
        often = "often left out; mark it wherever it belongs." if one.said == "left out" else ""
        name = one.truth if often else one.said
        return f"{name}: {often or 'often said where it does not belong; leave it out there.'}"
    meaning = next((label.description for label in question.label_list() if label.name == one.truth), "")
    belongs = f" {one.truth} is: {meaning}" if meaning else ""
    return f"{one.truth}: often taken for {one.said}.{belongs}{hint}"


def _misleading(question: Question, one: Recurring) -> str:
    """Words that several of the cases share and other texts of the same truth lack, quoted."""
    texts = {task.pk: _words(task.text) for task in Task.objects.filter(pk__in=one.tasks)}
    mine = Counter(word for words in texts.values() for word in words)
    others = Counter(word for words in _others(question, one) for word in words)
    common = sorted(mine.items(), key=lambda one: (-one[1], one[0]))
    odd = [word for word, n in common if n >= max(LEAST_TEXTS, len(texts) // 3) and others[word] < n]
    return ", ".join(f"“{word}”" for word in odd[:MOST_WORDS])


def _others(question: Question, one: Recurring) -> Iterator[set[str]]:
    """The words of other known texts that truly are the same, at most some hundred."""
    alike = Task.objects.filter(question=question, gold__name=one.truth, slice=Task.Slice.VALIDATION)
    for task in alike.exclude(pk__in=one.tasks).order_by("pk")[:300]:
        yield _words(task.text)


def _words(text: str) -> set[str]:
    """Its longer words in small letters."""
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) >= LONG_WORD and not word.isdecimal()}
