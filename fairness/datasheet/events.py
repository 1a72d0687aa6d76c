"""What did not go by itself: alarms and their answers, pauses, and where people overruled machines or accepted less."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, F, Q

from fairness.datasheet.plain import Plain, moment, rounded
from labeling.models import Alarm, Batch, Decision

MACHINES = (Decision.By.CROWD, Decision.By.PAID)


def events(batch: Batch, names: Mapping[int, str]) -> Plain:
    """Alarms that concern the batch, pauses now in force, decisions that were overruled or accepted below the line."""
    project = batch.project
    decisions = Decision.objects.filter(task__batch=batch)
    below = decisions.current().filter(decided_by__in=MACHINES, confidence__lt=project.accept_confidence)
    superseded = decisions.exclude(superseded_at=None).values_list("decided_by").annotate(n=Count("pk")).order_by()
    return {
        "paused_at": moment(batch.paused_at),
        "stopped_because": batch.error,
        "paid_calls_stopped_at": moment(project.calls_stopped_at),
        "alarms": [_alarm(one, names) for one in _alarms(batch)],
        "models_set_aside": sorted(names[pk] for pk in batch.set_aside if pk in names),
        "errors_learned_by": batch.weighed_by,
        "accepted_from": project.accept_confidence,
        "accepted_for_this_batch_from": batch.accept_confidence,
        "accepted_below_the_line": below.count(),
        "superseded_decisions_by_who_made_them": dict(superseded),
        "last_word_differs_from_the_votes": _overruled(batch),
    }


def _alarms(batch: Batch) -> list[Alarm]:
    """Those about the batch, and those about whoever answered in it while it was at work."""
    about_all = Q(batch=None, project=batch.project_id, raised_at__gte=batch.created_at)
    return list(Alarm.objects.filter(Q(batch=batch) | about_all).prefetch_related("answers").order_by("pk"))


def _alarm(one: Alarm, names: Mapping[int, str]) -> Plain:
    who = names.get(one.annotator_id or 0)
    about = who or one.about
    return {
        "kind": one.kind,
        "about": about,
        "why": one.why.replace(one.about, about) if who else one.why,
        "evidence": rounded(one.evidence),
        "alarm_at": rounded(one.threshold),
        "gap": None if one.gap is None else rounded(one.gap),
        "paused_what_it_concerns": one.paused,
        "raised_at": moment(one.raised_at),
        "cleared_at": moment(one.cleared_at),
        "answers": [
            {"what": answer.what, "why": answer.why, "done": answer.told, "at": moment(answer.at)}
            for answer in one.answers.all()
        ],
    }


def _overruled(batch: Batch) -> int:
    """Settled tasks whose final answer, a person's or an expert's, is not the one that the votes made likeliest."""
    by_people = Decision.objects.current().filter(
        task__batch=batch, decided_by__in=[Decision.By.PERSON, Decision.By.EXPERT]
    )
    told = by_people.filter(task__belief__isnull=False)
    labels = told.filter(label__isnull=False).exclude(label=F("task__belief__label"))
    marks = told.filter(label__isnull=True).values_list("marks", "task__belief__marks")
    return int(labels.count()) + sum(bool(one != other) for one, other in marks)
