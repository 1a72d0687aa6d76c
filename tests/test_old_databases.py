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
from django.core.serializers.python import Deserializer
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.test import Client

from labeling import known
from labeling.models import Batch, Decision, Project, Vote
from labeling.rounds import story

FILLED = Path(__file__).parent / "databases" / "first_release.json.gz"
"""Forty texts labeled by two specialists, a paid model and people, with checks, an expert's decision and a ledger."""
THEN = [("labeling", "0002_guards"), ("reviewers", "0001_start")]
PAGES = ["", "import/", "tasks/", "crowd/", "money/", "people/", "settings/", "cases/", "mine/", "label/"]


def migrate(targets: list[tuple[str, str]] | None) -> Apps:
    executor = MigrationExecutor(connection)
    executor.migrate(targets or executor.loader.graph.leaf_nodes())
    return MigrationExecutor(connection).loader.project_state(targets or []).apps


def fill(apps: Apps) -> None:
    """Load the rows through the models as they were; decisions first point to nothing that comes later."""
    rows = json.loads(gzip.decompress(FILLED.read_bytes()))
    with connection.constraint_checks_disabled():
        for row in Deserializer(rows, using="default"):
            model = apps.get_model(row.object._meta.label_lower)
            fields = {field.attname for field in model._meta.concrete_fields}
            told = {name: value for name, value in vars(row.object).items() if name in fields}
            model.objects.bulk_create([model(**told)])
    connection.check_constraints()
    statements = connection.ops.sequence_reset_sql(no_style(), apps.get_models())
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def old(transactional_db: None) -> Any:
    fill(migrate(THEN))
    migrate(None)
    yield Project.objects.get()
    migrate(None)


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
