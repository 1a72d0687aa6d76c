"""While a paid model cannot be asked, its questions wait or go to the next choice, as the project says."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat, Now

from labeling.models import Annotator, Batch, Escalation, Project, Reservation
from labeling.models.annotator import AnnotatorQuerySet
from labeling.models.task import TaskQuerySet
from labeling.money import ledger


def askable(batch: Batch) -> AnnotatorQuerySet:
    """The paid models to which this batch's tasks may be sent now.

    None while paid calls are stopped; none from outside where no text may leave; and where the policy is to go on
    to the next choice, none that keeps failing. A failing model whose questions wait is still a choice.
    """
    project = batch.project
    models = Annotator.objects.paid().filter(project=project)
    if project.calls_stopped_at:
        return models.none()
    if project.local_only or batch.local_only:
        models = models.filter(outside=False)
    waits = project.when_model_fails == Project.WhenModelFails.WAIT
    return models if waits else models.exclude(pk__in=models.failing())


def unasked(tasks: TaskQuerySet, annotator: Annotator) -> TaskQuerySet:
    """Those of the tasks that this model may be asked about: not answered, and no call of unknown outcome.

    A model of outside is not asked about texts that must stay.
    """
    calls = Reservation.objects.filter(task=OuterRef("pk"), annotator=annotator, state__in=ledger.OPEN)
    free = tasks.without_votes_of(annotator.pk).filter(~Exists(calls))
    return free.may_leave() if annotator.outside else free


def pass_on(batch: Batch) -> int:
    """Withdraw questions whose model cannot be asked, so that the next weighing finds another way; returns how many.

    Questions to a model that somebody paused always go on. While a model keeps failing, or paid calls are stopped,
    they go on only where the project says so.
    """
    project = Project.objects.get(pk=batch.project_id)
    calls = Reservation.objects.filter(escalation=OuterRef("pk"), state__in=ledger.OPEN)
    questions = Escalation.objects.in_batch(batch.pk).to_paid().open().filter(~Exists(calls))
    paused = Q(annotator__paused_at__isnull=False)
    if project.when_model_fails == Project.WhenModelFails.WAIT:
        questions = questions.filter(paused)
    elif not project.calls_stopped_at:
        questions = questions.filter(paused | Q(annotator__in=Annotator.objects.failing()))
    why = Concat("why", Value(" The model cannot be asked now."))
    return questions.update(state=Escalation.State.WITHDRAWN, closed_at=Now(), why=why)
