"""Rows written in bulk are the rows that objects would have become."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from labeling.models import Batch, Instance, Project, bulk

pytestmark = pytest.mark.django_db
NAMES = ("id", "project_id", "batch_id", "position", "external_id", "digest", "parts", "images", "groups")
PARTS = [["Text", 'Straße\n"9" \\ 東京\t\U0001f600'], ["Note", ""]]


@pytest.fixture
def batch() -> Batch:
    return Batch.objects.create(project=Project.objects.create(name="Names", slug="names"), name="first")


def row(batch: Batch, key: int, name: str, **other: Any) -> tuple[Any, ...]:
    values = {"parts": PARTS, "images": None, "groups": {"town": "Kraków"}} | other
    return (key, batch.project_id, batch.pk, key, name, name * 2, values["parts"], values["images"], values["groups"])


def write(batch: Batch, *names: str) -> list[int]:
    with transaction.atomic():
        keys = bulk.reserve(Instance, len(names))
        bulk.write(Instance, NAMES, [row(batch, key, name) for key, name in zip(keys, names, strict=True)])
    return list(keys)


def test_values_and_defaults_are_those_of_an_object(batch: Batch) -> None:
    (key,) = write(batch, "a")
    made = Instance.objects.create(
        project=batch.project, batch=batch, position=99, external_id="b", digest="c", parts=PARTS, groups={"town": "Ł"}
    )
    read = Instance.objects.get(pk=key)
    assert (read.parts, read.images, read.groups) == (PARTS, None, {"town": "Kraków"})
    assert (read.about, read.local_only) == (made.about, made.local_only)
    assert abs(timezone.now() - read.created_at) < timedelta(minutes=1)


def test_a_missing_value_of_json_is_null_for_queries_too(batch: Batch) -> None:
    write(batch, "a")
    assert Instance.objects.filter(images__isnull=True).count() == 1
    assert Instance.objects.filter(groups__town="Kraków").count() == 1


def test_keys_are_new_ascending_and_left_to_nobody_else(batch: Batch) -> None:
    first = write(batch, "a", "b")
    made = Instance.objects.create(
        project=batch.project, batch=batch, position=99, external_id="c", digest="c", parts=PARTS
    )
    gone = made.pk
    made.delete()
    keys = [*first, gone, *write(batch, "d", "e", "f")]
    assert keys == sorted(set(keys))
    assert bulk.reserve(Instance, 0) == ()


def test_what_the_database_refuses_is_refused_and_nothing_of_it_stays(batch: Batch) -> None:
    with pytest.raises(IntegrityError):
        write(batch, "a", "b", "a")
    assert not Instance.objects.exists()
