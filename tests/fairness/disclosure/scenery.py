"""A batch in which everything has happened that a datasheet tells of: people, a paid model, money, an alarm, checks."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from labeling.checks import certificates, draws
from labeling.checks.certificates import Target
from labeling.models import (
    Alarm,
    AlarmAnswer,
    Annotator,
    Batch,
    Decision,
    Escalation,
    GuidelineVersion,
    Project,
    Round,
    Task,
    Vote,
)
from labeling.money import ledger
from tests.labeling.managed import person, settled_batch

SPEC = "chat:gpt-4.1@https://api.example.org/v1?key=OPENAI_API_KEY&input=2&output=8&temperature=0.5&shots=4"


def eventful(project: Project) -> Batch:
    """120 settled tasks of three models; of them a paid model answered 8, people 6, an expert one; 30 are checked."""
    batch = settled_batch(project)
    GuidelineVersion.objects.keep(project)
    tasks = list(batch.tasks.order_by("position"))
    teach = Task.objects.filter(pk__in=[one.pk for one in tasks[:6] if one.gold_id])
    teach.update(slice=Task.Slice.VALIDATION)
    _bought(project, tasks[10:18])
    _people(project, tasks[20:26])
    _overruled(project, tasks[30])
    draws.draw(batch, 30)
    _checked(batch, person(project, "bob"))
    Round.objects.create(
        batch=batch,
        number=1,
        method="auto",
        chosen="blend",
        router="value",
        parameters={"seed": 0, "known": 3, "up_to_vote": 77},
        calibrated=True,
        finished_at=timezone.now(),
    )
    about = {"kind": "gap", "about": "Harbour", "why": "It errs.", "evidence": 21.5, "threshold": 20.0, "gap": -0.12}
    alarm = Alarm.objects.create(project=project, batch=batch, **about)
    AlarmAnswer.objects.create(alarm=alarm, what=AlarmAnswer.What.OVERRIDE, why="The harbour writes in dialect.")
    certificates.issue(batch, Target(0.3, 0.1))
    batch.refresh_from_db()
    return batch


def _bought(project: Project, tasks: list[Task]) -> None:
    paid = Annotator.objects.create(
        project=project, kind="paid", name="GPT", spec=SPEC, outside=True, price_microdollars=4000
    )
    for place, task in enumerate(tasks):
        held = ledger.reserve(task, paid, 4000)
        label = None if place == 0 else project.label_list()[0]
        told: dict[str, Any] = {"input_tokens": 100 + place, "output_tokens": 7, "cost_microdollars": 1500 + place}
        Vote.objects.create(
            task=task, annotator=paid, label=label, prompt_version="p1", model_version="gpt-4.1-x", seconds=2, **told
        )
        if place:
            ledger.settle(held, 1500 + place)


def _people(project: Project, tasks: list[Task]) -> None:
    """Ann was asked about these; what she says becomes the answer of the first three."""
    ann, labels = person(project, "ann"), project.label_list()
    for place, task in enumerate(tasks):
        vote = Vote.objects.create(task=task, annotator=ann, label=labels[place % 3], seconds=4)
        Escalation.objects.create(
            task=task,
            to="person",
            reason="uncertain",
            why="torn",
            state="answered",
            vote=vote,
            closed_at=timezone.now(),
        )
        if place < 3:
            _decide(task, ann, "person", labels[place % 3])


def _overruled(project: Project, task: Task) -> None:
    eve = person(project, "eve", "expert")
    label = project.label_list()[2]
    Vote.objects.create(task=task, annotator=eve, label=label)
    _decide(task, eve, "expert", label)


def _decide(task: Task, who: Annotator, by: str, label: Any) -> None:
    Decision.objects.filter(task=task).update(superseded_at=timezone.now())
    Decision.objects.create(task=task, label=label, decided_by=by, annotator=who, confidence=1.0, entropy=0.0)


def _checked(batch: Batch, who: Annotator) -> None:
    """Bob answers all drawn checks but one, and finds every fourth label wrong."""
    labels = batch.project.label_list()
    drawn = list(Escalation.objects.filter(task__batch=batch, reason="audit", state="open").select_related("checks"))
    for place, audit in enumerate(sorted(drawn, key=lambda one: one.pk)[:-1]):
        assert audit.checks is not None
        at = next(n for n, label in enumerate(labels) if label.pk == audit.checks.label_id)
        vote = Vote.objects.create(task_id=audit.task_id, annotator=who, label=labels[(at + (place % 4 == 0)) % 3])
        Escalation.objects.filter(pk=audit.pk).update(state="answered", vote=vote, closed_at=vote.created_at)
