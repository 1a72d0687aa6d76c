"""Who is at work now, counted from the newest votes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from labeling.models import Annotator, Membership, Project, Vote

WINDOW_SECONDS = 300
MOST_VOTES = 5000
PEOPLE = (Annotator.Kind.PERSON, Annotator.Kind.EXPERT)


@dataclass(frozen=True, slots=True)
class Working:
    """One kind at work: who, how many answers a minute, and micro-dollars an hour."""

    kind: str
    names: tuple[str, ...]
    per_minute: float
    per_hour: int

    @property
    def who(self) -> str:
        """Models by number, everybody else by name."""
        if self.kind == Annotator.Kind.MODEL and len(self.names) > 1:
            return f"{len(self.names)} models"
        return ", ".join(self.names[:3]) + (f" and {len(self.names) - 3} more" if len(self.names) > 3 else "")


def at_work(project: Project) -> list[Working]:
    """Kinds that answered in the last five minutes; where votes pour in, the newest 5,000 tell the pace.

    Of whom only votes were taken in, as recorded elsewhere, nobody is at work here: such models are never asked, such
    people are no members.
    """
    now = timezone.now()
    newest = Vote.objects.order_by("-pk").values_list("created_at", "annotator_id", "cost_microdollars")
    rows = [row for row in newest[:MOST_VOTES] if row[0] >= now - timedelta(seconds=WINDOW_SECONDS)]
    seconds = (now - rows[-1][0]).total_seconds() if len(rows) == MOST_VOTES else float(WINDOW_SECONDS)
    recorded = Q(spec__startswith=Annotator.RECORDED) | ~Q(user=None) & ~Exists(
        Membership.objects.filter(project=project, user=OuterRef("user"))
    )
    ours = {one.pk: one for one in project.annotators.exclude(recorded)}
    votes = [(ours[annotator], cost) for _, annotator, cost in rows if annotator in ours]
    return [found for kind in Annotator.Kind.values if (found := _working(kind, votes, max(seconds, 1.0)))]


def _working(kind: str, votes: list[tuple[Annotator, int]], seconds: float) -> Working | None:
    mine = [(one, cost) for one, cost in votes if one.kind == kind]
    names = tuple(dict.fromkeys(first_name(one) for one, _ in mine))
    if not mine:
        return None
    return Working(kind, names, 60 * len(mine) / seconds, round(3600 * sum(cost for _, cost in mine) / seconds))


def first_name(annotator: Annotator) -> str:
    return annotator.name.split()[0] if annotator.kind in PEOPLE else annotator.name
