"""Who belongs to a project: people are invited, accept, change role, leave. One manager always stays."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import slugify

from labeling.models import Invitation, Membership, Project

Role = Membership.Role
MOST_WAITING = 200
"""Invitations of one project at a time."""


class Unwise(Exception):
    """A change that would do harm; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """An account made just now; its password is known only here and now."""

    user: User
    password: str


@transaction.atomic
def invite(project: Project, username: str, role: str, by: User) -> Invitation:
    """Offer a role to whoever signs in by this name; nothing tells whether anybody does.

    Raises Unwise for a member, for somebody who has declined (`invite_again`), and where too many invitations wait.
    """
    if project.memberships.filter(user__username__iexact=username).exists():
        raise Unwise(f"{username} is in this project already; change the role in the list.")
    again = project.invitations.filter(username__iexact=username).first()
    if again is not None and again.declined_at:
        when = timezone.localtime(again.declined_at)
        raise Unwise(f"{again.username} declined on {date_format(when, 'j M Y')}; press “Invite again” in the list.")
    if again is None and project.invitations.count() >= MOST_WAITING:
        raise Unwise(f"{MOST_WAITING} invitations wait already; withdraw some of them first.")
    name = again.username if again else username
    made, _ = project.invitations.update_or_create(username=name, defaults={"role": role, "invited_by": by})
    return made


@transaction.atomic
def make_account(project: Project, username: str, role: str, full_name: str = "") -> Welcome:
    """Make an account that is in the project from the start; without a sign-in name it gets one that nobody has."""
    username = username or _free_name(full_name)
    password = secrets.token_urlsafe(9)
    first, _, last = full_name.strip().partition(" ")
    user = User.objects.create_user(username, password=password, first_name=first[:150], last_name=last[:150])
    Membership.objects.create(project=project, user=user, role=role)
    return Welcome(user, password)


def may_make_names(user: User) -> bool:
    """Whether this manager chooses sign-in names for new people, and so learns which are taken: the server's staff."""
    return user.is_staff


def add(project: Project, username: str, role: str, full_name: str, by: User) -> Welcome | None:
    """Let a person in: by invitation, or with a new account (a Welcome) where `by` may make one. Raises Unwise."""
    known = User.objects.filter(username__iexact=username).exists()
    if not username or (may_make_names(by) and not known):
        return make_account(project, username, role, full_name)
    invite(project, username, role, by)
    return None


@transaction.atomic
def accept(invitation: Invitation, user: User) -> Membership:
    """Join in the role that was offered."""
    joined, _ = Membership.objects.get_or_create(
        project=invitation.project, user=user, defaults={"role": invitation.role}
    )
    invitation.delete()
    return joined


def decline(invitation: Invitation) -> None:
    """Hear no more of it unless a manager asks once more; the managers see that and when it was declined."""
    Invitation.objects.filter(pk=invitation.pk).update(declined_at=timezone.now())


def invite_again(invitation: Invitation, by: User) -> None:
    """Ask somebody who has declined once more; nothing changes for one who has not answered."""
    declined = Invitation.objects.filter(pk=invitation.pk, declined_at__isnull=False)
    declined.update(declined_at=None, invited_by=by)


def _free_name(full_name: str) -> str:
    """A sign-in name of the person's name and digits drawn by lot."""
    begin = slugify(full_name).replace("-", ".")[:40] or "person"
    while User.objects.filter(username__iexact=(name := f"{begin}.{secrets.randbelow(900_000) + 100_000}")).exists():
        pass
    return name


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
