"""What annotators were told: every question with its labels and their meanings, and the versions of all that."""

from __future__ import annotations

from fairness.datasheet.plain import Plain, moment
from labeling.models import Batch, GuidelineVersion, Question
from labeling.models.guideline import digest_of, told_now
from labeling.models.question import space_of


def instructions(batch: Batch) -> Plain:
    """The guidelines as they stand, and when each version of what is told came into force.

    `kept` is whether the present words are those of the newest version.
    """
    now = told_now(batch.project)
    versions = list(GuidelineVersion.objects.filter(project=batch.project))
    return {
        "guidelines": now["guidelines"],
        "digest": digest_of(now),
        "kept": bool(versions) and versions[-1].digest == digest_of(now),
        "versions": [
            {"number": one.number, "since": moment(one.created_at), "digest": one.digest, "why": one.why}
            for one in versions
        ],
    }


def question(asked: Question) -> Plain:
    """One question: its kind, its words, its labels, and when it is asked."""
    return {
        "number": asked.number,
        "kind": asked.kind,
        "wording": asked.wording,
        "guidelines": asked.guidelines,
        "asked_only_after": _condition(asked),
        "labels": [
            {"name": one.name, "meaning": one.description or one.hint, "stands_at": one.value}
            for one in asked.label_list()
        ],
    }


def _condition(asked: Question) -> Plain | None:
    before = asked.asked_after
    if before is None:
        return None
    labels = before.label_list()
    if before.one_label and asked.asked_if is not None:
        return {"question": before.number, "answer": labels[asked.asked_if].name}
    answer = before.answers.from_marks(asked.asked_if, space_of(labels))
    return {"question": before.number, "answer": before.answers.words(answer, space_of(labels))}
