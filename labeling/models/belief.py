"""What the votes make us believe about one task, now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from labeling.models.question import Label
from labeling.models.round import Round
from labeling.models.task import Task


class BeliefQuerySet(models.QuerySet["Belief"]):
    def overwrite(self, columns: Mapping[str, Sequence[Any]], same: Mapping[str, Any]) -> None:
        """Write the beliefs of many tasks, new ones and those there are; `columns` by name, `same` for every row.

        One statement for all rows: a weighing writes so many that making objects of them costs more than all else.
        """
        fields = {field.column: field for field in Belief._meta.concrete_fields}
        same = {**same, "updated_at": timezone.now()}
        constant = [fields[name].get_db_prep_save(value, connection) for name, value in same.items()]
        given = [
            _as_json(values) if fields[name].get_internal_type() == "JSONField" else values
            for name, values in columns.items()
        ]
        with connection.cursor() as cursor:
            cursor.executemany(_statement([*columns, *same]), [(*row, *constant) for row in zip(*given, strict=True)])


def _as_json(values: Sequence[Any]) -> list[str | None]:
    return [None if each is None else json.dumps(each) for each in values]


def _statement(names: Sequence[str]) -> str:
    """Insert, or overwrite where the task has a belief already."""
    quote = connection.ops.quote_name
    table, task, places = quote(Belief._meta.db_table), quote("task_id"), ", ".join(["%s"] * len(names))
    changed = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in names if name != "task_id")
    insert = f"INSERT INTO {table} ({', '.join(map(quote, names))}) VALUES ({places})"  # noqa: S608, names of columns
    return f"{insert} ON CONFLICT ({task}) DO UPDATE SET {changed}"


class Belief(models.Model):
    """The posterior of one task, and the answer it makes. Derived from votes, so it may be overwritten."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="belief")
    round = models.ForeignKey(Round, null=True, on_delete=models.SET_NULL, related_name="beliefs")
    probabilities = models.JSONField(
        help_text="As the kind tells: of one label each label's in order, sum 1; of any number of labels the chance of "
        "yes for each in order; of stretches the chance of each one in `marks`."
    )
    base = models.JSONField(help_text="The belief of the last full inference; later single votes are added to it.")
    crowd = models.JSONField(
        null=True, blank=True, help_text="What the free crowd alone believed, where `base` counts further answers."
    )
    base_vote = models.PositiveBigIntegerField(default=0, help_text="The newest vote that `base` counts.")
    label = models.ForeignKey(
        Label, null=True, on_delete=models.PROTECT, related_name="+", help_text="The most believed label."
    )
    marks = models.JSONField(null=True, help_text="The believed answer of a kind without one label, in its plain form.")
    confidence = models.FloatField(help_text="Chance that this answer is right.")
    entropy = models.FloatField(help_text="In bits.")
    tie = models.BooleanField(default=False)
    method = models.CharField(max_length=40)
    calibrated = models.BooleanField(default=False)
    n_votes = models.PositiveIntegerField(default=0, help_text="Votes with a label behind it.")
    updated_at = models.DateTimeField(auto_now=True)

    objects = BeliefQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(label__isnull=False, marks__isnull=True) | Q(label__isnull=True, marks__isnull=False),
                name="belief_says_a_label_or_marks",
            ),
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=1), name="belief_confidence_in_0_1"),
            models.CheckConstraint(condition=Q(entropy__gte=0), name="belief_entropy_not_negative"),
        ]
        indexes = [models.Index(fields=["entropy"], name="belief_entropy")]

    def __str__(self) -> str:
        return f"{self.label or self.marks} {self.confidence:.2f}"
