"""A database that the version before filled opens after all migrations, and its work goes on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.apps.registry import Apps
from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.test import Client

from labeling import known
from labeling.files.rows import digest_of
from labeling.models import Batch, Decision, Escalation, Instance, LedgerEntry, Project, Task, Vote
from labeling.rounds import story

FILLED = Path(__file__).parent / "databases" / "first_release.json.gz"
"""Forty texts labeled by two specialists, a paid model and people, with checks, an expert's decision and a ledger."""
THEN = [("labeling", "0002_guards"), ("reviewers", "0001_start")]
PAGES = ["", "import/", "tasks/", "crowd/", "money/", "people/", "settings/", "cases/", "mine/", "label/"]


def migrate(targets: list[tuple[str, str]] | None) -> Apps:
    executor = MigrationExecutor(connection)
    executor.migrate(targets or executor.loader.graph.leaf_nodes())
    return MigrationExecutor(connection).loader.project_state(targets or []).apps


def told() -> list[dict[str, Any]]:
    """The rows as they were written down: model, pk and fields of each."""
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(FILLED.read_bytes()))
    return rows


def fill(apps: Apps) -> None:
    """Load the rows through the models as they were; decisions first point to nothing that comes later."""
    with connection.constraint_checks_disabled():
        for row in told():
            model = apps.get_model(row["model"])
            fields = {field.name: field for field in model._meta.concrete_fields}
            values = {
                fields[name].attname: fields[name].to_python(value)
                for name, value in row["fields"].items()
                if name in fields
            }
            model._default_manager.bulk_create([model(pk=row["pk"], **values)])
    connection.check_constraints()
    statements = connection.ops.sequence_reset_sql(no_style(), apps.get_models())
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


WORDING = "Which team should go?"
RECORD = {
    **{"accuracy": 0.9, "low": 0.8, "high": 0.95, "evidence": 12.0, "given": 16, "group": 0.9},
    **{"usual": 0.1, "in_dispute": 0.4, "sources": {"expert": {"n": 1, "right": 1.0}}, "change": None},
}


@pytest.fixture
def old(transactional_db: None) -> Any:
    then = migrate(THEN)
    fill(then)
    then.get_model("labeling", "Project").objects.update(question=WORDING)
    later = migrate([("labeling", "0012_members_that_rest"), ("reviewers", "0001_start")])
    later.get_model("labeling", "Annotator").objects.filter(name="ann").update(skill=RECORD)
    migrate(None)
    yield Project.objects.get()
    migrate(None)


@pytest.mark.slow
def test_an_old_project_has_its_question_with_labels_tasks_rounds_and_skills(old: Project) -> None:
    question = old.questions.get()
    assert (question.wording, question.kind, question.position) == (WORDING, "choice", 0)
    assert [label.name for label in question.label_list()][::5] == ["Housing and buildings", "Water and drains"]
    assert question.labels.count() == 6 and old.tasks.filter(question=question).count() == 40
    assert list(question.rounds.values_list("number", flat=True)) == [1, 2, 3]
    fake, ann = (old.annotators.get(name=name).on(question) for name in ("fake", "ann"))
    assert fake.confusion is not None and fake.confusion[0][:2] == [0.75, 0.05] and fake.skill is None
    assert ann.confusion is None and ann.skill == RECORD
    assert not old.annotators.get(name="eve").skills.exists(), "nothing was learnt of her"


@pytest.mark.slow
def test_every_text_group_label_and_answer_is_still_there(old: Project) -> None:
    """What was one row is two; nothing of it is lost, and nothing else has moved."""
    before: dict[str, dict[int, dict[str, Any]]] = {}
    for row in told():
        before.setdefault(row["model"].partition(".")[2], {})[row["pk"]] = row["fields"]
    then, now = before["task"], {task.pk: task for task in Task.objects.select_related("gold", "batch")}
    assert now.keys() == then.keys() and Instance.objects.count() == len(then) > 0
    called = Batch.objects.get().attributes
    for pk, fields in then.items():
        task = now[pk]
        for name in ("parts", "about", "external_id", "local_only"):
            assert getattr(task, name) == fields[name], f"{name} of {pk}"
        assert task.digest == fields["digest"][:24] == digest_of(task.parts, ()), "the same text is found again"
        assert task.groups == ({called[0]: fields["group"]} if fields["group"] else {})
        for name in ("gold_id", "batch_id", "project_id", "position", "slice", "stage", "check_probability"):
            assert getattr(task, name) == fields[name.removesuffix("_id")], f"{name} of {pk}"
        assert task.instance.position == task.position and task.instance.batch_id == task.batch_id
    assert any(task.groups for task in now.values()) and any(task.gold for task in now.values())
    for model in (Vote, Decision, Escalation, LedgerEntry):
        kept = set(model._default_manager.values_list("pk", flat=True))
        assert kept == set(before[model._meta.model_name]), model.__name__
    labels = dict(Vote.objects.values_list("pk", "label_id"))
    assert labels == {pk: fields["label"] for pk, fields in before["vote"].items()}
    standing = dict(Decision.objects.values_list("pk", "label_id"))
    assert standing == {pk: fields["label"] for pk, fields in before["decision"].items()}
    again = Instance(project=old, batch=Batch.objects.get(), position=10**6, external_id="new", digest="new", parts=[])
    again.save()
    assert again.pk > max(then), "new instances get numbers of their own"


@pytest.mark.slow
@pytest.mark.usefixtures("old")
def test_texts_are_not_taken_back_into_tasks() -> None:
    with pytest.raises(IrreversibleError, match="restore the copy"):
        migrate([("labeling", "0012_members_that_rest")])


@pytest.mark.slow
def test_an_old_database_opens_and_its_work_goes_on(old: Project) -> None:
    by = dict.fromkeys(Decision.By.values, 0)
    for one in Decision.objects.all():
        by[one.decided_by] += 1
    assert (by["file"], by["expert"]) == (12, 1), "what came with the file is told apart from the expert's one word"
    assert {one.source for one in known.labels(old)} == {"file", "expert", "person"}

    client, batch = Client(), Batch.objects.get()
    client.force_login(User.objects.get(username="max"), backend="django.contrib.auth.backends.ModelBackend")
    for page in [*PAGES, f"batches/{batch.pk}/", f"batches/{batch.pk}/rounds/", f"tasks/{batch.tasks.first().pk}/"]:
        answer = client.get(f"/p/{old.slug}/{page}", follow=True)
        assert answer.status_code == 200, f"{page}: {answer.status_code}"
    exported = b"".join(client.get(f"/p/{old.slug}/batches/{batch.pk}/labels.jsonl")).decode().splitlines()
    assert len(exported) == Decision.objects.current().count()

    votes = Vote.objects.count()
    batch.move(Batch.Stage.WEIGHING, come_from=batch.stage)
    Project.objects.update(calls_stopped_at=Now())
    while story.advance(batch.pk):
        pass
    batch.refresh_from_db()
    assert not batch.error and batch.stage in (Batch.Stage.REVIEWING, Batch.Stage.DONE, Batch.Stage.ASKING)
    assert Vote.objects.count() >= votes and batch.rounds.latest("number").parameters["known_from"]["person"] > 0
