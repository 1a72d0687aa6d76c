"""Who may go where: the one door through which every page of a project is entered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import reverse

from labeling.models import Alarm, Annotator, Batch, Escalation, Membership, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Role = Membership.Role


@dataclass(frozen=True, slots=True)
class Tab:
    """One entry of the project's navigation."""

    name: str
    title: str
    url: str
    count: int = 0


@dataclass(frozen=True)
class Visit:
    """A member in a project: what every page needs to know about who looks at what."""

    project: Project
    membership: Membership
    user: User

    @property
    def home(self) -> str:
        return self.membership.home

    def may(self, role: str) -> bool:
        return self.membership.may(role)

    @property
    def manages(self) -> bool:
        """Whether this member leads the project, and so may make another one."""
        return self.may(Role.MANAGER)

    def annotator(self, kind: str = Annotator.Kind.PERSON) -> Annotator:
        """The row under which this member votes."""
        annotator = Annotator.of(self.project, self.user, kind)
        annotator.project = self.project
        return annotator

    @cached_property
    def cases(self) -> int:
        """How many cases wait for an expert."""
        return Escalation.objects.in_project(self.project.pk).open().to_experts().listed().count()

    @cached_property
    def stopped(self) -> list[Alarm]:
        """The lines that stand still until a manager decides; none for those who only label."""
        if not self.may(Role.EXPERT):
            return []
        found = self.project.alarms.standing().gaps().filter(paused=True, batch__archived_at=None)
        return list(found.exclude(groups=[]).select_related("batch"))

    @cached_property
    def tabs(self) -> list[Tab]:
        """The pages this member may open, in the order of the day."""
        if not self.may(Role.EXPERT):
            return []
        slug = [self.project.slug]
        tabs = [Tab("overview", "Overview", reverse("project", args=slug))]
        latest = Batch.objects.listed().filter(project=self.project).first()
        if latest:
            tabs.append(Tab("batch", "Batch report", reverse("batch", args=[*slug, latest.pk])))
        tabs.append(Tab("cases", "Adjudicate", reverse("cases", args=slug), self.cases))
        tabs.append(Tab("crowd", "Crowd", reverse("crowd", args=slug)))
        if self.may(Role.MANAGER):
            tabs.append(Tab("money", "Money", reverse("money", args=slug)))
        return [*tabs, Tab("annotate", "Label", reverse("annotate", args=slug))]


def enter(request: HttpRequest, slug: str, role: str = Role.ANNOTATOR) -> Visit:
    """Let a member in. Raises Http404 for strangers (who learn nothing), PermissionDenied for too low a role."""
    membership = Membership.objects.filter(project__slug=slug, user_id=request.user.pk or 0).select_related("project")
    found = membership.first()
    if found is None:
        raise Http404("No such project, or you are not a member of it.")
    if not found.may(role):
        raise PermissionDenied(f"This page is for the {role}s of {found.project}.")
    if found.project.archived_at and not found.may(Role.MANAGER):
        raise PermissionDenied(f"{found.project} is put away; its managers can bring it back.")
    return Visit(found.project, found, request.user)  # type: ignore[arg-type]
