"""New projects, and who may make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.text import slugify

from labeling.files import imports
from labeling.managing import asked_after, questions
from labeling.managing.asked_after import Condition
from labeling.models import Label, Membership, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


def may_make(user: User | AnonymousUser) -> bool:
    """Staff of the server, and whoever manages a project already."""
    manages = Membership.objects.filter(user_id=user.pk or 0, role=Membership.Role.MANAGER)
    return user.is_staff or manages.exists()


@dataclass(frozen=True, slots=True)
class Wished:
    """A question as somebody describes it. `labels`: checked already; empty for those that the first file brings."""

    kind: str
    wording: str
    labels: tuple[str, ...] = ()
    overlaps: bool = False
    condition: Condition | None = None

    def only_after(self, condition: Condition) -> Wished:
        """The same, asked only where another one was answered so."""
        return replace(self, condition=condition)


@transaction.atomic
def make(project: Project, asked: Sequence[Wished], user: User | AnonymousUser) -> Project:
    """Save a project with its questions, and its first manager. Raises UnusableFile for a condition that cannot be."""
    project.slug = free_slug(project.name)
    project.save()
    first, *others = asked
    question = project.first_question
    question.kind, question.wording, question.overlaps = first.kind, first.wording or question.wording, first.overlaps
    question.save(update_fields=["kind", "wording", "overlaps"])
    if first.labels:
        imports.set_labels(project, list(first.labels))
    for one in others:
        labels = [Label(name=name) for name in one.labels]
        after = asked_after.columns(project, one.wording, project.questions.count(), one.condition)
        questions.add(project, one.kind, one.wording, labels, overlaps=one.overlaps, **after)
    Membership.objects.create(project=project, user_id=user.pk or 0, role=Membership.Role.MANAGER)
    return project


def free_slug(name: str) -> str:
    """An address for a new project that no other project has."""
    wished = slugify(name)[:50] or "project"
    taken = set(Project.objects.filter(slug__startswith=wished).values_list("slug", flat=True))
    number = 2
    while (slug := wished if wished not in taken else f"{wished}-{number}") in taken:
        number += 1
    return slug
