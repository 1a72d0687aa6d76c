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

    def wanted(self) -> ChunkQuerySet:
        """Unfinished chunks of models that nobody has paused."""
        return self.unfinished().filter(annotator__paused_at=None)

    def given_up(self) -> ChunkQuerySet:
        """Wanted chunks whose model failed until it was left alone."""
        return self.wanted().filter(failures__gte=Chunk.TRIES)

    def stopped(self) -> ChunkQuerySet:
        """Unfinished chunks of priced members of the crowd, while the project's paid calls are stopped."""
        priced = self.unfinished().filter(annotator__kind=Annotator.Kind.MODEL, annotator__price_microdollars__gt=0)
        return priced.filter(batch__project__calls_stopped_at__isnull=False)

    def resting(self) -> ChunkQuerySet:
        """Chunks whose model rests for the batch: the sentence says why."""
        return self.exclude(why="")

    def rest(self, why: str) -> int:
        """Let the models of these unfinished chunks rest for the batch; returns how many chunks."""
        return self.unfinished().update(done_at=Now(), why=why)

    def wake(self) -> int:
        """Let models that rest for the batch go on; returns how many chunks are free again."""
        return self.resting().update(done_at=None, why="", leased_until=None)

    def claim(self, seconds: float) -> Chunk | None:
        """Lease the first free chunk for `seconds`; None if there is none. Two callers never get the same one.

        Chunks of models that are paused, rest, were given up, or cost money while paid calls are stopped are left
        alone.
        """
        asked = self.free().filter(annotator__paused_at=None, failures__lt=Chunk.TRIES)
        asked = asked.exclude(pk__in=self.stopped().values("pk"))
        for chunk in asked.exclude(annotator__retry_at__gt=Now()).order_by("id").select_related("annotator")[:8]:
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
    failures = models.PositiveSmallIntegerField(default=0, help_text="Full once its model is left alone.")
    done_at = models.DateTimeField(null=True)
    why = models.CharField(
        max_length=300, blank=True, help_text="Why its model, which costs money, rests for the batch."
    )

    objects = ChunkQuerySet.as_manager()

    TRIES = 8
    """A model that fails so often in a row is left alone until somebody says to try again."""

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

    def give_back(self) -> None:
        """Let the chunk go unfinished, if it is still ours: the lease ends, and whoever comes next may take it."""
        Chunk.objects.filter(pk=self.pk, fence=self.fence, done_at=None).update(leased_until=None)

    def give_up(self) -> None:
        """Leave this chunk's model alone with the rest of the batch."""
        mine = Chunk.objects.unfinished().filter(batch=self.batch_id, annotator=self.annotator_id)
        mine.update(failures=self.TRIES)
