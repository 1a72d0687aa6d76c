"""Checks drawn at random: settled tasks that somebody answers once more, blind, so that every estimate stays honest.

Each task has a lot, a random number that never changes (`routing/lots.py`); it is checked where its lot is at most the
cut of the batch or of its group. Cuts only rise. So everything here may be repeated, tasks that are settled later are
drawn by the same rule, and anyone can tell afterwards who should have been drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log2
from statistics import median
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from labeling.live import nudges
from labeling.models import Annotator, Batch, Decision, Escalation, Project, Question, Task, Vote
from labeling.models.grouping import By, chosen, group_of
from labeling.models.task import TaskQuerySet
from labeling.money import ledger
from labeling.routing.lots import lot

Reason = Escalation.Reason
MOST = 1000
FEWEST = 10
QUARTER = 0.25
ROWS = 500
MOST_PLACES = 20_000
TYPICAL_SECONDS = 30.0
LATEST = 200
MOST_COUNTED = 5_000


@dataclass(frozen=True, slots=True)
class Lot:
    """A task that could be checked, with its random number, and whether it was drawn."""

    number: float
    task_id: int
    groups: Mapping[str, str]
    drawn: bool


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """The tasks that these attributes put together under one name."""

    by: By
    name: str

    def holds(self, groups: Mapping[str, str]) -> bool:
        """Whether an instance with these values of its attributes belongs here."""
        return group_of(self.by, groups) == self.name


@dataclass(frozen=True, slots=True)
class Cuts:
    """Up to which lot tasks are checked: in the whole batch, and in single groups beyond that."""

    whole: float
    groups: dict[Group, float]

    @classmethod
    def of(cls, batch: Batch) -> Cuts:
        kept = batch.check_cuts
        groups = {Group(tuple(by), name): float(cut) for by, name, cut in kept.get("groups", ())}
        return cls(float(kept.get("whole", 0.0)), groups)

    def kept(self) -> dict[str, Any]:
        """As it stands in the batch's row."""
        return {"whole": self.whole, "groups": [[list(one.by), one.name, cut] for one, cut in self.groups.items()]}

    def reach(self, groups: Mapping[str, str]) -> float:
        """Up to which lot a task is checked whose instance has these values."""
        own = self.stratum(groups)
        return self.whole if own is None else self.groups[own]

    def stratum(self, groups: Mapping[str, str]) -> Group | None:
        """The group beyond the whole batch whose cut decides over a task, the highest of its groups."""
        inside = [one for one in self.own() if one.holds(groups)]
        return inside[-1] if inside else None

    def raised(self, cut: float, group: Group | None) -> Cuts:
        if group is None:
            return Cuts(max(self.whole, cut), self.groups)
        return Cuts(self.whole, {**self.groups, group: max(self.groups.get(group, 0.0), cut)})

    def own(self) -> list[Group]:
        """The groups that are checked beyond the cut of the whole batch, the highest cut last."""
        beyond = [group for group, cut in self.groups.items() if cut > self.whole]
        return sorted(beyond, key=lambda group: (self.groups[group], group))


def seed_of(batch: Batch) -> str:
    """What the lots of a batch are computed from, beside the name of each task."""
    return f"{batch.pk}-{batch.seed}"


def could_be_checked(batch: Batch, group: Group | None = None, question: Question | None = None) -> TaskQuerySet:
    """Settled tasks whose label nobody knows for sure: no gold label, not settled by an expert; drawn ones included.

    About all questions of the project, or about one.
    """
    tasks = batch.tasks.without_gold()
    tasks = tasks if question is None else tasks.filter(question=question)
    tasks = tasks if group is None else tasks.in_group(group.by, group.name)
    by_expert = Decision.objects.current().filter(task=OuterRef("pk"), decided_by=Decision.By.EXPERT)
    settled = Q(stage=Task.Stage.DECIDED) & ~Exists(by_expert)
    return tasks.filter(settled | Q(check_probability__isnull=False))


def lots(batch: Batch, group: Group | None = None, question: Question | None = None) -> list[Lot]:
    """The lots of all tasks that could be checked, lowest first. Tasks about one instance have the same lot."""
    seed = seed_of(batch)
    rows = could_be_checked(batch, group, question).values_list(
        "pk", "instance__external_id", "instance__groups", "check_probability"
    )
    alike: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}  # a million tasks have a few groups
    found = [
        Lot(lot(seed, name), pk, alike.setdefault(tuple(groups.items()), groups), chance is not None)
        for pk, name, groups, chance in rows.iterator(2000)
    ]
    return sorted(found, key=lambda one: (one.number, one.task_id))


@transaction.atomic
def draw_slice(batch: Batch) -> int:
    """Draw the project's share of the settled tasks, as far as they are not drawn yet. Returns how many are new."""
    locked = Batch.objects.select_for_update().get(pk=batch.pk)
    cuts = due(locked)
    return _draw_up_to(locked, cuts) if cuts.whole or cuts.groups else 0


def due(batch: Batch) -> Cuts:
    """Up to which lot tasks are drawn as soon as they are settled: what was asked for, and the project's share."""
    return Cuts.of(batch).raised(policy_cut(batch), None)


def to_follow(batch: Batch, tasks: TaskQuerySet, cuts: Cuts, *, exact: bool = False) -> int:
    """How many of these open tasks will be drawn under such cuts once they are settled, by nobody's sure word.

    They follow so that the checks stay a random sample of all labels. Of more than 5,000 tasks the expected number,
    unless it must be `exact`.
    """
    later = tasks.without_gold().filter(check_probability=None).order_by()
    if not exact and later.count() > MOST_COUNTED:
        return round(_expected(later, cuts))
    seed = seed_of(batch)
    rows = later.values_list("instance__external_id", "instance__groups")
    return sum(lot(seed, name) <= cuts.reach(groups) for name, groups in rows)


def _expected(tasks: TaskQuerySet, cuts: Cuts) -> float:
    if not cuts.own():
        return tasks.count() * cuts.whole
    return sum(cuts.reach(groups) for groups in tasks.values_list("instance__groups", flat=True).iterator(2000))


def policy_cut(batch: Batch) -> float:
    """The share of a batch that is checked without anybody's asking; 0 where the project has nobody to ask.

    The project's share, in small batches so much that about ten tasks are drawn, but no more than a quarter for that;
    in large batches about a thousand.
    """
    share, size = batch.project.check_share, batch.tasks.without_gold().count()
    if not share or not size or not batch.project.memberships.exists():
        return 0.0
    return min(max(share, min(FEWEST / size, QUARTER)), MOST / size, 1.0)


@transaction.atomic
def draw(
    batch: Batch, count: int, *, group: str | None = None, by: By | None = None, question: Question | None = None
) -> int:
    """Send `count` more settled tasks, of one group or of all, to people or experts. Returns how many it found.

    `by`: the attributes that the group is one of; the batch's first one where none is named. With a `question` so many
    of its tasks are drawn, and with them those of other questions about the same instances.
    The next ones in the order of their lots, so all draws together are a simple random sample without replacement;
    each drawn task carries the probability with which it was drawn. Whoever answers sees an ordinary question.
    """
    locked = Batch.objects.select_for_update().get(pk=batch.pk)
    _draw_up_to(locked, Cuts.of(locked))
    cuts = cuts_for(locked, count, None if group is None else Group(by or chosen(batch), group), question)
    return _draw_up_to(locked, cuts) if cuts else 0


def cuts_for(batch: Batch, count: int, group: Group | None = None, question: Question | None = None) -> Cuts | None:
    """The cuts that `count` more checks of one group or of all need; None where there is nothing to draw."""
    left = [one for one in lots(batch, group, question) if not one.drawn]
    size = min(max(count, 0), len(left), MOST)
    return Cuts.of(batch).raised(left[size - 1].number, group) if size else None


def words(batch: Batch, drawn: int, group: str = "") -> str:
    """What a draw did, in a sentence for whoever asked for it, and what will follow from it at which price."""
    one, where = drawn == 1, f" of {group}" if group else ""
    who = f"{drawn:,} {'task' if one else 'tasks'}{where}"
    told = f"{who}, drawn at random, {'waits' if one else 'wait'} in the queue for a check."
    batch.refresh_from_db(fields=["check_cuts"])
    later = to_follow(batch, batch.tasks.undecided(), due(batch))
    if not later:
        return told
    each = price_of_one(batch)
    price = f", for about {ledger.dollars(later * each)}" if each else ""
    return f"{told} Up to {later:,} more {'follows' if later == 1 else 'follow'} as open tasks are settled{price}."


def _draw_up_to(batch: Batch, cuts: Cuts) -> int:
    """Ask about every task below the cuts that was not drawn before, and write down what was done."""
    frame = lots(batch)
    new = [one for one in frame if not one.drawn and one.number <= cuts.reach(one.groups)]
    batch.check_cuts = cuts.kept()
    batch.save(update_fields=["check_cuts"])
    if new:
        _ask(batch, [one.task_id for one in new])
        nudges.announce(batch.project_id, nudges.QUEUE)
    _log_probability(batch, frame, cuts)
    return len(new)


def _ask(batch: Batch, chosen: list[int]) -> None:
    """One question each: for people anywhere in their queue, for experts after the cases that hold a batch up."""
    by_expert = batch.project.check_by == Project.CheckBy.EXPERT
    to = Annotator.Kind.EXPERT if by_expert else Annotator.Kind.PERSON
    places = {} if by_expert else places_of(batch, chosen)
    _take_the_place(chosen, to)
    stands = dict(
        Decision.objects.current().filter(task__in=batch.tasks.without_gold()).values_list("task_id", "pk").iterator()
    )
    Escalation.objects.bulk_create(
        (
            Escalation(
                task_id=pk,
                to=to,
                reason=Reason.AUDIT,
                checks_id=stands[pk],
                why="Drawn at random for a check.",
                priority=places.get(pk, 0.0),
            )
            for pk in chosen
        ),
        batch_size=ROWS,
    )
    for some in _some(chosen):
        Task.objects.filter(pk__in=some).update(check_probability=1.0, slice=Task.Slice.AUDIT)


def _take_the_place(chosen: list[int], to: str) -> None:
    """Withdraw what these people or experts are asked about settled tasks that are checked: one answer does for both.

    What the crowd settled may still be worth an answer, as where the project asks for more certainty since then.
    """
    for some in _some(chosen):
        waiting = Escalation.objects.open().filter(to=to, task_id__in=some)
        asked = list(Task.objects.locked().filter(pk__in=waiting.values("task")).values_list("pk", flat=True))
        waiting.filter(task_id__in=asked).update(state=Escalation.State.WITHDRAWN, closed_at=Now())


def places_of(batch: Batch, chosen: list[int]) -> dict[int, float]:
    """A priority by task that puts each check at a random place of the people's queue, so that order tells nobody.

    It is that of an ordinary question which waits in the project, drawn by another lot of the task; where none waits,
    any entropy from 0 to that of knowing nothing.
    """
    ordinary = Escalation.objects.open().to_people().in_project(batch.project_id).exclude(reason=Reason.AUDIT)
    waiting = list(ordinary.order_by("pk").values_list("priority", flat=True)[:MOST_PLACES])
    most = log2(max(len(batch.project.label_list()), 2))
    places = {}
    for some in _some(chosen):
        for pk, name in Task.objects.filter(pk__in=some).values_list("pk", "instance__external_id"):
            number = lot(f"{seed_of(batch)}-place", name)
            places[pk] = waiting[int(number * len(waiting))] if waiting else number * most
    return places


def _some(keys: list[int]) -> Iterable[list[int]]:
    return (keys[start : start + ROWS] for start in range(0, len(keys), ROWS))


def _log_probability(batch: Batch, frame: list[Lot], cuts: Cuts) -> None:
    """Write (drawn) / (could be checked) on every drawn task: of the batch, or of a group that is checked more."""
    own = cuts.own()
    drawn = batch.tasks.filter(check_probability__isnull=False)
    drawn.update(check_probability=_part(frame, cuts.whole))
    for group in own:  # the highest cut last, since it decides over a task of several groups
        inside = [one for one in frame if cuts.stratum(one.groups) == group]
        here = drawn.in_group(group.by, group.name)
        here.update(check_probability=_part(inside, cuts.groups[group]))


def _part(frame: list[Lot], cut: float) -> float:
    """The share of the lots up to a cut; 1 where none is, which then is written on no task."""
    return sum(one.number <= cut for one in frame) / len(frame) or 1.0 if frame else 1.0


def price_of_one(batch: Batch, kind: str = "") -> int | None:
    """Micro-dollars that one answer of a person or an expert costs in this project; None where they work unpaid.

    The wage for the median time of their latest answers, at most the longest time that is paid. Without a `kind`,
    of whoever answers the random checks.
    """
    project = batch.project
    kind = kind or project.check_by
    if not project.wage_of(kind):
        return None
    answers = Vote.objects.of_people().filter(task__project=project, annotator__kind=kind, seconds__gt=0)
    seconds = median(list(answers.order_by("-pk").values_list("seconds", flat=True)[:LATEST]) or [TYPICAL_SECONDS])
    return round(project.wage_of(kind) * min(seconds, project.pay_seconds) / 3600)
