"""What was said about the errors of a batch's labels, with everything it was said from."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from labeling.models.batch import Batch
from labeling.models.question import Question


class CertificateQuerySet(models.QuerySet["Certificate"]):
    def listed(self) -> CertificateQuerySet:
        """Newest first, without the evidence, which may be large."""
        return self.defer("evidence").select_related("created_by").order_by("-pk")


class Certificate(models.Model):
    """A certificate about a question's answers in a batch, or its refusal (no `threshold`); never changed.

    `evidence` is what it rests on.
    """

    class Rule(models.TextChoices):
        ANYTIME = "anytime", "as often as you like"
        ONCE = "once", "once: the number of checks was fixed beforehand"

    class About(models.TextChoices):
        ALL = "all", "all labels, once an expert has given the rest"
        RELEASED = "released", "the released labels alone"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="certificates")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="certificates")
    rule = models.CharField(max_length=8, choices=Rule.choices)
    about = models.CharField(max_length=8, choices=About.choices)
    alpha = models.FloatField(help_text="The error target.")
    delta = models.FloatField(help_text="One less the confidence.")
    threshold = models.FloatField(null=True, help_text="The largest uncertainty that is released; none if refused.")
    accepted = models.PositiveIntegerField(help_text="How many labels are released.")
    total = models.PositiveIntegerField()
    checks = models.PositiveIntegerField(help_text="How many random checks it rests on.")
    errors = models.PositiveIntegerField(help_text="How many of them are released and wrong.")
    bound = models.FloatField(null=True, help_text="Upper bound of the error at the threshold.")
    further = models.PositiveIntegerField(null=True, help_text="Checks that are missing, at the rates seen so far.")
    stands = models.FloatField(null=True, help_text="Upper bound of the error of all labels as they stand.")
    experts = models.JSONField(default=list, help_text="Who gave the checked answers: name, kind, number.")
    statement = models.TextField()
    evidence = models.JSONField(help_text="All labels with their uncertainty, and all checks.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the evidence.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "rule", "about", "alpha", "delta", "digest"], name="certificate_once_per_evidence"
            ),
            models.CheckConstraint(
                condition=Q(alpha__gt=0, alpha__lt=1, delta__gt=0, delta__lt=1), name="certificate_targets_in_0_1"
            ),
            models.CheckConstraint(
                condition=Q(threshold=None, accepted=0) | Q(threshold__isnull=False, bound__isnull=False),
                name="certificate_releases_only_with_a_threshold_and_a_bound",
            ),
        ]

    def __str__(self) -> str:
        return f"{'certificate' if self.given else 'refusal'} {self.pk} of {self.batch}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A certificate never changes; issue a new one.")
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        page = reverse("certificate", args=[self.batch.project.slug, self.batch_id])
        about = f"question={self.question.number}&" if self.question.position else ""
        return f"{page}?{about}shown={self.pk}"

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A certificate never vanishes.")

    @property
    def given(self) -> bool:
        return self.threshold is not None

    @property
    def confidence(self) -> float:
        return 1 - self.delta
