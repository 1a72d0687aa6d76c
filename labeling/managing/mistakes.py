"""A recurring mistake is judged: accepted, it goes into the guidelines and teaches; rejected, it is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from labeling import jobs
from labeling.managing import guidelines
from labeling.models import Batch, GuidelineVersion, Mistake, Project, Question
from labeling.reports.crowd.mistakes import Recurring
from labeling.rounds import story

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST = 1000


@transaction.atomic
def accept(question: Question, found: Recurring, sentence: str, by: User) -> Mistake:
    """Put the sentence into the guidelines, keep the cases as a lesson, and let models that learn vote anew by it.

    The cases are worked examples before any others from now on. Without a sentence the cases alone teach. Batches
    under review are taught at once, others by their next lesson.
    """
    line = " ".join(sentence.split())[:LONGEST]
    why = f"{found.annotator or 'The crowd'} often takes {found.truth} for {found.said}"
    version = guidelines.add(question, line, by, why[:300]) if line else None
    made = _judge(question, found, Mistake.Verdict.ACCEPTED, by, line, version)
    teach(question.project)
    return made


def reject(question: Question, found: Recurring, by: User) -> Mistake:
    """Leave it alone until it has twice as many cases."""
    return _judge(question, found, Mistake.Verdict.REJECTED, by)


def teach(project: Project) -> int:
    """Let the models that learn vote anew in every batch that is with people; returns how many batches."""
    under_review = project.batches.listed().filter(stage=Batch.Stage.REVIEWING, paused_at=None)
    taught = [batch for batch in under_review if story.teach(batch)]
    for batch in taught:
        jobs.start(batch)
    return len(taught)


def _judge(
    question: Question,
    found: Recurring,
    verdict: str,
    by: User,
    sentence: str = "",
    version: GuidelineVersion | None = None,
) -> Mistake:
    accepted = verdict == Mistake.Verdict.ACCEPTED
    return Mistake.objects.create(
        question=question,
        annotator=found.annotator,
        truth=found.truth[:200],
        said=found.said[:200],
        cases=found.cell.cases,
        of=found.cell.of,
        low=found.cell.low,
        expected=found.cell.expected,
        tasks=list(found.tasks) if accepted else [],
        sentence=sentence,
        guideline=version,
        verdict=verdict,
        by=by,
    )
