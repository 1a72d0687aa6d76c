"""What one person answered, and what became of it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, Prefetch, Q, Subquery, When

from labeling import said
from labeling.models import Annotator, Decision, Escalation, Task, Vote
from labeling.models.vote import VoteQuerySet
from labeling.reports.tasks.answers import Reader
from reviewers.models import Assignment, AssignmentQuerySet
from reviewers.quality import AS_KNOWN, KNOWN, Share, answered_today, answers_of, recent_seconds

FINAL = "final"
"""Where the current decision of a vote's task is kept once it is fetched with it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer and the final label of its task, once that is told: while an answer can be changed, nothing is said
    that might invite to change it."""

    vote: Vote
    decision: Decision | None
    held: int | None = None
    """The assignment under which it was given, by which it opens again; None for an extra opinion."""

    @property
    def opens(self) -> bool:
        """Whether it can be opened and changed: an expert's word is the last."""
        return self.held is not None and not (self.decision and self.decision.decided_by == Decision.By.EXPERT)

    @property
    def overruled(self) -> bool:
        return self.decision is not None and not said.same(self.decision, self.vote)

    @property
    def said(self) -> str:
        """What this person answered, in words."""
        return _words(self.vote, self.vote.task)

    @property
    def settled_as(self) -> str:
        """The final answer, in words; empty where none is told."""
        return _words(self.decision, self.vote.task) if self.decision else ""

    @property
    def question(self) -> str:
        """The question's wording, where the project has several."""
        return _question(self.vote.task)

    @property
    def why(self) -> str:
        """The reason of the expert who overruled it, if one did and said why."""
        by_expert = self.decision is not None and self.decision.decided_by == Decision.By.EXPERT
        return self.decision.why if self.decision and by_expert and self.overruled else ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts over all answers that stand; of those whose end is told, how many gave the known label; the pace
    in seconds (None: too few)."""

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
    """How this person's answers stand, as far as that is told."""
    counted = _with_fate(given_by(annotator)).aggregate(
        answered=Count("pk"),
        as_said=Count("pk", filter=TOLD & (Q(final_label=F("label")) | Q(final_marks=F("marks")))),
        settled=Count("pk", filter=TOLD),
        known=Count("pk", filter=TOLD & KNOWN),
        as_known=Count("pk", filter=TOLD & AS_KNOWN),
    )
    took = recent_seconds(annotator)
    return Standing(
        counted["answered"],
        answered_today(annotator),
        counted["as_said"],
        counted["settled"] - counted["as_said"],
        Share(counted["as_known"], counted["known"]),
        statistics.median(took) if len(took) >= 5 else None,
    )


def given_by(annotator: Annotator) -> VoteQuerySet:
    """The answers this person gave and that stand, newest first."""
    return answers_of(annotator).answering().order_by("-pk")


def overruled(annotator: Annotator) -> VoteQuerySet:
    """Answers that an expert settled otherwise, newest first."""
    experts = Decision.objects.current().filter(task=OuterRef("task"), decided_by=Decision.By.EXPERT)
    alike = experts.filter(Q(label=OuterRef("label")) | Q(marks=OuterRef("marks")))
    return given_by(annotator).filter(Exists(experts)).exclude(Exists(alike))


def outcomes(votes: VoteQuerySet) -> list[Outcome]:
    """Answers with what became of each, in one query more than the answers themselves."""
    final = Prefetch("task__decisions", Decision.objects.current().select_related("label"), to_attr=FINAL)
    found = _with_fate(
        votes.select_related("task__project", "task__instance", "task__question", "label").prefetch_related(
            final, *WORDS
        )
    ).annotate(
        told=Case(When(TOLD, then=True), default=False, output_field=BooleanField()),
        held=Subquery(Assignment.objects.filter(vote=OuterRef("pk"), state="answered").values("pk")[:1]),
    )
    return [
        Outcome(vote, next(iter(getattr(vote.task, FINAL)), None) if vars(vote)["told"] else None, vars(vote)["held"])
        for vote in found
    ]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A task that was skipped or flagged and not answered since; `decision` where an expert settled it."""

    held: Assignment
    decision: Decision | None

    @property
    def opens(self) -> bool:
        """Whether it can still be answered: the question is open, or lies with the experts by this flag."""
        flagged = self.held.state == Assignment.State.FLAGGED
        return self.decision is None and (flagged or self.held.escalation.state == Escalation.State.OPEN)

    @property
    def settled_as(self) -> str:
        """What an expert settled it as, in words; empty where none did."""
        return _words(self.decision, self.held.escalation.task) if self.decision else ""

    @property
    def question(self) -> str:
        """The question's wording, where the project has several."""
        return _question(self.held.escalation.task)


def unanswered(annotator: Annotator) -> AssignmentQuerySet:
    """What this person skipped or flagged last and has not answered since, newest first; each task once."""
    theirs = Assignment.objects.filter(annotator=annotator, escalation__task=OuterRef("escalation__task"))
    later = theirs.filter(pk__gt=OuterRef("pk"), state__in=SET_ASIDE)
    answered = answers_of(annotator).answering().filter(task=OuterRef("escalation__task"))
    aside = Assignment.objects.filter(annotator=annotator, state__in=SET_ASIDE, vote=None)
    return aside.exclude(Exists(later)).exclude(Exists(answered)).order_by("-closed_at", "-pk")


def set_aside(held: AssignmentQuerySet) -> list[Unanswered]:
    """Skips and flags with what an expert made of each, in one query more than the rows themselves."""
    experts = Decision.objects.current().filter(decided_by=Decision.By.EXPERT).select_related("label")
    final = Prefetch("escalation__task__decisions", experts, to_attr=FINAL)
    rows = ("escalation__task__project", "escalation__task__instance", "escalation__task__question")
    words = [f"escalation__{path}" for path in WORDS]
    found = held.select_related(*rows).prefetch_related(final, *words)
    return [Unanswered(one, next(iter(getattr(one.escalation.task, FINAL)), None)) for one in found]


WORDS = ("task__question__labels", "task__project__questions")
"""What answers need, to be told in words."""


def _words(row: Vote | Decision, task: Task) -> str:
    """An answer in words: of stretches the words that are marked, each with its type."""
    return str(Reader(task.question).row(row, task.text) or "")


def _question(task: Task) -> str:
    return task.question.wording if len(task.project.questions.all()) > 1 else ""


SET_ASIDE = (Assignment.State.SKIPPED, Assignment.State.FLAGGED)


TOLD = Q(final_by=Decision.By.EXPERT) | Q(
    final_by__isnull=False, was_check=False, task__batch__finished_at__isnull=False
)
"""An expert has the last word, or the batch was finished and the question was an ordinary one: whoever answered a
random check must not learn from the page, before all others do, whether the crowd had said the same."""


def _with_fate(votes: VoteQuerySet) -> VoteQuerySet:
    """With the final answer the task has now, who settled it, and whether the question was a random check."""
    final = Decision.objects.current().filter(task=OuterRef("task"))
    check = Escalation.objects.filter(vote=OuterRef("pk"), reason=Escalation.Reason.AUDIT)
    return votes.annotate(
        final_label=Subquery(final.values("label")[:1]),
        final_marks=Subquery(final.values("marks")[:1]),
        final_by=Subquery(final.values("decided_by")[:1]),
        was_check=Exists(check),
    )
