"""New projects, and who may make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.text import slugify

from labeling.files import imports
from labeling.managing.intake import distinct
from labeling.models import Membership, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


def may_make(user: User | AnonymousUser) -> bool:
    """Staff of the server, and whoever manages a project already."""
    manages = Membership.objects.filter(user_id=user.pk or 0, role=Membership.Role.MANAGER)
    return user.is_staff or manages.exists()


@transaction.atomic
def make(project: Project, labels: list[str], user: User | AnonymousUser, wording: str = "") -> Project:
    """Save a project with its question, its labels, if any are named, and its first manager.

    Raises UnusableFile for bad labels.
    """
    project.slug = free_slug(project.name)
    project.save()
    if wording:
        project.first_question.wording = wording
        project.first_question.save(update_fields=["wording"])
    if any(name.strip() for name in labels):
        imports.set_labels(project, distinct(tuple(labels)))
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
