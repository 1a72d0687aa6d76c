"""What is known of one annotator's skill at a question, as kept: the reading side of `rounds.skills`."""

from __future__ import annotations

from dataclasses import dataclass, field

from labeling import models
from labeling.truth.skills.dependence import IN_DISPUTE, USUAL
from labeling.truth.skills.verdict import LEAST_EVIDENCE

ESTIMABLE = 5.0


@dataclass(frozen=True, slots=True)
class Source:
    """Answers on tasks whose label came from one source; `right`: how many of them were, a sum of chances."""

    n: int
    right: float


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm: so many answers `ago` the share of right ones went from `before` to `after`."""

    ago: int
    before: float
    after: float

    @property
    def worse(self) -> bool:
        return self.after < self.before


@dataclass(frozen=True, slots=True)
class Skill:
    """`accuracy` with its 95% interval `low` to `high`, resting on as much as `evidence` answers on known tasks.

    `given`: answers with a label. `group`: accuracy of its group. `usual`, `in_dispute`: how far answers to one task
    err together in this project. `sources`: by "file", "expert", "others". `closeness`: how near answers are to
    the right one on the mean, with its interval, where they may be nearly right; None where one is right or wrong.
    """

    accuracy: float
    low: float
    high: float
    evidence: float
    given: int
    group: float
    usual: float
    in_dispute: float
    sources: dict[str, Source] = field(default_factory=dict)
    change: Change | None = None
    closeness: float | None = None
    close_low: float = 0.0
    close_high: float = 1.0

    @property
    def proven(self) -> bool:
        """Whether it may settle what is disputed."""
        return self.evidence >= LEAST_EVIDENCE

    @property
    def estimable(self) -> bool:
        return self.evidence >= ESTIMABLE


UNKNOWN = Skill(0.9, 0.0, 1.0, 0.0, 0, 0.9, USUAL, IN_DISPUTE)


def examples(row: models.Skill) -> str:
    """Which way of choosing examples a member keeps, and on what evidence, in one sentence; empty where none was tried.

    Kept by `voters.ready`.
    """
    return str((row.skill or {}).get("examples", {}).get("words", ""))


def of(row: models.Skill) -> Skill:
    """The skill that was learnt last, from the row kept with an annotator and a question; `UNKNOWN` before."""
    kept = row.skill
    if not kept or "accuracy" not in kept:
        return UNKNOWN
    sources = {name: Source(**one) for name, one in kept["sources"].items()}
    change = Change(**kept["change"]) if kept.get("change") else None
    return Skill(**{**kept, "sources": sources, "change": change})
