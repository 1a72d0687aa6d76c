"""The tasks that came in together, and where their labeling stands."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from labeling.models.project import Project


class BatchQuerySet(models.QuerySet["Batch"]):
    def at_work(self) -> BatchQuerySet:
        """Batches on which a worker has something to do, now or soon."""
        return self.filter(stage__in=Batch.WORKING, paused_at=None)

    def listed(self) -> BatchQuerySet:
        """Batches that are not put away."""
        return self.filter(archived_at=None)

    def kept(self) -> BatchQuerySet:
        """Batches whose texts were not deleted."""
        return self.filter(deleted_at=None)

    def without_a_worker(self, seconds: float) -> BatchQuerySet:
        """Batches at work which no worker has touched for `seconds`, by the database's clock."""
        silent = Q(touched_at=None) | Q(touched_at__lt=Now() - timedelta(seconds=seconds))
        return self.at_work().filter(silent)


class Batch(models.Model):
    """The tasks that came in together; reports are per batch and per project."""

    class Stage(models.TextChoices):
        IMPORTING = "importing", "being read"
        VOTING = "voting", "the crowd votes"
        WEIGHING = "weighing", "votes are weighed"
        ASKING = "asking", "the paid model answers"
        REVIEWING = "reviewing", "with people"
        DONE = "done", "settled"

    WORKING = [Stage.IMPORTING, Stage.VOTING, Stage.WEIGHING, Stage.ASKING]

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    name = models.CharField(max_length=120)
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.IMPORTING)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Out of sight and at rest since; restorable.")
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="Its texts, votes and labels are gone since; what was paid stays booked."
    )
    error = models.TextField(blank=True, help_text="One sentence: what stands in the way and what to do.")
    local_only = models.BooleanField(default=False)
    seed = models.PositiveIntegerField(default=0)
    validation_size = models.PositiveIntegerField(
        null=True, help_text="How many gold labels the methods may learn from."
    )

    accept_confidence = models.FloatField(
        null=True,
        blank=True,
        help_text="What a manager accepts for this batch instead of the project's threshold; blank: the project's.",
    )
    taught_at = models.DateTimeField(
        null=True, help_text="Models vote by what people had settled at this moment; null: by the file's labels alone."
    )

    rounds_before = models.PositiveIntegerField(
        default=0, help_text="Questions withdrawn in these rounds may be asked anew."
    )

    check_cuts = models.JSONField(
        default=dict, help_text="Settled tasks whose random number is below are checked: of all, and by group."
    )

    set_aside = models.JSONField(
        default=list, blank=True, help_text="Keys of models whose votes do not count in this batch."
    )
    weighed_by = models.CharField(
        max_length=200, blank=True, help_text="The attribute by whose groups models' errors are learned; blank: none."
    )

    file = models.FileField(upload_to="imports/", blank=True)
    upload = models.UUIDField(null=True, blank=True, unique=True, help_text="The chosen file; it starts one batch.")
    mapping = models.JSONField(default=dict, help_text="Which fields hold text, gold, groups, id and what is shown.")
    attributes = models.JSONField(default=list, blank=True, help_text="Names of the group attributes of its instances.")
    rows_read = models.PositiveIntegerField(default=0)
    rows_new = models.PositiveIntegerField(default=0)
    rows_duplicate = models.PositiveIntegerField(default=0)
    rows_bad = models.PositiveIntegerField(default=0)

    touched_at = models.DateTimeField(null=True, help_text="When a worker last gave a sign of life.")
    leased_until = models.DateTimeField(null=True, help_text="Until when one worker weighs and routes alone.")
    fence = models.PositiveIntegerField(default=0, help_text="Grows with every lease; an old holder's writes are void.")

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                condition=Q(rows_read=F("rows_new") + F("rows_duplicate") + F("rows_bad")),
                name="batch_read_is_new_plus_duplicate_plus_bad",
            ),
            models.CheckConstraint(
                condition=Q(accept_confidence=None) | Q(accept_confidence__gte=0, accept_confidence__lte=1),
                name="batch_accept_confidence_in_0_1",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("batch", args=[self.project.slug, self.pk])

    @property
    def n_tasks(self) -> int:
        """How many tasks it has: one for each question about each of its rows. One query."""
        return self.rows_new * self.project.questions.count()

    @property
    def accepts_from(self) -> float:
        """The confidence from which on the crowd settles a task of this batch alone."""
        return self.project.accept_confidence if self.accept_confidence is None else self.accept_confidence

    @property
    def asks_until(self) -> float:
        """The confidence from which on a question to people needs no answer: accepting what is left lowers it not."""
        return max(self.accepts_from, self.project.accept_confidence)

    @property
    def paused(self) -> bool:
        """Whether a manager paused it, for people as well; one that an error stopped goes on with people."""
        return self.paused_at is not None and not self.error

    def touch(self) -> None:
        """Note a worker's sign of life, by the database's clock."""
        Batch.objects.filter(pk=self.pk).update(touched_at=Now())

    def claim_attention(self, seconds: float) -> bool:
        """Touch the batch if nobody has for `seconds`; True for the one caller who did."""
        silent = Q(touched_at=None) | Q(touched_at__lt=Now() - timedelta(seconds=seconds))
        return bool(Batch.objects.filter(silent, pk=self.pk).update(touched_at=Now()))

    def lease(self, seconds: float) -> bool:
        """Try to become the only one who weighs and routes this batch; True for the winner, who then holds `fence`."""
        free = Q(leased_until=None) | Q(leased_until__lt=Now())
        won = Batch.objects.filter(free, pk=self.pk, fence=self.fence).update(
            leased_until=Now() + timedelta(seconds=seconds), fence=F("fence") + 1, touched_at=Now()
        )
        self.fence += won
        return bool(won)

    def renew(self, seconds: float) -> bool:
        """Keep the lease; False if it has passed on to somebody else."""
        mine = Batch.objects.filter(pk=self.pk, fence=self.fence)
        return bool(mine.update(leased_until=Now() + timedelta(seconds=seconds), touched_at=Now()))

    def release(self) -> None:
        """Give the lease back, if it is still ours."""
        Batch.objects.filter(pk=self.pk, fence=self.fence).update(leased_until=None)

    def move(self, to: str, *, come_from: str) -> bool:
        """Change the stage if it still is `come_from`; True for the one caller who changed it."""
        changes: dict[str, object] = {"stage": to, "error": "", "touched_at": Now()}
        if to == self.Stage.DONE:
            changes["finished_at"] = Now()
        moved = Batch.objects.filter(pk=self.pk, stage=come_from).update(**changes)
        if moved:
            self.stage = to
        return bool(moved)

    def stop(self, sentence: str) -> None:
        """Pause with the reason in one sentence, shown on the page; `resume` goes on from here."""
        Batch.objects.filter(pk=self.pk).update(error=sentence, paused_at=Now())

    def resume(self) -> None:
        """Go on from here, at once: models that were left alone or rest are tried again."""
        Batch.objects.filter(pk=self.pk).update(error="", paused_at=None, touched_at=None)
        self.chunks.filter(done_at=None).update(failures=0)
        self.project.annotators.filter(failures__gt=0, paused_at=None).update(failures=0, retry_at=None)


class SkippedRow(models.Model):
    """A line of an import that did not become a task, and why."""

    class Kind(models.TextChoices):
        BAD = "bad", "cannot be used"
        DUPLICATE = "duplicate", "already there"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="skipped_rows")
    line = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=300)

    class Meta:
        ordering = ["line"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
