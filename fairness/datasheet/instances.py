"""What was labeled: where the batch comes from, its instances, their groups, the rows that were left out."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count, Q

from fairness.datasheet.plain import Plain, moment
from labeling.models import Batch
from labeling.models.grouping import attributes, group_name


def dataset(batch: Batch) -> Plain:
    """The batch and its project by name and time."""
    project = batch.project
    return {
        "project": project.name,
        "batch": batch.name,
        "number": batch.pk,
        "language": project.language,
        "created_at": moment(batch.created_at),
        "finished_at": moment(batch.finished_at),
        "stage": batch.get_stage_display(),
        "stays_on_this_machine": batch.local_only or project.local_only,
        "seed": batch.seed,
    }


def instances(batch: Batch) -> Plain:
    """How many rows were read and became instances, of what they consist, in which groups they are."""
    mine = batch.instances.order_by()
    skipped = Counter(batch.skipped_rows.values_list("kind", flat=True))
    return {
        "rows_read": batch.rows_read,
        "rows_new": batch.rows_new,
        "rows_duplicate": batch.rows_duplicate,
        "rows_bad": batch.rows_bad,
        "lines_listed": dict(sorted(skipped.items())),
        "instances": mine.count(),
        "with_text": mine.exclude(parts=[]).count(),
        "with_pictures": mine.filter(images__isnull=False).count(),
        "local_only": mine.filter(local_only=True).count(),
        "parts": sorted({title for parts in mine.values_list("parts", flat=True)[:200] for title, _ in parts}),
        "groups": {name: _sizes(batch, name) for name in attributes(batch)},
    }


def _sizes(batch: Batch, name: str) -> dict[str, int]:
    """How many instances have each value of an attribute; "" counts those that have none."""
    rows = batch.instances.order_by().annotate(value=group_name([name], "groups"))
    return dict(sorted(rows.values_list("value").annotate(n=Count("pk"))))


def tasks_of(batch: Batch) -> dict[int, dict[str, int]]:
    """By question: how many tasks are settled, open, waiting or not asked, known from the file, or teach."""
    known = Q(gold__isnull=False) | Q(gold_marks__isnull=False)
    rows = (
        batch.tasks.order_by()
        .values("question")
        .annotate(
            tasks=Count("pk"),
            settled=Count("pk", filter=Q(stage="decided")),
            open=Count("pk", filter=Q(stage="open")),
            waiting=Count("pk", filter=Q(stage="waiting")),
            not_asked=Count("pk", filter=Q(stage="not_asked")),
            known_from_the_file=Count("pk", filter=known),
            taught_from=Count("pk", filter=Q(slice="validation")),
            drawn_for_a_check=Count("pk", filter=Q(check_probability__isnull=False)),
        )
    )
    counts: dict[int, dict[str, int]] = {}
    for row in rows:
        told: dict[str, int] = dict(row)  # type: ignore[arg-type]
        counts[told.pop("question")] = told
    return counts
