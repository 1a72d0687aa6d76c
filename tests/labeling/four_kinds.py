"""A project that asks four questions about each of its requests, one of each kind, all answered and partly settled."""

from __future__ import annotations

import io
import random
from typing import Any

from PIL import Image

from labeling import said
from labeling.checks import draws
from labeling.files import picture_store, pictures
from labeling.models import Annotator, Batch, Belief, Decision, Escalation, Instance, Project, Question, Task, Vote
from labeling.money import ledger
from labeling.rounds import weighing
from tests.labeling.managed import GROUPS, person
from tests.questions import question

TEXT = "Lamp out on Mill Road near the Old Bridge"
STRETCHES = ([12, 21, 0], [31, 41, 1])
SEXES = ("women", "men", "others")


def four_kinds(project: Project, tasks: int = 80) -> Batch:
    """Sets, scale and stretches beside the project's first question; three models and two people answer all of it.

    Half of the tasks have gold, every fourth of those teaches; most are settled, some are checked by lot.
    """
    question(project, "choices", ["light", "water", "noise", "waste"], wording="What is it about?")
    question(project, "scale", ["1", "2", "3", "4", "5"], wording="How urgent is it?")
    question(project, "spans", ["street", "place"], wording="Which places are named?")
    batch = Batch.objects.create(
        project=project, name="June", stage="weighing", attributes=["Group", "Sex"], rows_read=tasks, rows_new=tasks
    )
    ledger.open_purse(batch, 5_000_000)
    rng = random.Random(7)
    made = Instance.objects.bulk_create(_instance(batch, n) for n in range(tasks))
    voters = [_voter(project, name, "model") for name in ("Alpha", "Beta", "Gamma")]
    voters += [_voter(project, "Delta", "paid"), person(project, "ann"), person(project, "bob")]
    for place, asked in enumerate(project.questions.all()):
        _answer(batch, asked, place, made, voters, rng)
    batch.lease(600)
    weighing.weigh(batch)
    batch.release()
    for asked in project.questions.all():
        _settle(batch, asked)
    draws.draw(batch, 48)
    for asked in project.questions.all():
        _check(batch, asked, person(project, "ann"))
    Batch.objects.filter(pk=batch.pk).update(stage="reviewing")
    batch.refresh_from_db()
    return batch


def picture(tone: int) -> dict[str, Any]:
    """One small picture, kept as an import keeps it."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (tone % 256, 90, 120)).save(out, "PNG")
    found = pictures.read(out.getvalue())
    name = picture_store.keep(found)
    return {"title": "Photo", "file": name, "width": 64, "height": 48, "alt": "a street"}


def _instance(batch: Batch, n: int) -> Instance:
    return Instance(
        project_id=batch.project_id,
        batch=batch,
        position=n,
        external_id=f"J-{n}",
        digest=f"june-{n}",
        parts=[["Text", f"{TEXT}, report {n}."]],
        images=[picture(n)] if n % 10 == 0 else None,
        groups={"Group": GROUPS[n % 2], "Sex": SEXES[n % 3]},
    )


def _voter(project: Project, name: str, kind: str) -> Annotator:
    price = {"price_microdollars": 2000} if kind == "paid" else {}
    return Annotator.objects.create(project=project, kind=kind, name=name, spec="word_logistic", **price)


def right(asked: Question, rng: random.Random) -> Any:
    """A right answer in plain form."""
    return {
        "choice": lambda: rng.randrange(3),
        "choices": lambda: sorted(rng.sample(range(4), rng.randrange(3))),
        "scale": lambda: rng.randrange(5),
        "spans": lambda: [list(one) for one in STRETCHES if rng.random() < 0.7],
    }[asked.kind]()


def _answer(
    batch: Batch, asked: Question, place: int, made: list[Instance], voters: list[Annotator], rng: random.Random
) -> None:
    labels, width = asked.label_list(), batch.project.questions.count()
    truth = [right(asked, rng) for _ in made]
    tasks = [
        Task(
            instance=one,
            project=batch.project,
            batch=batch,
            question=asked,
            position=one.position * width + place,
            slice="validation" if n % 8 == 0 else "",
            **({} if n % 2 else _gold(asked, truth[n], labels)),
        )
        for n, one in enumerate(made)
    ]
    tasks = Task.objects.bulk_create(tasks)
    for number, voter in enumerate(voters):
        often = 1 if voter.kind == "model" else 3
        Vote.objects.bulk_create(
            Vote(
                task=task,
                annotator=voter,
                seconds=1.0,
                **said.of_plain(asked, right(asked, rng) if rng.random() < 0.1 + 0.05 * number else truth[n], labels),
            )
            for n, task in enumerate(tasks)
            if n % often == 0
        )


def _gold(asked: Question, plain: Any, labels: list[Any]) -> dict[str, Any]:
    held = said.of_plain(asked, plain, labels)
    return {"gold": held["label"], "gold_marks": held["marks"]}


def _settle(batch: Batch, asked: Question) -> None:
    """What is believed is settled, but for every fifth task."""
    waiting = Belief.objects.filter(task__batch=batch, task__question=asked, task__stage="open").exclude(
        task__slice="validation"
    )
    rows = list(waiting.order_by("task_id"))
    chosen = [one for n, one in enumerate(rows) if n % 5]
    Escalation.objects.filter(task__in=[one.task_id for one in chosen], state="open").update(state="withdrawn")
    Decision.objects.bulk_create(
        Decision(
            task_id=one.task_id,
            label_id=one.label_id,
            marks=one.marks,
            decided_by="crowd",
            confidence=one.confidence,
            entropy=one.entropy,
        )
        for one in chosen
    )
    Task.objects.filter(pk__in=[one.task_id for one in chosen]).update(stage="decided")


def _check(batch: Batch, asked: Question, who: Annotator) -> None:
    """What is drawn is answered by a person, all but the last one; most of it is confirmed."""
    drawn = Escalation.objects.filter(task__batch=batch, task__question=asked, reason="audit", state="open")
    for audit in list(drawn.select_related("checks").order_by("pk"))[:-1]:
        stands = audit.checks
        assert stands is not None
        before = Vote.objects.current().filter(task=audit.task_id, annotator=who).first()
        vote = before or Vote.objects.create(
            task_id=audit.task_id, annotator=who, label_id=stands.label_id, marks=stands.marks, seconds=3
        )
        Escalation.objects.filter(pk=audit.pk).update(state="answered", vote=vote, closed_at=vote.created_at)
