"""The guidelines by version: words that are added, when they changed, who has read them since, and who must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from labeling.live import nudges
from labeling.models import Annotator, GuidelineVersion, Membership, Project, Question, Vote

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def add(question: Question, line: str, by: User | None = None, why: str = "", *, own: bool = False) -> GuidelineVersion:
    """Append a line to what annotators are told, models and people alike, and keep the version of before and of now.

    Of the first question it stands in the project's guidelines unless it is its `own`, of others in the question's; one
    that stands there already is left alone. Whoever labels is told.
    """
    project = Project.objects.select_for_update().get(pk=question.project_id)
    GuidelineVersion.objects.keep(project)
    place = Question.objects.get(pk=question.pk) if own or question.position else project
    if line not in place.guidelines.splitlines():
        place.guidelines = f"{place.guidelines.rstrip()}\n{line}".lstrip()
        place.save(update_fields=["guidelines"])
        note_change(project, by)
    return GuidelineVersion.objects.keep(project, by, why)


@transaction.atomic
def note_change(project: Project, by: User | None) -> None:
    """Whoever labels is told at the open card, or with the next one; who wrote the change knows it."""
    Project.objects.filter(pk=project.pk).update(guidelines_at=Now())
    if by is not None:
        project.memberships.filter(user=by).update(guide_read_at=Now())
    nudges.announce(project.pk, nudges.GUIDE)


def note_read(membership: Membership) -> None:
    """This member has opened the guidelines as they are now."""
    Membership.objects.filter(pk=membership.pk).update(guide_read_at=Now())
    membership.refresh_from_db(fields=["guide_read_at"])


def is_news(membership: Membership) -> bool:
    """Whether the guidelines have changed since this member joined, and since they were read last. No query."""
    changed = membership.project.guidelines_at
    return (
        changed is not None and max(membership.guide_read_at or membership.created_at, membership.created_at) < changed
    )


def must_know(project: Project) -> list[Membership]:
    """Members who label and have not read the guidelines since they changed, by name."""
    mine = Vote.objects.filter(
        annotator__project=project, annotator__kind=Annotator.Kind.PERSON, annotator__user=OuterRef("user")
    )
    labels = Q(role=Membership.Role.ANNOTATOR) | Exists(mine)
    return list(project.memberships.filter(_behind()).filter(labels).select_related("user").order_by("user__username"))


def _behind() -> Q:
    changed = F("project__guidelines_at")
    return Q(created_at__lt=changed) & (Q(guide_read_at=None) | Q(guide_read_at__lt=changed))
