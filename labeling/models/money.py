"""Money: caps with what is held and spent under them, reservations, and the double-entry ledger behind both."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models import F, Q

from labeling.models.annotator import Annotator
from labeling.models.batch import Batch
from labeling.models.escalation import Escalation
from labeling.models.project import Project
from labeling.models.task import Task


class Purse(models.Model):
    """A cap and what is held and spent under it. A batch always has one; project and day caps are optional.

    Nothing is held that does not fit under the cap. Only a provider that bills more than was held can break it: all of
    that is spent, and the part beyond the cap is overdrawn as well.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="purses")
    batch = models.OneToOneField(Batch, null=True, blank=True, on_delete=models.CASCADE, related_name="purse")
    day = models.DateField(null=True, blank=True, help_text="UTC day of a daily cap.")
    cap_microdollars = models.PositiveBigIntegerField(default=0)
    held_microdollars = models.PositiveBigIntegerField(default=0)
    spent_microdollars = models.PositiveBigIntegerField(default=0)
    overdrawn_microdollars = models.PositiveBigIntegerField(
        default=0, help_text="Billed beyond the cap: a provider charged more than was held for its answers."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    cap_microdollars__gte=F("held_microdollars") + F("spent_microdollars") - F("overdrawn_microdollars")
                ),
                name="purse_never_over_its_cap",
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(batch__isnull=True, day__isnull=True), name="purse_one_per_project"
            ),
            models.UniqueConstraint(
                fields=["project", "day"], condition=Q(day__isnull=False), name="purse_one_per_project_and_day"
            ),
            models.CheckConstraint(condition=Q(batch=None) | Q(day=None), name="purse_batch_or_day"),
        ]

    def __str__(self) -> str:
        return f"purse of {self.batch or self.day or self.project}"

    @property
    def free_microdollars(self) -> int:
        return self.cap_microdollars + self.overdrawn_microdollars - self.held_microdollars - self.spent_microdollars


class Reservation(models.Model):
    """Money held for one answer: held, then settled or released or unknown, once.

    A call that asks several questions about one instance has a reservation for each of them, which hold, and cost, an
    even share each; they are made and closed together.
    """

    class State(models.TextChoices):
        HELD = "held", "held"
        SETTLED = "settled", "settled"
        RELEASED = "released", "given back"
        UNKNOWN = "unknown", "outcome unknown, still held"

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="reservations")
    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="reservations")
    escalation = models.ForeignKey(Escalation, null=True, on_delete=models.PROTECT, related_name="reservations")
    call = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="others",
        help_text="The first reservation of the call, where it asks several questions; null for the first.",
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.HELD)
    reserved_microdollars = models.PositiveBigIntegerField()
    cost_microdollars = models.PositiveBigIntegerField(null=True)
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="settled", cost_microdollars__isnull=False)
                | ~Q(state="settled") & Q(cost_microdollars__isnull=True),
                name="reservation_settled_has_a_cost",
            ),
            models.UniqueConstraint(
                fields=["escalation"],
                condition=Q(state__in=["held", "unknown"]),
                name="reservation_one_open_per_question",
            ),
        ]
        indexes = [models.Index(fields=["state"], name="reservation_state")]

    def __str__(self) -> str:
        return f"{self.reserved_microdollars} held for {self.annotator} on {self.task}"

    @property
    def of_the_call(self) -> list[Reservation]:
        """All reservations of the call that this is the first of, this one first."""
        return [self, *sorted(self.others.all(), key=lambda one: one.pk)]

    @property
    def asks(self) -> int:
        """How many questions its call asks."""
        return len((self.call or self).others.all()) + 1

    @property
    def held_for_the_call(self) -> int:
        """Micro-dollars held for the whole call that this is the first of."""
        return sum(one.reserved_microdollars for one in self.of_the_call)


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    def update(self, **_: Any) -> NoReturn:
        raise TypeError("A ledger entry never changes; write an opposite transaction.")

    def delete(self) -> NoReturn:
        raise TypeError("A ledger entry never vanishes; write an opposite transaction.")


class LedgerEntry(models.Model):
    """One side of a movement of money; the entries of a transaction sum to zero. Append-only."""

    class Account(models.TextChoices):
        SOURCE = "source", "where the money comes from"
        FREE = "free", "free"
        HELD = "held", "held"
        SPENT = "spent", "spent"

    transaction = models.UUIDField(db_index=True)
    purse = models.ForeignKey(Purse, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(max_length=8, choices=Account.choices)
    microdollars = models.BigIntegerField()
    reservation = models.ForeignKey(Reservation, null=True, on_delete=models.PROTECT, related_name="entries")
    memo = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "ledger entries"
        constraints = [models.CheckConstraint(condition=~Q(microdollars=0), name="ledger_entry_moves_something")]

    def __str__(self) -> str:
        return f"{self.microdollars:+d} {self.account}: {self.memo}"
