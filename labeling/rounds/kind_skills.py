"""How good everybody is who is asked, at questions whose answer is more than one label: from all their answers.

Each answer is held against what the file knows, else against an expert's final word that is not their own, else against
what others said of the same task. Kept with the annotator like the skill at a question of one label (`rounds.skills`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labeling import models
from labeling.kinds.base import Space
from labeling.models import Annotator, Decision, Project, Question, Task, Vote
from labeling.rounds.skills import ASKED, GROUPS, MOST_ELSEWHERE, ROWS
from labeling.truth.confusion import wilson
from labeling.truth.skills import open_answers
from labeling.truth.skills.dependence import IN_DISPUTE, USUAL

Kind = Annotator.Kind


@dataclass(frozen=True, slots=True)
class Right:
    """What is right of a task: in its text form, from which source, and by whom (a user's key) if an expert said so."""

    answer: str
    source: str
    user: int | None = None


@dataclass(slots=True)
class Told:
    """What is counted of one annotator: chances to be wholly right, how close the answers are, what they are worth."""

    right: list[float] = field(default_factory=list)
    close: list[float] = field(default_factory=list)
    worth: float = 0.0
    sources: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def refresh(project: Project) -> int:
    """Learn everybody's skill anew at all such questions; returns how many answers there were."""
    return sum(remember(question) for question in project.questions.all() if not question.votes_are_enough)


def remember(question: Question) -> int:
    """Keep the skill of everybody who has answered the question; returns how many answers there were."""
    annotators = list(question.project.annotators.filter(kind__in=ASKED).order_by("pk"))
    by_task, given = _answers(question, annotators)
    if not by_task:
        return 0
    told = _told(question, annotators, by_task)
    rows = []
    for place, annotator in enumerate(annotators):
        if given[place]:
            row = models.Skill(annotator=annotator, question=question)
            row.skill = _kept(told[place], given[place], ASKED.index(Kind(annotator.kind)))
            rows.append(row)
    models.Skill.objects.keep(rows, "skill")
    return sum(given.values())


def _answers(question: Question, annotators: Sequence[Annotator]) -> tuple[dict[int, dict[int, str]], dict[int, int]]:
    """The newest answer of everybody by task, and how many answers each has given, by place."""
    place = {one.pk: number for number, one in enumerate(annotators)}
    at = {label.pk: number for number, label in enumerate(question.label_list())}
    votes = Vote.objects.current().answering().filter(annotator__in=list(place), task__question=question)
    rows = votes.order_by("-pk").values_list("task_id", "annotator_id", "label_id", "marks")
    by_task: dict[int, dict[int, str]] = defaultdict(dict)
    for task, who, label, marks in rows[:MOST_ELSEWHERE].iterator(ROWS):
        by_task[task].setdefault(place[who], _text(label, marks, at))
    given: dict[int, int] = defaultdict(int)
    for said in by_task.values():
        for who in said:
            given[who] += 1
    return by_task, given


def _text(label: int | None, marks: Any, at: Mapping[int, int]) -> str:
    """An answer in plain form as text, equal for equal answers."""
    return json.dumps(marks if label is None else at[label], sort_keys=True)


def _rights(question: Question) -> dict[int, Right]:
    """What the file knows and what experts have settled, by task; the file goes before."""
    at = {label.pk: number for number, label in enumerate(question.label_list())}
    experts = Decision.objects.current().filter(task__question=question, decided_by=Decision.By.EXPERT)
    settled = experts.values_list("task_id", "label_id", "marks", "annotator__user")
    found = {task: Right(_text(label, marks, at), "expert", user) for task, label, marks, user in settled}
    tasks = Task.objects.filter(question=question).exclude(gold__isnull=True, gold_marks__isnull=True)
    for task, label, marks in tasks.values_list("pk", "gold_id", "gold_marks"):
        found[task] = Right(_text(label, marks, at), "file")
    return found


def _told(question: Question, annotators: Sequence[Annotator], by_task: dict[int, dict[int, str]]) -> list[Told]:
    """What the answers say of each annotator, in their order."""
    rights, tasks = _rights(question), list(by_task)
    answered = [by_task[task] for task in tasks]
    against = {
        place: {who: rights[task].answer for who in by_task[task] if _may_judge(rights[task], annotators[who])}
        for place, task in enumerate(tasks)
        if task in rights
    }
    groups = [GROUPS[ASKED.index(Kind(one.kind))] for one in annotators]
    expected, certainty = (np.array([getattr(one, name) for one in groups]) for name in ("expected", "certainty"))
    learnt = open_answers.learn(answered, against, expected, certainty)
    closeness, found = Closeness(question, question.space()), [Told() for _ in annotators]
    for place, said in enumerate(answered):
        known = against.get(place, {})
        for who, answer in said.items():
            if who in known:
                source = rights[tasks[place]].source
                _count(found[who], source, float(answer == known[who]), closeness.of(answer, known[who]), 1.0)
            elif len(said) > 1:
                chance = learnt.chances[place][answer]
                near = closeness.expected(answer, learnt.chances[place], [said[one] for one in said if one != who])
                _count(found[who], "others", chance, near, (2 * chance - 1) ** 2)
    return found


def _may_judge(right: Right, annotator: Annotator) -> bool:
    """Nobody's answer is held against a word of their own."""
    return right.user is None or right.user != annotator.user_id


def _count(told: Told, source: str, right: float, near: float, worth: float) -> None:
    told.right.append(right)
    told.close.append(near)
    told.worth += worth
    told.sources[source].append(right)


@dataclass(slots=True)
class Closeness:
    """How near answers to a question are, 1 for alike, with what was reckoned already."""

    question: Question
    space: Space
    found: dict[tuple[str, str], float] = field(default_factory=dict)

    def of(self, one: str, other: str) -> float:
        """Of two answers."""
        pair = (min(one, other), max(one, other))
        if pair not in self.found:
            kind = self.question.answers
            first, second = (kind.from_marks(json.loads(each), self.space) for each in pair)
            self.found[pair] = 1 - float(kind.differ(first, second, self.space))
        return self.found[pair]

    def expected(self, answer: str, chances: open_answers.Chances, others: Sequence[str]) -> float:
        """Of an answer to the true one; where none of those that were given may be true, to what others said."""
        near = sum(chance * self.of(answer, str(true)) for true, chance in chances.items())
        left = max(1 - sum(chances.values()), 0.0)
        return near + left * float(np.mean([self.of(answer, other) for other in others]))


def _kept(told: Told, given: int, group: int) -> dict[str, Any]:
    """One annotator's skill as it is kept: see `people.skill.Skill`. Intervals are Wilson's, of as many answers as the
    evidence is worth; closeness varies less than a yes or a no, so that its interval is rather wide."""
    prior = GROUPS[group]
    right = float(np.mean(told.right)) if told.right else prior.expected
    near = float(np.mean(told.close)) if told.close else None
    kept: dict[str, Any] = {"accuracy": round(right, 4)}
    kept["low"], kept["high"] = _limits(right, told.worth)
    if near is not None:
        kept["closeness"] = round(near, 4)
        kept["close_low"], kept["close_high"] = _limits(near, told.worth)
    return kept | {
        "evidence": round(told.worth, 1),
        "given": given,
        "group": prior.expected,
        "usual": USUAL,
        "in_dispute": IN_DISPUTE,
        "sources": dict(_tally(told)),
    }


def _limits(share: float, n: float) -> tuple[float, float]:
    if n <= 0:
        return 0.0, 1.0
    low, high = wilson(np.array([share]), np.array([n]))
    return round(float(low[0]), 4), round(float(high[0]), 4)


def _tally(told: Told) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, rights in told.sources.items():
        yield name, {"n": len(rights), "right": round(sum(rights), 2)}
