"""Tasks made by hand: each row an instance with its text, and a task that asks about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from labeling.models import Batch, Instance, Task

OF_THE_TASK = ("gold", "gold_id", "slice", "stage", "check_probability")


def put_tasks(batch: Batch, rows: Iterable[Mapping[str, Any]], **options: Any) -> list[Task]:
    """Instances and their tasks, two statements for all; each row has a `position`, and fields of either table.

    Without more the id is the position, and text and digest are made of the batch's name and the position.
    """
    rows = list(rows)
    made = Instance.objects.bulk_create([_instance(batch, row) for row in rows], **options)
    return Task.objects.bulk_create(
        [
            Task(
                instance=one,
                project_id=batch.project_id,
                batch=batch,
                position=one.position,
                **{name: value for name, value in row.items() if name in OF_THE_TASK},
            )
            for one, row in zip(made, rows, strict=True)
        ],
        **options,
    )


def put_task(batch: Batch, **row: Any) -> Task:
    """One task; see `put_tasks`."""
    return put_tasks(batch, [row])[0]


def _instance(batch: Batch, row: Mapping[str, Any]) -> Instance:
    position = row["position"]
    told = {
        "external_id": str(position),
        "digest": f"{batch.name}-{position}"[:32],
        "parts": [["Text", f"{batch.name} {position}"]],
        **{name: value for name, value in row.items() if name not in OF_THE_TASK},
    }
    return Instance(project_id=batch.project_id, batch=batch, **told)


def change_instances(tasks: Any, **values: Any) -> None:
    """Write these values into the instances of some tasks, past everything that guards them."""
    Instance.objects.filter(pk__in=tasks.values("instance")).update(**values)
