"""A labeling job: its questions, its people and its policy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from labeling.models.question import Label, Question


class ProjectQuerySet(models.QuerySet["Project"]):
    def managed_by(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """The projects in which the user is a manager."""
        return self.filter(memberships__user_id=user.pk or 0, memberships__role=Membership.Role.MANAGER)


class Project(models.Model):
    """A labeling job: its questions, guidelines, annotators, money, policy."""

    class Router(models.TextChoices):
        VALUE = "value", "value per dollar"
        ENTROPY = "entropy", "highest entropy first"

    class WhenModelFails(models.TextChoices):
        WAIT = "wait", "wait until it answers again"
        NEXT = "next", "go to the next choice"

    class WhenAlarmed(models.TextChoices):
        TELL = "tell", "say so"
        PAUSE = "pause", "pause what it concerns"

    class CheckBy(models.TextChoices):
        PERSON = "person", "people; experts where they differ from the crowd"
        EXPERT = "expert", "experts"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    guidelines = models.TextField(blank=True)
    guidelines_at = models.DateTimeField(null=True, blank=True, help_text="When the guidelines changed last.")
    group_name = models.CharField("name of the group attribute", max_length=60, default="Group")
    language = models.CharField(max_length=16, blank=True, help_text="Language of the texts, e.g. en; blank if mixed.")
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    aggregator = models.CharField(max_length=40, default="auto")
    router = models.CharField(max_length=20, choices=Router.choices, default=Router.VALUE)
    accept_confidence = models.FloatField(
        default=0.8, help_text="The crowd settles a task alone from this confidence on; below, people are asked."
    )
    review_share = models.FloatField(default=0.25, help_text="At most this share of a batch goes to people.")
    check_share = models.FloatField(
        default=0.05, help_text="This share of a batch, drawn at random, is checked even where the crowd is sure."
    )
    check_by = models.CharField(
        max_length=6, choices=CheckBy.choices, default=CheckBy.PERSON, help_text="Who answers the random checks."
    )
    people_per_task = models.PositiveSmallIntegerField(default=1)
    known_agree = models.PositiveSmallIntegerField(default=2, help_text="So many people who agree make a label known.")
    known_sure = models.FloatField(
        default=0.95, help_text="One person alone makes a label known where their skill makes it at least so sure."
    )
    learn_from_one = models.BooleanField(
        default=True, help_text="Answers of single people below that teach as well, and count less."
    )
    wage_microdollars_per_hour = models.PositiveBigIntegerField(default=0)
    expert_wage_microdollars_per_hour = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="With it experts are asked directly where that is worth it; blank: cases only."
    )
    worth_microdollars = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="What one more correct label is worth; nothing dearer is bought. Blank: no limit.",
    )
    pay_seconds = models.PositiveIntegerField(default=120, help_text="At most so many seconds of one answer are paid.")
    lease_seconds = models.PositiveIntegerField(default=600, help_text="How long a task stays yours.")
    local_only = models.BooleanField(default=False, help_text="No text of this project ever leaves this machine.")
    hide_personal_data = models.BooleanField(
        default=True, help_text="E-mail addresses, phone numbers, keys and the like are hidden from outside models."
    )
    when_model_fails = models.CharField(
        max_length=4,
        choices=WhenModelFails.choices,
        default=WhenModelFails.WAIT,
        help_text="What the questions to a paid model do while it keeps failing.",
    )
    when_alarmed = models.CharField(
        max_length=5,
        choices=WhenAlarmed.choices,
        default=WhenAlarmed.TELL,
        help_text="What an alarm about a gap between groups, a model or a person does beside standing on the overview.",
    )
    day_cap_microdollars = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="At most so much is held and spent on one UTC day; blank for no such cap."
    )
    calls_stopped_at = models.DateTimeField(null=True, blank=True, help_text="Kill switch: no new paid calls since.")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accept_confidence__gte=0, accept_confidence__lte=1), name="project_accept_confidence_in_0_1"
            ),
            models.CheckConstraint(
                condition=Q(review_share__gte=0, review_share__lte=1), name="project_review_share_in_0_1"
            ),
            models.CheckConstraint(
                condition=Q(check_share__gte=0, check_share__lte=1), name="project_check_share_in_0_1"
            ),
            models.CheckConstraint(condition=Q(people_per_task__gte=1), name="project_people_per_task_at_least_1"),
            models.CheckConstraint(condition=Q(known_agree__gte=2), name="project_known_agree_at_least_2"),
            models.CheckConstraint(condition=Q(known_sure__gt=0, known_sure__lte=1), name="project_known_sure_in_0_1"),
            models.CheckConstraint(condition=Q(lease_seconds__gte=1), name="project_lease_at_least_1_second"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new project comes with its first question."""
        new = self._state.adding
        super().save(*args, **kwargs)
        if new:
            self.questions.create()

    def get_absolute_url(self) -> str:
        return reverse("project", args=[self.slug])

    def role_of(self, user: User | AnonymousUser) -> str | None:
        """The user's role here, or None for a stranger."""
        return self.memberships.filter(user_id=user.pk or 0).values_list("role", flat=True).first()

    def weigh_by(self, aggregator: str) -> None:
        """Weigh votes by another method from the next round on."""
        Project.objects.filter(pk=self.pk).update(aggregator=aggregator)

    def hidden_values(self) -> dict[str, int]:
        """How many values of each kind were hidden from outside models, over all votes of this project."""
        total: Counter[str] = Counter()
        tasks = self.tasks.filter(votes__hidden__isnull=False)
        for hidden in tasks.values_list("votes__hidden", flat=True).iterator(2000):
            total.update(hidden or {})
        return dict(total)

    def wage_of(self, kind: str) -> int:
        """Micro-dollars for an hour of a person's or an expert's work; experts without their own: people's."""
        own = self.expert_wage_microdollars_per_hour if kind == "expert" else None
        return self.wage_microdollars_per_hour if own is None else own

    @cached_property
    def first_question(self) -> Question:
        """The question with which the project was made; no query where `questions` were read with it."""
        return self.questions.all()[0]

    def label_list(self) -> list[Label]:
        """The labels of the first question in order; a label's place in this list is its index in arrays."""
        return self.first_question.label_list()


class Membership(models.Model):
    """A person's role in one project. A manager may do what an expert may, an expert what an annotator may."""

    class Role(models.TextChoices):
        ANNOTATOR = "annotator", "annotator"
        EXPERT = "expert", "expert"
        MANAGER = "manager", "manager"

    RANK = {Role.ANNOTATOR: 1, Role.EXPERT: 2, Role.MANAGER: 3}

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    guide_read_at = models.DateTimeField(null=True, blank=True, help_text="When the guidelines were read last.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_one_role_per_project"),
            models.CheckConstraint(
                condition=Q(role__in=["annotator", "expert", "manager"]), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} in {self.project}"

    @property
    def home(self) -> str:
        """The page of the project where this member begins: the overview, or for annotators the cards."""
        return reverse("project" if self.may(self.Role.EXPERT) else "annotate", args=[self.project.slug])

    def may(self, role: str) -> bool:
        """Whether this membership includes what `role` may do."""
        return self.RANK[Membership.Role(self.role)] >= self.RANK[Membership.Role(role)]
