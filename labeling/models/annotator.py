"""Whoever can vote: a model, a paid model, a person, an expert."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from labeling.models.project import Project

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from labeling.models.question import Question
    from labeling.models.skill import Skill


class AnnotatorQuerySet(models.QuerySet["Annotator"]):
    def crowd(self) -> AnnotatorQuerySet:
        """Models that vote on every task: for free, or for money under each batch's cap."""
        voting = self.filter(kind=Annotator.Kind.MODEL, paused_at=None)
        return voting.exclude(spec__startswith=Annotator.RECORDED)

    def paid(self) -> AnnotatorQuerySet:
        return self.filter(kind=Annotator.Kind.PAID, paused_at=None)

    def charging(self) -> AnnotatorQuerySet:
        """Models whose answers cost: those that are asked about single tasks, and priced members of the crowd."""
        return self.filter(Q(kind=Annotator.Kind.PAID) | Annotator.PRICED)

    def failing(self) -> AnnotatorQuerySet:
        """Models whose breaker is open: they failed too often in a row, or for a reason that will not pass."""
        return self.filter(failures__gte=Annotator.BREAKER, retry_at__gt=Now())

    def people(self) -> AnnotatorQuerySet:
        return self.filter(kind__in=[Annotator.Kind.PERSON, Annotator.Kind.EXPERT])

    def with_skills(self) -> AnnotatorQuerySet:
        """With what was learnt of each, read in one query more."""
        return self.prefetch_related("skills")

    def listed(self) -> AnnotatorQuerySet:
        """Those that are not put away."""
        return self.filter(archived_at=None)

    def machines(self) -> AnnotatorQuerySet:
        return self.filter(kind__in=Annotator.MACHINES)

    def called(self) -> dict[int, str]:
        """What each of them is called, by key: the name, with the kind behind it where two share the name."""
        rows = list(self.values_list("pk", "name", "kind"))
        often = Counter(name for _, name, _ in rows)
        return {pk: name if often[name] == 1 else f"{name} ({kind})" for pk, name, kind in rows}


class Annotator(models.Model):
    """Whoever can vote in a project; a person has one row as annotator and, if need be, one as expert."""

    class Kind(models.TextChoices):
        MODEL = "model", "model"
        PAID = "paid", "paid model"
        PERSON = "person", "person"
        EXPERT = "expert", "expert"

    MACHINES = (Kind.MODEL, Kind.PAID)
    PRICED = Q(kind="model", price_microdollars__gt=0)
    """Members of the crowd that vote on every task for money."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="annotators")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=120)
    spec = models.CharField(max_length=500, blank=True, help_text="How the registry builds this voter.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    outside = models.BooleanField(default=False, help_text="Its texts leave this machine.")
    price_microdollars = models.PositiveBigIntegerField(null=True, blank=True, help_text="At most, for one answer.")
    vouched = models.BooleanField(
        default=False, help_text="The server's staff let it use what the server has: keys, files, its own network."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Out of sight and unasked since; restorable.")
    error = models.TextField(blank=True, help_text="Why it does not answer, and what to do.")
    failures = models.PositiveIntegerField(default=0, help_text="Failures in a row; the breaker opens at five.")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="The breaker is open until then.")

    objects = AnnotatorQuerySet.as_manager()

    LONGEST_NAME = 120
    RECORDED = "recorded:"
    """Begins the spec of a model of which only recorded votes are known; it is never asked."""
    BREAKER = 5
    COOL_SECONDS = 30
    LONGEST_COOL_SECONDS = 900

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "name"], name="annotator_name_once_per_project"),
            models.UniqueConstraint(
                fields=["project", "kind", "user"],
                condition=Q(user__isnull=False),
                name="annotator_person_once_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["person", "expert"], user__isnull=False, spec="")
                | Q(kind__in=["model", "paid"], user__isnull=True) & ~Q(spec=""),
                name="annotator_people_have_a_user_and_models_a_spec",
            ),
            models.CheckConstraint(
                condition=~Q(kind="paid") | Q(price_microdollars__isnull=False), name="annotator_paid_has_a_price"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, project: Project, user: User, kind: str) -> Annotator:
        """The row that stands for this person in this project, made on first use."""
        name = (user.get_full_name() or user.get_username())[: cls.LONGEST_NAME]
        found = cls.objects.filter(project=project, user=user, kind=kind).first()
        if found is None:
            taken = cls.objects.filter(project=project, kind=kind, name=name).exists()
            unique = f"{name[:50]} ({user.get_username()[:60]})" if taken else name
            found, _ = cls.objects.get_or_create(project=project, user=user, kind=kind, defaults={"name": unique})
        return found

    def on(self, question: Question) -> Skill:
        """What was learnt of it from its answers to a question; an empty row, not saved, before anything was.

        One query, none where the annotators were read `with_skills`.
        """
        kept = {one.question_id: one for one in self.skills.all()}
        return kept.get(question.pk) or self.skills.model(annotator=self, question=question)

    @property
    def recorded(self) -> bool:
        """Whether only recorded votes of this model are known."""
        return self.spec.startswith(self.RECORDED)

    @property
    def priced(self) -> bool:
        """Whether it votes on every task for money."""
        return self.kind == self.Kind.MODEL and bool(self.price_microdollars)

    @property
    def charges(self) -> bool:
        """Whether its answers are held and booked."""
        return self.kind == self.Kind.PAID or self.priced

    @property
    def rests(self) -> bool:
        """Whether the breaker is open: too many failures in a row, and the time to try again has not come."""
        from django.utils import timezone

        return self.retry_at is not None and self.retry_at > timezone.now()

    def note_failure(self, sentence: str, *, permanent: bool, retry_after: float | None = None) -> int:
        """Count a failure; returns how many there were in a row.

        The breaker opens after too many in a row, or a permanent one: the annotator rests. It rests 30 seconds at
        first, twice as long after each further failure, at most 15 minutes; and in any case as long as the server asks
        to be left alone (`retry_after`, in seconds).
        """
        mine = Annotator.objects.filter(pk=self.pk)
        count = Greatest(F("failures") + 1, self.BREAKER) if permanent else F("failures") + 1
        mine.update(failures=count, error=sentence)
        self.failures = mine.values_list("failures", flat=True).get()
        beyond = self.failures - self.BREAKER
        cool = min(self.COOL_SECONDS * 2 ** min(beyond, 9), self.LONGEST_COOL_SECONDS) if beyond >= 0 else 0
        if rest := max(cool, retry_after or 0):
            mine.update(retry_at=Now() + timedelta(seconds=rest))
        return self.failures

    def sit_out(self, sentence: str) -> None:
        """Note why this model does not vote; it stays in the crowd and is asked again with the next batch."""
        Annotator.objects.filter(pk=self.pk).update(error=sentence)

    def wait(self, seconds: float) -> None:
        """Do not ask for so long; no failure."""
        Annotator.objects.filter(pk=self.pk).update(retry_at=Now() + timedelta(seconds=seconds))

    def note_success(self) -> None:
        """End a row of failures; what somebody must look at first (it is paused) stays."""
        mine = Annotator.objects.filter(pk=self.pk, paused_at=None)
        mine.exclude(failures=0, error="").update(failures=0, error="", retry_at=None)
        self.failures = 0

    def halt(self, sentence: str) -> None:
        """Ask nothing more until a manager has looked, who is told why."""
        Annotator.objects.filter(pk=self.pk).update(paused_at=Now(), error=sentence)
