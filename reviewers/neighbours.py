"""Settled tasks that read like this one: cosine of TF-IDF vectors over the project's latest settled tasks."""

from __future__ import annotations

import math
import re
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from labeling.models import Decision, Task
from labeling.models.decision import DecisionQuerySet
from labeling.rounds.kind_answers import Terms

MOST_TASKS = 3000
READ_CHARACTERS = 2000
FRESH_SECONDS = 30.0
PROJECTS = 8
LEAST_ALIKE = 0.05
WORD = re.compile(r"\w+")
LONGEST_WORD = 15
"""Longer runs of letters come from scripts without spaces; they are read as pairs of letters."""


@dataclass(frozen=True, slots=True)
class Near:
    """A settled task, how alike it is, from 0 to 1, and what it was settled as."""

    task: Task
    decision: Decision
    alike: float
    words: str = ""


@dataclass(slots=True)
class Index:
    """Where each term occurs: postings[term] = [(document key, weight)], weights of a document have unit length."""

    idf: Mapping[str, float]
    postings: Mapping[str, list[tuple[int, float]]]
    last: int = 0
    built: float = field(default_factory=time.monotonic)

    def alike(self, text: str) -> Counter[int]:
        """Cosine of each document that shares a term with `text`, by document key."""
        found: Counter[int] = Counter()
        for term, weight in weights(terms(text), self.idf).items():
            for key, other in self.postings.get(term, ()):
                found[key] += weight * other  # type: ignore[assignment]
        return found


_indexes: OrderedDict[int, Index] = OrderedDict()


def settled_before(task: Task, count: int = 3) -> list[Near]:
    """The `count` settled tasks of the project most alike to `task`, most alike first."""
    found = _index(task.project_id).alike(task.text)
    found.pop(task.pk, None)
    best = [(key, alike) for key, alike in found.most_common(count) if alike >= LEAST_ALIKE]
    current = Decision.objects.current().filter(task__in=[key for key, _ in best])
    decisions = {decision.task_id: decision for decision in current.select_related("task__instance", "label")}
    near = [(decisions[key], min(alike, 1.0)) for key, alike in best if key in decisions]
    return [Near(one.task, one, alike, _words(one)) for one, alike in near]


def _words(decision: Decision) -> str:
    return decision.label.name if decision.label else Terms.of(decision.task).briefly(decision)


def forget() -> None:
    """Let go of every index; the next question builds its own."""
    _indexes.clear()


def _index(project_id: int) -> Index:
    """The project's index, built anew when a task was settled since and the old one is half a minute old."""
    index = _indexes.get(project_id)
    if index is None or time.monotonic() - index.built > FRESH_SECONDS:
        newest = _settled(project_id).values_list("pk", flat=True).first() or 0
        index = (
            _built(project_id, newest)
            if index is None or index.last != newest
            else replace(index, built=time.monotonic())
        )
    _indexes[project_id] = index
    _indexes.move_to_end(project_id)
    while len(_indexes) > PROJECTS:
        _indexes.popitem(last=False)
    return index


def _settled(project_id: int) -> DecisionQuerySet:
    return Decision.objects.current().filter(task__project=project_id).order_by("-pk")


def _built(project_id: int, newest: int) -> Index:
    rows = _settled(project_id).values_list("task", "task__instance__parts")[:MOST_TASKS]
    read = ((task, " ".join(text[:READ_CHARACTERS] for _, text in parts)) for task, parts in rows.iterator(100))
    return build(dict(read), newest)


def build(texts: Mapping[int, str], last: int = 0) -> Index:
    """An index over texts by key. idf = 1 + ln((1 + n) / (1 + df)), smoothed so that every term counts a little."""
    counts = {key: terms(text) for key, text in texts.items()}
    frequency = Counter(term for counted in counts.values() for term in counted)
    idf = {term: 1 + math.log((1 + len(texts)) / (1 + n)) for term, n in frequency.items()}
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for key, counted in counts.items():
        for term, weight in weights(counted, idf).items():
            postings[term].append((key, weight))
    return Index(idf, dict(postings), last)


def terms(text: str) -> Counter[str]:
    """Words in lower case and how often each occurs; long runs without a space count as pairs of letters."""
    found: Counter[str] = Counter()
    for word in WORD.findall(text[:READ_CHARACTERS].casefold()):
        pairs = (word[place : place + 2] for place in range(len(word) - 1))
        found.update(pairs if len(word) > LONGEST_WORD else (word,))
    return found


def weights(counted: Mapping[str, int], idf: Mapping[str, float]) -> dict[str, float]:
    """(1 + ln tf) idf of each known term, scaled to unit length."""
    raw = {term: (1 + math.log(n)) * idf[term] for term, n in counted.items() if term in idf}
    length = math.sqrt(sum(weight * weight for weight in raw.values()))
    return {term: weight / length for term, weight in raw.items()} if length else {}
