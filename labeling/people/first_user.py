"""The first user of a server: makes all others, and manages the projects that came from the command line."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from labeling.models import Membership, Project
from labeling.people.members import Unwise, Welcome

Role = Membership.Role
NAME = "admin"


@transaction.atomic
def make(username: str = NAME) -> Welcome:
    """Make an account that may do everything, and manager of all projects that have none.

    Raises Unwise where there is such an account already, or the name is taken or cannot be one.
    """
    there = User.objects.filter(is_superuser=True).order_by("pk").first()
    if there is not None:
        name = there.get_username()
        raise Unwise(f"There is a first user, {name}; `manage.py changepassword {name}` gives a new password.")
    if User.objects.filter(username__iexact=username).exists():
        raise Unwise(f"{username} signs in here already; give the first user another name.")
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError:
        raise Unwise(f"{username!r} is no sign-in name; use letters, digits and @ . + - _ only.") from None
    password = secrets.token_urlsafe(9)
    user = User.objects.create_superuser(username, password=password)
    for project in unmanaged():
        Membership.objects.update_or_create(project=project, user=user, defaults={"role": Role.MANAGER})
    return Welcome(user, password)


def unmanaged() -> list[Project]:
    """Projects that nobody manages."""
    return list(Project.objects.exclude(memberships__role=Role.MANAGER))


def give_manager(project: Project, username: str = "") -> User | None:
    """Whoever manages a project from the shell: the one who is named, else the only user who may do everything.

    None where the project has a manager and nobody is named, or nobody can be told. Raises Unwise for a name unknown.
    """
    if username:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise Unwise(f"Nobody signs in as {username!r}; name somebody who does.")
    elif project.memberships.filter(role=Role.MANAGER).exists():
        return None
    else:
        alone = list(User.objects.filter(is_superuser=True, is_active=True)[:2])
        if len(alone) != 1:
            return None
        user = alone[0]
    Membership.objects.update_or_create(project=project, user=user, defaults={"role": Role.MANAGER})
    return user
