"""An offer to join a project: it opens nothing until the person whose sign-in name it bears accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from labeling.models.project import Membership, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def waiting_for(self, user: User | AnonymousUser) -> InvitationQuerySet:
        """What this person can still accept or decline, of projects they are not in."""
        mine = self.filter(username__iexact=user.get_username(), declined_at=None, project__archived_at=None)
        return mine.exclude(project__memberships__user_id=user.pk or 0)


class Invitation(models.Model):
    """An offer of a role under a sign-in name, whether or not somebody has that name; managers are not told which."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    username = models.CharField(max_length=150)
    role = models.CharField(max_length=12, choices=Membership.Role.choices)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    declined_at = models.DateTimeField(
        null=True, blank=True, help_text="Managers see that it was, and may invite again."
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "username"], name="invitation_once_per_project"),
            models.CheckConstraint(
                condition=models.Q(role__in=["annotator", "expert", "manager"]), name="invitation_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.username} as {self.role} in {self.project}"
