"""What one person answered, and what became of it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q

from labeling.models import Annotator, Decision, Escalation, Task, Vote
from labeling.models.vote import VoteQuerySet
from reviewers.quality import Share, agreement_with_gold, answers_of, progress, recent_seconds

FINAL = "final"
"""Where the current decision of a vote's task is kept once it is fetched with it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer and the final label of its task, if there is one."""

    vote: Vote
    decision: Decision | None
    with_expert: bool

    @property
    def overruled(self) -> bool:
        return self.decision is not None and self.decision.label_id != self.vote.label_id

    @property
    def why(self) -> str:
        """The reason of the expert who overruled it, if one did and said why."""
        by_expert = self.decision is not None and self.decision.decided_by == Decision.By.EXPERT
        return self.decision.why if self.decision and by_expert and self.overruled else ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts over all answers that stand, the agreement with known labels, and the pace in seconds (None: too few)."""

    answered: int
    today: int
    as_said: int
    otherwise: int
    gold: Share
    pace: float | None

    @property
    def waiting(self) -> int:
        return self.answered - self.as_said - self.otherwise

    @property
    def settled(self) -> int:
        return self.as_said + self.otherwise


def standing(annotator: Annotator) -> Standing:
    """How this person's answers stand."""
    settled = Q(task__stage=Task.Stage.DECIDED, task__decisions__superseded_at=None, task__decisions__isnull=False)
    same = settled & Q(task__decisions__label=F("label"))
    counted = labels_of(annotator).aggregate(
        answered=Count("pk", distinct=True),
        as_said=Count("pk", filter=same, distinct=True),
        settled=Count("pk", filter=settled, distinct=True),
    )
    took = recent_seconds(annotator)
    return Standing(
        counted["answered"],
        progress(annotator).answered,
        counted["as_said"],
        counted["settled"] - counted["as_said"],
        agreement_with_gold(annotator),
        statistics.median(took) if len(took) >= 5 else None,
    )


def labels_of(annotator: Annotator) -> VoteQuerySet:
    """The labels this person gave and that stand, newest first."""
    return answers_of(annotator).filter(label__isnull=False).order_by("-pk")


def overruled(annotator: Annotator) -> VoteQuerySet:
    """Answers that an expert settled otherwise, newest first."""
    experts = Decision.objects.current().filter(task=OuterRef("task"), decided_by=Decision.By.EXPERT)
    return labels_of(annotator).filter(Exists(experts.exclude(label=OuterRef("label"))))


def outcomes(votes: VoteQuerySet) -> list[Outcome]:
    """Answers with what became of each, in two queries more than the answers themselves."""
    final = Prefetch("task__decisions", Decision.objects.current().select_related("label"), to_attr=FINAL)
    case = Escalation.objects.open().to_experts().filter(task=OuterRef("task"))
    found = votes.select_related("task", "label").prefetch_related(final).annotate(with_expert=Exists(case))
    return [Outcome(vote, next(iter(getattr(vote.task, FINAL)), None), vars(vote)["with_expert"]) for vote in found]
