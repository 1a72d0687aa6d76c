"""Whether groups of people answer differently on some groups of tasks: from rows to contrasts of large groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairness.estimates.interactions import Answers, Contrast, contrasts
from fairness.models import OwnGroup, PeopleAttribute
from labeling.models import Annotator, Question, Vote
from labeling.models.grouping import By, group_name

FEWEST = 10
"""People of a group that is shown; an attribute is shown where two groups have so many."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One attribute. `groups`: names and people of those large enough, empty where fewer than two are."""

    attribute: PeopleAttribute
    groups: tuple[tuple[str, int], ...]
    contrasts: tuple[Contrast, ...]

    @property
    def shown(self) -> bool:
        return len(self.groups) > 1


def of(attribute: PeopleAttribute, question: Question, by: By, label: str) -> Sum:
    """The large groups of an attribute, and how they differ in giving a label on each group of tasks.

    A person counts who gave a label to this question. Smaller groups, and who has not said, are in nothing that is
    shown, so that they cannot be told from what is missing.
    """
    said = dict(OwnGroup.objects.filter(attribute=attribute).values_list("membership__user_id", "value"))
    rows = _rows(question, by, said)
    people: dict[str, set[int]] = {}
    for user, _, _, _ in rows:
        people.setdefault(said[user], set()).add(user)
    large = {name: len(users) for name, users in people.items() if len(users) >= FEWEST}
    if len(large) < 2:
        return Sum(attribute, (), ())
    groups = tuple((name, large[name]) for name in attribute.options if name in large)
    return Sum(attribute, groups, _contrasts([row for row in rows if said[row[0]] in large], said, label))


def _rows(question: Question, by: By, said: dict[int, str]) -> list[tuple[int, int, str, str]]:
    """(user, task, group of the task, label) of every standing answer of a person who has said."""
    kinds = [Annotator.Kind.PERSON, Annotator.Kind.EXPERT]
    votes = Vote.objects.current().filter(
        task__question=question, label__isnull=False, annotator__kind__in=kinds, annotator__user__in=list(said)
    )
    columns = ("annotator__user_id", "task_id", group_name(by, "task__instance__groups"), "label__name")
    return list(votes.order_by("pk").values_list(*columns))


def _contrasts(rows: list[tuple[int, int, str, str]], said: dict[int, str], label: str) -> tuple[Contrast, ...]:
    named = [row for row in rows if row[2]]
    if not named:
        return ()
    sides, side = np.unique([said[row[0]] for row in named], return_inverse=True)
    parts, part = np.unique([row[2] for row in named], return_inverse=True)
    if len(parts) < 2:
        return ()
    person, task = (np.array([row[place] for row in named], dtype=np.int64) for place in (0, 1))
    yes = np.array([row[3] == label for row in named], dtype=np.bool_)
    told = Answers(yes, person, task, side, part, tuple(sides.tolist()), tuple(parts.tolist()))
    return contrasts(told, FEWEST)
