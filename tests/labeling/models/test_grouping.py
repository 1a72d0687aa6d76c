"""Groups: any number of attributes, alone or crossed, in the database as in Python."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.models import Batch, Instance, Task
from labeling.models.grouping import Grouping, attribute_names, attributes, chosen, group_of, ways
from tests.tasks import put_tasks

pytestmark = pytest.mark.django_db
VALUES = [("north", "women"), ("north", "men"), ("south", "women"), ("", "men"), ("north", "")]
ODD = ["district", "2024", 'a "b" c', "dis.trict[0]", "a__b", "$", "it's", "Größe", "a\\b", "100%"]


@pytest.fixture
def crossed(batch: Batch) -> Batch:
    """Five tasks more, with district and gender as far as they are known."""
    rows = [{name: value for name, value in zip(("district", "gender"), pair, strict=True) if value} for pair in VALUES]
    put_tasks(batch, ({"position": 10 + n, "groups": groups} for n, groups in enumerate(rows)))
    Batch.objects.filter(pk=batch.pk).update(attributes=["district", "gender"])
    return Batch.objects.get(pk=batch.pk)


@pytest.mark.parametrize("name", ODD)
def test_an_attribute_may_be_called_anything(batch: Batch, name: str) -> None:
    Instance.objects.filter(position=0).update(groups={name: "north", f"{name}2": "south"})
    assert [task.position for task in batch.tasks.in_group([name], "north")] == [0]
    assert batch.tasks.in_group([name], "").count() == 5, "the others have none"


@pytest.mark.parametrize("by", [("district",), ("gender",), ("district", "gender"), ()])
def test_the_database_groups_as_python_does(crossed: Batch, by: tuple[str, ...]) -> None:
    tasks = list(crossed.tasks.all())
    names = {group_of(by, task.groups) for task in tasks}
    for name in names:
        found = {task.pk for task in crossed.tasks.in_group(by, name)}
        assert found == {task.pk for task in tasks if group_of(by, task.groups) == name}
    assert (
        names
        == {
            ("district",): {"north", "south", ""},
            ("gender",): {"women", "men", ""},
            ("district", "gender"): {"north, women", "north, men", "south, women", ""},
            (): {""},
        }[by]
    )


def test_a_page_groups_by_the_first_attribute_unless_asked_otherwise(crossed: Batch) -> None:
    assert list(ways(["a", "b", "c"])) == ["a", "b", "c", "a*b", "a*c", "b*c"]
    assert attributes(crossed) == attributes(crossed.project) == ["district", "gender"]
    assert chosen(crossed) == chosen(crossed, "colour") == ("district",)
    found = Grouping.of(crossed, "district*gender")
    assert (found.by, found.title, found.address) == (("district", "gender"), "district and gender", "district*gender")
    assert found.choices[-1] == ("district*gender", "district and gender")


def test_a_single_attribute_bears_the_name_that_the_project_gives_its_groups(batch: Batch) -> None:
    batch.project.group_name = "Part of town"
    assert Grouping.of(batch) == Grouping(("Group",), "Part of town", ())
    assert attribute_names(batch.project, ["group", "gender"]) == {"group": "Part of town", "gender": "gender"}
    assert attribute_names(batch.project, ["Part of town", "group"])["group"] == "group"


def test_tasks_come_with_their_texts_in_one_query(batch: Batch) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert len({task.text for task in batch.tasks.all()}) == 6
    assert len(asked) == 1


@pytest.mark.parametrize("what", ["count", "exists", "update", "values", "locked"])
def test_what_needs_no_text_reads_none(batch: Batch, what: str, django_assert_num_queries: Any) -> None:
    tasks = batch.tasks.all()
    with CaptureQueriesContext(connection) as asked:
        {
            "count": tasks.count,
            "exists": tasks.exists,
            "update": lambda: tasks.update(stage=Task.Stage.DECIDED),
            "values": lambda: list(tasks.values_list("pk", "gold_id")),
            "locked": lambda: list(tasks.locked().order_by("pk").values_list("pk")),
        }[what]()
    assert len(asked) == 1 and "labeling_instance" not in asked[0]["sql"]
