"""Who belongs to a project: people join by their sign-in name, change role, leave. One manager always stays."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from labeling.models import Membership, Project

Role = Membership.Role


class Unwise(Exception):
    """A change that would do harm; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """A person who joined; `password` is set where the account was made just now, and is known only here and now."""

    user: User
    password: str = ""


@transaction.atomic
def add(project: Project, username: str, role: str, full_name: str = "") -> Welcome:
    """Let a person in, making an account where there is none. Raises Unwise for somebody who is in already."""
    user = User.objects.filter(username__iexact=username).first()
    if user is not None and project.memberships.filter(user=user).exists():
        raise Unwise(f"{user.get_username()} is in this project already; change the role in the list.")
    password = ""
    if user is None:
        password = secrets.token_urlsafe(9)
        first, _, last = full_name.strip().partition(" ")
        user = User.objects.create_user(username, password=password, first_name=first[:150], last_name=last[:150])
    Membership.objects.create(project=project, user=user, role=role)
    return Welcome(user, password)


@transaction.atomic
def change(membership: Membership, role: str) -> None:
    """Give a member another role. Raises Unwise where the last manager would step down."""
    _keep_a_manager(membership, role)
    Membership.objects.filter(pk=membership.pk).update(role=role)


@transaction.atomic
def remove(membership: Membership) -> None:
    """End a membership; the person's votes stay. Raises Unwise for the last manager."""
    _keep_a_manager(membership, "")
    membership.delete()


def _keep_a_manager(membership: Membership, role: str) -> None:
    managers = Membership.objects.select_for_update().filter(project=membership.project_id, role=Role.MANAGER)
    others = managers.exclude(pk=membership.pk)
    if membership.role == Role.MANAGER and role != Role.MANAGER and not others.exists():
        raise Unwise(f"{membership.user} is the only manager of this project; make somebody else a manager first.")
