"""What a page tells a person about what became of their last act: a finding and what it means."""

from __future__ import annotations

from dataclasses import dataclass

from labeling.rounds.kind_answers import Terms
from reviewers.queue.answering import Given


@dataclass(frozen=True, slots=True)
class Notice:
    """One note; `bad` where something was not saved."""

    title: str
    detail: str = ""
    bad: bool = False

    def __str__(self) -> str:
        return f"{self.title} {self.detail}".strip()


def not_saved(words: str, reason: str) -> Notice:
    """An act that was refused, with the reason; `words`: what was answered, "" for nothing."""
    return Notice(f"Not saved: {words}." if words else "Not saved.", reason, bad=True)


def kept_as_extra(given: Given) -> Notice | None:
    """Said where an answer came after its question had passed on."""
    if not given.extra:
        return None
    if given.taken_by:
        return Notice(
            f"{given.taken_by} took this one while you were away.", "Your answer is kept as an extra opinion."
        )
    return Notice("This one was settled while you were away.", "Your answer is kept as an extra opinion.")


def of_a_change(given: Given) -> Notice | None:
    """Said where somebody had answered the task before: in another window, or opened it again to change it."""
    if given.before is None:
        return None
    terms = Terms.of(given.vote.task)
    before, now = terms.briefly(given.before), terms.briefly(given.vote)
    if given.before == given.vote:
        return Notice(f"You had answered this one already, as {before}.", "Nothing was changed.")
    return Notice(f"Changed from {before} to {now}.", "The later answer counts, and is paid once.")
