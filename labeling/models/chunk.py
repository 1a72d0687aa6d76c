"""A slice of a batch for one model: the unit of work that a worker leases."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from labeling.models.annotator import Annotator
from labeling.models.batch import Batch
from labeling.models.task import Task, TaskQuerySet


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def unfinished(self) -> ChunkQuerySet:
        return self.filter(done_at=None)

    def free(self) -> ChunkQuerySet:
        """Unfinished chunks that nobody holds, by the database's clock."""
        return self.unfinished().filter(Q(leased_until=None) | Q(leased_until__lt=Now()))

    def claim(self, seconds: float) -> Chunk | None:
        """Lease the first free chunk for `seconds`; None if there is none. Two callers never get the same one."""
        for chunk in self.free().order_by("id").select_related("annotator")[:8]:
            if chunk.lease(seconds):
                return chunk
        return None


class Chunk(models.Model):
    """Tasks [first, last] of a batch, by position, that one model has to vote on."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="chunks")
    annotator = models.ForeignKey(Annotator, on_delete=models.CASCADE, related_name="chunks")
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    leased_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0, help_text="Grows with every lease; an old holder's writes are void.")
    failures = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    objects = ChunkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "annotator", "first"], name="chunk_once"),
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="chunk_first_not_after_last"),
        ]
        indexes = [models.Index(fields=["batch", "done_at", "leased_until"], name="chunk_free")]

    def __str__(self) -> str:
        return f"{self.annotator} on {self.batch} {self.first} to {self.last}"

    def tasks(self) -> TaskQuerySet:
        return Task.objects.filter(batch_id=self.batch_id, position__gte=self.first, position__lte=self.last)

    def lease(self, seconds: float) -> bool:
        """Try to take the chunk; True for the one who got it, who then holds `fence`."""
        mine = Chunk.objects.free().filter(pk=self.pk, fence=self.fence)
        won = mine.update(leased_until=Now() + timedelta(seconds=seconds), fence=F("fence") + 1)
        self.fence += won
        return bool(won)

    def renew(self, seconds: float) -> bool:
        """Keep the lease; False if it has passed on to somebody else."""
        mine = Chunk.objects.filter(pk=self.pk, fence=self.fence, done_at=None)
        return bool(mine.update(leased_until=Now() + timedelta(seconds=seconds)))

    def finish(self) -> bool:
        """Mark as done if the lease is still ours; call it in the transaction that writes the votes."""
        return bool(Chunk.objects.filter(pk=self.pk, fence=self.fence, done_at=None).update(done_at=Now()))

    def fail(self, retry_after: float | None = None) -> int:
        """Give the chunk back after a failure, to be tried again later; returns how often it has failed."""
        wait = timedelta(seconds=retry_after or 2**self.failures)
        mine = Chunk.objects.filter(pk=self.pk, fence=self.fence)
        mine.update(leased_until=Now() + wait, failures=F("failures") + 1)
        self.failures += 1
        return self.failures
