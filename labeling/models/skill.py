"""How good an annotator is at a question, as last inferred."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import models

from labeling.models.annotator import Annotator
from labeling.models.question import Question


class SkillQuerySet(models.QuerySet["Skill"]):
    def by_annotator(self, question: Question, annotators: Iterable[int]) -> dict[int, Skill]:
        """What was learnt of these annotators, by key; an empty row, not saved, where nothing was. One query."""
        found = {pk: Skill(annotator_id=pk, question=question) for pk in annotators}
        kept = self.filter(question=question, annotator__in=found) if found else []
        return found | {one.annotator_id: one for one in kept}

    def keep(self, rows: Sequence[Skill], *columns: str) -> None:
        """Write these columns of rows that are there or not, for one annotator and question each."""
        unique = ["annotator", "question"]
        self.bulk_create(rows, batch_size=500, update_conflicts=True, update_fields=columns, unique_fields=unique)


class Skill(models.Model):
    """What was learnt of one annotator from its answers to one question. Derived, so it may be overwritten."""

    annotator = models.ForeignKey(Annotator, on_delete=models.CASCADE, related_name="skills")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="skills", db_index=False)
    confusion = models.JSONField(
        null=True, blank=True, help_text="As last inferred: row = truth, column = answer, last column = abstention."
    )
    skill = models.JSONField(
        null=True,
        blank=True,
        help_text="Of who is asked after the crowd: accuracy, its interval, the evidence by source, the last change.",
    )

    objects = SkillQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["annotator", "question"], name="skill_once_per_question")]

    def __str__(self) -> str:
        return f"{self.annotator} at {self.question}"
