"""How good everybody is who is asked after the crowd: from all their answers in the project, and kept with them.

A person's answers are held against known labels, experts' words, the crowd and each other (`truth.skills`). Who settles
what, who is worth asking, and what two who differ mean rests on this. Learnt with every weighing of a batch, and from
people's answers alone between two weighings (`refresh`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling import models
from labeling.arrays import Ballot, rounded
from labeling.known import Known
from labeling.models import Annotator, Batch, Belief, Label, Project, Question, Task, Vote
from labeling.truth.skills.drift import Change
from labeling.truth.skills.hierarchy import Group
from labeling.truth.skills.learning import Skills, learn
from labeling.truth.vote_matrix import chosen, likeliest
from labeling.truth.votes import Bools, Floats, Ints, Votes

Kind = Annotator.Kind
ASKED = (Kind.PAID, Kind.PERSON, Kind.EXPERT)
GROUPS = (Group(0.75, 2.0), Group(0.9, 10.0), Group(0.97, 20.0, size=64.0))
"""Paid models, people, experts: experts are right by agreement, so that it takes much to doubt one."""
MOST_ELSEWHERE = 20_000
"""The newest answers outside the batch that are looked at: older ones count next to nothing (`drift`)."""
ROWS = 2000
Pks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that tells of those who are asked, as arrays.

    `task_ids`: (n,). `crowd`: (n, K) what the free crowd believes, no task's own known label in it. `known`: (n,) label
    of the validation slice, else -1. `answers`: everybody's, oldest first; `annotator` = place in `annotators`.
    """

    task_ids: Pks
    crowd: Floats
    known: Ints
    answers: Votes
    annotators: list[Annotator]
    question: Question

    def learn(self) -> Skills:
        """Everybody's skill and every task's belief."""
        group_of = np.array([ASKED.index(Kind(each.kind)) for each in self.annotators], dtype=np.int32)
        return learn(self.crowd, self.answers, group_of, GROUPS, known=self.known)


def of_batch(batch: Batch, ballot: Ballot, crowd: Floats) -> Evidence:
    """The evidence at a weighing; `crowd`: (n_tasks, K), of the ballot's tasks, which stay the first ones."""
    annotators = [each for each in ballot.annotators if each.kind in ASKED]
    rows = _newest(ballot.question, annotators, besides=set(ballot.task_ids.tolist()))
    here = _of_ballot(ballot, annotators)
    task_ids, elsewhere = _numbered(rows, annotators, ballot.labels, first=len(ballot.task_ids))
    more_crowd, more_known = _crowd_on(task_ids, ballot.labels)
    task, annotator, label = (np.concatenate(pair) for pair in zip(elsewhere, here, strict=True))
    n_tasks = len(ballot.task_ids) + len(task_ids)
    answers = Votes(task, annotator, label, n_tasks, len(annotators), len(ballot.labels))
    return Evidence(
        np.concatenate([ballot.task_ids, task_ids]),
        np.concatenate([crowd, more_crowd]),
        np.concatenate([np.where(ballot.known_from(Known.FILE), ballot.known, -1), more_known]),
        answers,
        annotators,
        ballot.question,
    )


def of_project(project: Project, question: Question | None = None) -> Evidence:
    """The evidence of the newest answers to a question, the first one unless another is named, in any batch."""
    asked = question or project.first_question
    annotators, labels = list(project.annotators.filter(kind__in=ASKED)), asked.label_list()
    rows = _newest(asked, annotators, besides=set())
    task_ids, arrays = _numbered(rows, annotators, labels, first=0)
    crowd, known = _crowd_on(task_ids, labels)
    answers = Votes(*arrays, len(task_ids), len(annotators), crowd.shape[1])
    return Evidence(task_ids, crowd, known, answers, annotators, asked)


def refresh(project_id: int) -> int:
    """Learn everybody's skill anew from the answers so far; returns how many answers there were."""
    project, count = Project.objects.get(pk=project_id), 0
    for question in project.questions.all():
        if not question.votes_are_enough:
            continue
        evidence = of_project(project, question)
        if len(evidence.answers.task):
            remember(evidence, evidence.learn())
        count += len(evidence.answers.task)
    return count


def _newest(
    question: Question, annotators: Iterable[Annotator], besides: set[int]
) -> list[tuple[int, int, int | None]]:
    """(task, annotator, label) of the newest answers on other tasks than `besides`, oldest first."""
    votes = Vote.objects.current().filter(annotator__in=[each.pk for each in annotators], task__question=question)
    rows = votes.order_by("-pk").values_list("task_id", "annotator_id", "label_id")
    newest: dict[tuple[int, int], int | None] = {}
    for task, annotator, label in rows[: MOST_ELSEWHERE + len(besides)].iterator(ROWS):
        if task not in besides:
            newest.setdefault((task, annotator), label)
    return [(*pair, label) for pair, label in reversed(newest.items())][-MOST_ELSEWHERE:]


def _of_ballot(ballot: Ballot, annotators: Sequence[Annotator]) -> tuple[Ints, Ints, Ints]:
    """Task, annotator and label of the answers on the ballot; of a fractional one the likeliest label."""
    votes = ballot.votes
    place = np.full(len(ballot.annotators), -1, dtype=np.int32)
    place[[ballot.column(each.pk) for each in annotators]] = np.arange(len(annotators))
    theirs = chosen(votes, place[votes.annotator] >= 0)
    mine = likeliest(theirs)
    return theirs.task[mine], place[theirs.annotator[mine]], theirs.label[mine]


def _numbered(
    rows: Sequence[tuple[int, int, int | None]], annotators: Sequence[Annotator], given: Sequence[Label], first: int
) -> tuple[Pks, tuple[Ints, Ints, Ints]]:
    """The tasks behind the rows, numbered from `first`, and the rows as arrays."""
    labels = {label.pk: place for place, label in enumerate(given)}
    column = {each.pk: place for place, each in enumerate(annotators)}
    place = {task: first + number for number, task in enumerate(dict.fromkeys(task for task, _, _ in rows))}
    task = np.array([place[task] for task, _, _ in rows], dtype=np.int32)
    annotator = np.array([column[annotator] for _, annotator, _ in rows], dtype=np.int32)
    label = np.array([len(labels) if label is None else labels[label] for _, _, label in rows], dtype=np.int32)
    return np.array(list(place), dtype=np.int64), (task, annotator, label)


def _crowd_on(task_ids: Pks, given: Sequence[Label]) -> tuple[Floats, Ints]:
    """What the crowd alone believed of these tasks, (n, K), equal shares where it said nothing; their known labels."""
    labels = {label.pk: place for place, label in enumerate(given)}
    crowd = np.full((len(task_ids), len(labels)), 1 / max(len(labels), 1))
    known = np.full(len(task_ids), -1, dtype=np.int32)
    place = {int(pk): number for number, pk in enumerate(task_ids)}
    for first in range(0, len(task_ids), ROWS):
        some = task_ids[first : first + ROWS].tolist()
        taught = Task.objects.learnable().filter(pk__in=some)
        for pk, gold in taught.values_list("pk", "gold_id"):
            known[place[pk]] = labels[gold]
        beliefs = Belief.objects.filter(task__in=some).values_list("task_id", "crowd", "base")
        for pk, alone, base in beliefs:
            if known[place[pk]] < 0:
                crowd[place[pk]] = alone or base
    return crowd, known


def remember(evidence: Evidence, skills: Skills) -> None:
    """Keep everybody's matrix and skill with them, for single answers and pages."""
    sources, rows = _sources(evidence), []
    for place, annotator in enumerate(evidence.annotators):
        row = models.Skill(annotator=annotator, question=evidence.question)
        row.confusion = [rounded(each) for each in skills.confusion[place]]
        row.skill = told(skills, place, _tally(evidence, skills, place, sources))
        row.skill["change"] = _change(skills.change_of(place, evidence.answers), int(skills.given[place]))
        rows.append(row)
    models.Skill.objects.keep(rows, "confusion", "skill")


def told(skills: Skills, place: int, tally: dict[str, Any]) -> dict[str, Any]:
    """One annotator's skill as it is kept: see `people.skill.Skill`."""
    return {
        "accuracy": round(float(skills.accuracy[place]), 4),
        "low": round(float(skills.low[place]), 4),
        "high": round(float(skills.high[place]), 4),
        "evidence": round(float(skills.evidence[place]), 1),
        "given": int(skills.given[place]),
        "group": round(float(skills.centre[place]), 4),
        "usual": skills.dependence.usual,
        "in_dispute": skills.dependence.in_dispute,
        "sources": tally,
    }


def _sources(evidence: Evidence) -> dict[str, Bools]:
    """Which tasks are known from the file, settled by an expert's word, or neither, (n,) each."""
    expert = np.array([each.kind == Kind.EXPERT for each in evidence.annotators], dtype=np.bool_)
    by_expert = np.zeros(len(evidence.task_ids), dtype=np.bool_)
    by_expert[evidence.answers.task[expert[evidence.answers.annotator]]] = True
    file = evidence.known >= 0
    return {"file": file, "expert": by_expert & ~file, "others": ~by_expert & ~file}


def _tally(evidence: Evidence, skills: Skills, place: int, sources: dict[str, Bools]) -> dict[str, Any]:
    """By source: answers, and how many of them are right (a sum of chances). An expert is no source for themselves."""
    answers = evidence.answers
    mine = np.flatnonzero((answers.annotator == place) & (answers.label < answers.n_labels))
    own_word = evidence.annotators[place].kind == Kind.EXPERT
    tally: dict[str, tuple[int, float]] = {}
    for name, tasks in sources.items():
        of_it = mine[tasks[answers.task[mine]]]
        source = "others" if name == "expert" and own_word else name
        n, right = tally.get(source, (0, 0.0))
        tally[source] = n + len(of_it), right + float(skills.right[of_it].sum())
    return {name: {"n": n, "right": round(right, 2)} for name, (n, right) in tally.items() if n}


def _change(found: Change | None, given: int) -> dict[str, Any] | None:
    """The last alarm as it is kept: how many answers ago, the share of right answers before and since."""
    if found is None:
        return None
    ago = given - 1 - found.since
    return {"ago": ago, "before": round(found.before, 4), "after": round(found.after, 4)}
