"""What a manager does about an alarm that stopped a line: check more, mend it, or go on with a reason.

All of it is kept. A mend takes back the labels that machines gave to the groups concerned; they are settled anew, and
the watch begins anew with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from labeling.checks import alarms, draws, holds
from labeling.live import nudges
from labeling.managing import budgets
from labeling.models import Alarm, AlarmAnswer, Annotator, Batch
from labeling.rounds import decisions

if TYPE_CHECKING:
    from django.contrib.auth.models import User

What = AlarmAnswer.What


class CannotAnswer(ValueError):
    """What must not be done about an alarm; the message is one sentence that says why and what to do."""


@transaction.atomic
def check_more(alarm: Alarm, count: int, by: User) -> str:
    """Draw so many more checks of settled tasks, at random, in the groups concerned; the line stays as it is.

    Returns what was done, in a sentence. Raises CannotAnswer where nothing is left to draw.
    """
    batch, drawn = _batch(alarm), 0
    for name in alarm.groups:
        more = count - drawn
        drawn += draws.draw(batch, more, group=name, by=(alarm.attribute,), question=alarm.question) if more else 0
    if not drawn:
        raise CannotAnswer(
            "No settled task of these groups is left that could be checked; mend the line, or go on with a reason."
        )
    told = draws.words(batch, drawn, alarm.about)
    _keep(alarm, What.CHECK, by, told)
    return told


@transaction.atomic
def take_out(alarm: Alarm, annotator: Annotator, by: User, why: str = "") -> str:
    """Pause a model, leave its votes in this batch out of account, and settle the groups concerned anew."""
    batch = _batch(alarm)
    if annotator.project_id != batch.project_id or annotator.kind != Annotator.Kind.MODEL:
        raise CannotAnswer("Choose one of the models that vote on every task.")
    models = batch.project.annotators.filter(kind=Annotator.Kind.MODEL, paused_at=None)
    voting = models.exclude(pk__in=[annotator.pk, *batch.set_aside])
    if not voting.exists():
        raise CannotAnswer(f"{annotator} is the only model that votes; add another one on the page Crowd first.")
    sentence = f"Paused after an alarm about {alarm.about}; its votes do not count in {batch.name}."
    Annotator.objects.filter(pk=annotator.pk, paused_at=None).update(paused_at=Now(), error=sentence)
    aside = sorted({*batch.set_aside, annotator.pk})
    Batch.objects.filter(pk=batch.pk).update(set_aside=aside)
    return _mend(alarm, What.MODEL, by, why, f"{annotator} is paused and its votes in {batch.name} are left out.")


@transaction.atomic
def weigh_by_group(alarm: Alarm, by: User, why: str = "") -> str:
    """From now on learn how models err in each group of the attribute; settle the groups concerned anew."""
    batch = _batch(alarm)
    if alarm.question is not None and alarm.question.answers.in_text:
        raise CannotAnswer("Stretches of text cannot be weighed by group; take a model out, or go on with a reason.")
    Batch.objects.filter(pk=batch.pk).update(weighed_by=alarm.attribute)
    told = f"Errors of models are learned by {alarm.attribute} where known labels show that this is better."
    return _mend(alarm, What.BY_GROUP, by, why, told)


@transaction.atomic
def crowd_changed(alarm: Alarm, by: User, why: str = "") -> str:
    """The models were changed on their own page: settle the groups concerned anew, by those there are now."""
    batch = _batch(alarm)
    paused = batch.project.annotators.filter(kind=Annotator.Kind.MODEL, paused_at__gte=alarm.raised_at)
    aside = sorted({*batch.set_aside, *paused.values_list("pk", flat=True)})
    Batch.objects.filter(pk=batch.pk).update(set_aside=aside)
    return _mend(alarm, What.CROWD, by, why, "The models were changed; those that were paused since do not count here.")


@transaction.atomic
def override(alarm: Alarm, by: User, why: str) -> str:
    """Go on as before, for a reason that is kept. Raises CannotAnswer without one."""
    if not why.strip():
        raise CannotAnswer("Say why the line may go on; the reason is kept with the alarm.")
    told = f"The line goes on for {alarm.about}."
    _bring_up_to_date(alarm)
    _end(alarm, What.OVERRIDE, by, why.strip(), told)
    budgets.go_on(_batch(alarm))
    return told


@transaction.atomic
def seen(alarm: Alarm, by: User) -> str:
    """An alarm that stopped nothing was seen."""
    if alarm.paused:
        raise CannotAnswer("This alarm has stopped the line; mend it, or say why it may go on.")
    told = f"Cleared: {alarm.why}"
    _bring_up_to_date(alarm)
    _end(alarm, What.SEEN, by, "", told)
    return told


def _bring_up_to_date(alarm: Alarm) -> None:
    """What is accepted is the gap as it stands now, not as it was when the alarm was raised."""
    looks = _batch(alarm).looks.filter(question=alarm.question, attribute=alarm.attribute, measure=alarm.measure)
    last = looks.filter(part=alarm.part).order_by("-pk").first()
    seen = [one for one in last.groups if one.group in alarm.groups] if last else []
    if seen:
        Alarm.objects.filter(pk=alarm.pk).update(gap=seen[0].difference, evidence=max(seen[0].evidence, alarm.evidence))


def _batch(alarm: Alarm) -> Batch:
    if alarm.batch is None or alarm.question is None:
        raise CannotAnswer("This alarm is about no groups of a batch; clear it on the overview.")
    return alarm.batch


def _mend(alarm: Alarm, what: str, by: User, why: str, told: str) -> str:
    """Take back what machines have settled in the groups concerned, and weigh the batch anew."""
    count = decisions.reopen_machines(holds.within(alarm).decided())
    noun = "label is" if count == 1 else "labels are"
    sentence = f"{told} {count:,} {noun} taken back and settled anew."
    _end(alarm, what, by, why, sentence)
    batch = _batch(alarm)
    batch.refresh_from_db()
    budgets.go_on(batch)
    return sentence


def _end(alarm: Alarm, what: str, by: User, why: str, told: str) -> None:
    """Keep what was done, and let the line go on."""
    _keep(alarm, what, by, told, why)
    alarms.clear(alarm)


def _keep(alarm: Alarm, what: str, by: User, told: str, why: str = "") -> None:
    AlarmAnswer.objects.create(alarm=alarm, what=what, why=why.strip(), told=told, by=by)
    nudges.announce(alarm.project_id, nudges.ALARM, nudges.PROGRESS)
