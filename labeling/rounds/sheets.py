"""What a model is asked in one call: a question about an instance, or all that are open about it and it can answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from labeling import models
from labeling.crowd.base import Question
from labeling.models import Task
from labeling.people import voters


@dataclass(frozen=True, slots=True)
class Sheet:
    """Tasks about one instance. `about`: places of their questions among those that the voter was prepared for.

    () where it was prepared for one question.
    """

    tasks: tuple[Task, ...]
    about: tuple[int, ...] = ()

    def shown(self) -> Question:
        """What the voter is shown, and what it is asked."""
        return replace(voters.question(self.tasks[0]), about=self.about)

    def only(self, keys: Collection[int]) -> Sheet:
        """Those of the tasks that have one of these keys."""
        kept = [place for place, task in enumerate(self.tasks) if task.pk in keys]
        return Sheet(
            tuple(self.tasks[place] for place in kept), tuple(self.about[place] for place in kept if self.about)
        )

    def apart(self) -> list[Sheet]:
        """One sheet for each of the tasks."""
        return [self.only([task.pk]) for task in self.tasks]


def sheets_of(tasks: Iterable[Task], questions: Sequence[models.Question]) -> list[Sheet]:
    """The tasks by instance, in the order in which they come; `questions`: those the voter was prepared for."""
    places = {question.pk: place for place, question in enumerate(questions)}
    by_instance: dict[int, list[Task]] = {}
    for task in tasks:
        by_instance.setdefault(task.instance_id, []).append(task)
    about = len(questions) > 1
    return [
        Sheet(tuple(some), tuple(places[task.question_id] for task in some) if about else ())
        for some in by_instance.values()
    ]
