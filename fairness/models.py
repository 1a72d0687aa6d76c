"""Audits before use, policies of thresholds that somebody has approved, and what people say of themselves."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from labeling.models import Annotator, Batch, Membership, Project, Question


class AuditQuerySet(models.QuerySet["Audit"]):
    def unfinished(self) -> AuditQuerySet:
        """Audits in which somebody still owes answers."""
        return self.filter(members__done_at=None).distinct()

    def silent(self) -> AuditQuerySet:
        """Unfinished ones that no worker holds, by the database's clock."""
        return self.unfinished().filter(Q(leased_until=None) | Q(leased_until__lt=Now()))


class Audit(models.Model):
    """Sentences that differ in one thing, put to some annotators. They are tasks of a batch that is put away, so that
    money, votes and what may leave the house are theirs as everywhere; none of them is ever settled or exported.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audits")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="audits")
    batch = models.OneToOneField(Batch, on_delete=models.CASCADE, related_name="audit")
    name = models.CharField(max_length=120)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    leased_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0, help_text="Grows with every lease; an old holder stops.")

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    def lease(self, seconds: float) -> bool:
        """Become the only worker of this audit; True for the one who did."""
        free = Q(leased_until=None) | Q(leased_until__lt=Now())
        mine = Audit.objects.filter(free, pk=self.pk)
        won = mine.update(leased_until=Now() + timedelta(seconds=seconds), fence=F("fence") + 1)
        if won:
            self.refresh_from_db(fields=["fence"])
        return bool(won)

    def renew(self, seconds: float) -> bool:
        """Keep the lease; False where it has passed on."""
        mine = Audit.objects.filter(pk=self.pk, fence=self.fence)
        return bool(mine.update(leased_until=Now() + timedelta(seconds=seconds)))

    def release(self) -> None:
        Audit.objects.filter(pk=self.pk, fence=self.fence).update(leased_until=None)


class AuditMember(models.Model):
    """One annotator in an audit: done, or still asked; `error` says in one sentence why it was left."""

    audit = models.ForeignKey(Audit, on_delete=models.CASCADE, related_name="members")
    annotator = models.ForeignKey(Annotator, on_delete=models.CASCADE, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["audit", "annotator"], name="audit_member_once")]

    def __str__(self) -> str:
        return f"{self.annotator} in {self.audit}"


class ThresholdPolicy(models.Model):
    """Thresholds by group for one label that a manager approved, with the reason; the labels stay as they are."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="threshold_policies")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(max_length=200)
    by = models.JSONField(help_text="The attributes that make the groups.")
    thresholds = models.JSONField(help_text="From which chance on the label is given, by group.")
    reason = models.CharField(max_length=300)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "threshold policies"
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="threshold_policy_has_a_reason")]

    def __str__(self) -> str:
        return f"{self.label} in {self.batch}"


class PeopleAttribute(models.Model):
    """What a project asks people about themselves, such as their age; nobody needs to answer."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="people_attributes")
    name = models.CharField(max_length=60)
    options = models.JSONField(help_text="The groups to choose from, in order.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="people_attribute_once")]

    def __str__(self) -> str:
        return self.name


class OwnGroup(models.Model):
    """The group that a member says to belong to; nobody else writes it, and pages show sums of ten people or more.

    It goes with the membership: who leaves the project is forgotten here.
    """

    attribute = models.ForeignKey(PeopleAttribute, on_delete=models.CASCADE, related_name="answers")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="own_groups")
    value = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attribute", "membership"], name="own_group_once")]

    def __str__(self) -> str:
        return f"a person's {self.attribute}"
