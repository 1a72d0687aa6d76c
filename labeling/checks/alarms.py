"""Alarms: what should not go on unseen stands on the overview, and by the policy stops what it concerns.

A model or a person is paused. A gap between groups stops the line for these groups alone (`holds`), until a manager
answers it (`managing/answering_alarms.py`).

What there is to look for beyond this app is named in the settings (`WATCHES`): functions that take a batch and raise
alarms here. They run in workers, after every weighing and with every few answers of people.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from labeling.checks import holds
from labeling.live import nudges
from labeling.models import Alarm, AlarmAnswer, Annotator, Batch, Project, Question, Skill
from labeling.people import skill

Kind = Alarm.Kind
FAILS = 0.7
"""A person fails who is surely right less often than this: the upper end of the interval lies below it.
Where answers may be nearly right, whose answers are surely less close to the right ones on the mean."""
ANEW = 20.0
"""What a manager has cleared is raised again only when its evidence has grown so many times."""


def look(batch: Batch) -> None:
    """Look for everything that could raise an alarm about a batch and its project."""
    look_at_voters(batch.project)
    look_at_groups(batch)


def look_at_groups(batch: Batch) -> None:
    """Look for what the settings name (`WATCHES`): gaps between the groups of a batch."""
    for path in settings.WATCHES:
        import_string(path)(batch)


def look_at_project(project: Project) -> None:
    """The same over all batches that are at work or settled."""
    for batch in project.batches.filter(paused_at=None, archived_at=None).exclude(stage=Batch.Stage.IMPORTING):
        look(batch)


def look_at_voters(project: Project) -> None:
    """Raise an alarm about whoever has become worse, and about people who are surely wrong too often."""
    learnt = Skill.objects.filter(annotator__project=project, annotator__paused_at=None, skill__isnull=False)
    for row in learnt.select_related("annotator", "question").order_by("annotator", "question"):
        one = row.annotator
        known, kind = skill.of(row), Kind.PERSON if one.kind in PEOPLE else Kind.MODEL
        changed = known.change
        if changed is not None and changed.worse:
            ago = f"since {changed.ago:,} answers ago" if changed.ago else "with the last answer"
            why = f"{one} was right on {changed.before:.0%} and {ago} on {changed.after:.0%}."
            raise_about(project, kind, one.name, why, float(known.given - changed.ago), annotator=one)
        elif kind == Kind.PERSON and _fails(known):
            raise_about(project, kind, one.name, _failing(row, known), known.evidence, annotator=one)


def _fails(known: skill.Skill) -> bool:
    """Surely right too seldom; where answers may be nearly right, surely too far from what is right on the mean."""
    return known.estimable and (known.high if known.closeness is None else known.close_high) < FAILS


def _failing(row: Skill, known: skill.Skill) -> str:
    """How often somebody is right, in a sentence; which question it is where the kind has near answers."""
    share = f"{known.accuracy:.0%} ({known.low:.0%} to {known.high:.0%})"
    if known.closeness is None:
        return f"{row.annotator} is right on {share}, by {known.given} answers."
    near = f"{known.closeness:.0%} right on the mean ({known.close_low:.0%} to {known.close_high:.0%})"
    whole = f"wholly right on {known.accuracy:.0%}"
    return f"“{row.question}”: answers of {row.annotator} are {near}, {whole}, by {known.given} answers."


PEOPLE = (Annotator.Kind.PERSON, Annotator.Kind.EXPERT)


@dataclass(frozen=True, slots=True)
class Concern:
    """Between which groups a gap is: the `groups` by an `attribute` against all others, in the answers to a question.

    `part`: in one label, step or type of them; "" for whole answers. `measure`: as `Watch.Measure` says. `gap`: how
    much more often than others, and `at_least` how wide it surely is.
    """

    question: Question
    attribute: str
    groups: list[str]
    part: str
    measure: str
    threshold: float
    gap: float
    at_least: float


@transaction.atomic
def raise_about(
    project: Project,
    kind: str,
    about: str,
    why: str,
    evidence: float,
    *,
    batch: Batch | None = None,
    annotator: Annotator | None = None,
    concern: Concern | None = None,
    pauses: bool | None = None,
) -> bool:
    """Raise an alarm; False where it stands already, or a manager has answered the same (`ANEW`).

    `pauses`: whether it stops what it concerns; None leaves that to the project.
    """
    same = Alarm.objects.filter(project=project, kind=kind, about=about[:LONGEST], batch=batch)
    last = same.order_by("-pk").first()
    if last is not None and (last.cleared_at is None or _is_known(last, evidence, concern)):
        return False
    if pauses is None:
        pauses = project.when_alarmed == Project.WhenAlarmed.PAUSE
    made = Alarm(project=project, kind=kind, about=about[:LONGEST], why=why, evidence=evidence, batch=batch)
    made.annotator, made.paused = annotator, pauses
    if concern is not None:
        for name in ("question", "attribute", "groups", "part", "measure", "threshold", "gap"):
            setattr(made, name, getattr(concern, name))
    made.save()
    if pauses:
        _pause(made)
    nudges.announce(project.pk, nudges.ALARM, nudges.PROGRESS, nudges.QUEUE)
    return True


LONGEST = Alarm._meta.get_field("about").max_length


def _is_known(last: Alarm, evidence: float, concern: Concern | None) -> bool:
    """Whether a manager has answered the same already.

    After a mend the same evidence is news; after an override only a gap that is surely wider than the one overridden.
    """
    answers = set(last.answers.values_list("what", flat=True))
    if answers & set(AlarmAnswer.MENDS):
        return False
    if AlarmAnswer.What.OVERRIDE in answers and concern is not None and last.gap is not None:
        return concern.at_least <= abs(last.gap)
    return last.evidence * ANEW >= evidence


def _pause(alarm: Alarm) -> None:
    """Stop what an alarm concerns: the line of some groups, or whoever it is about."""
    if alarm.annotator is not None:
        Annotator.objects.filter(pk=alarm.annotator.pk, paused_at=None).update(paused_at=Now())
    elif alarm.batch is not None and alarm.question is not None:
        holds.stop(alarm)


@transaction.atomic
def clear(alarm: Alarm) -> None:
    """A manager has seen it: what it had paused goes on, but for a person whom a manager has paused by hand.

    Batches that were stopped whole, as alarms once did, go on as well.
    """
    alarm.clear()
    if alarm.paused and alarm.annotator is not None:
        by_hand = Q(kind__in=PEOPLE) & ~Q(error="")
        Annotator.objects.exclude(by_hand).filter(pk=alarm.annotator.pk).update(paused_at=None)
    elif alarm.paused and alarm.batch is not None:
        Batch.objects.filter(pk=alarm.batch.pk, error=alarm.why).update(error="", paused_at=None, touched_at=None)
    nudges.announce(alarm.project_id, nudges.ALARM, nudges.PROGRESS, nudges.QUEUE)
