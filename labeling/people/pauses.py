"""A manager pauses a person by hand, with the field that alarms use: no card comes, and they are told by whom."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from labeling.models import Annotator, Membership, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Annotator.Kind
BY_HAND = "{} wants to look at it with you first"
"""What the row of a person who was paused says; a page puts it into a sentence."""


@transaction.atomic
def pause(membership: Membership, by: User) -> None:
    """Give this member no more cards until a manager lets them go on; what they answered stays."""
    kinds = [Kind.PERSON, Kind.EXPERT] if membership.may(Membership.Role.EXPERT) else [Kind.PERSON]
    rows = [Annotator.of(membership.project, membership.user, kind).pk for kind in kinds]
    name = by.get_full_name() or by.get_username()
    Annotator.objects.filter(pk__in=rows, paused_at=None).update(paused_at=timezone.now(), error=BY_HAND.format(name))


@transaction.atomic
def let_go_on(membership: Membership) -> None:
    """Give this member cards again, whoever or whatever has paused them."""
    membership.project.annotators.people().filter(user=membership.user_id).update(paused_at=None, error="")


def paused(project: Project) -> dict[int, datetime]:
    """Since when, by the key of the account, for everybody of a project who gets no cards."""
    rows = project.annotators.people().filter(paused_at__isnull=False, user__isnull=False).order_by("-paused_at")
    return {one.user_id: one.paused_at for one in rows if one.user_id and one.paused_at}
