"""What becomes of a task that people have answered: settled, or an expert's case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from labeling.truth.skills.dependence import share
from labeling.truth.votes import Floats

LEAST_EVIDENCE = 40.0
"""Answers on known tasks that somebody's skill must be worth before it may settle what is disputed."""


TIE = 1e-9


class Outcome(Enum):
    """`AGREED`: all said the same and nothing speaks against it. `BY_SKILL`: disputed, but what is known of who said it
    makes one label sure. `EXPERT`: disputed, and unsure."""

    AGREED = "agreed"
    BY_SKILL = "by skill"
    EXPERT = "expert"


class Dispute(Enum):
    """What is disputed: people differ, a person differs from a sure crowd, or their own record speaks against them."""

    NONE = "none"
    PEOPLE = "people"
    CROWD = "crowd"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Opinion:
    """A person's or an expert's answer. `proven`: their skill rests on enough evidence to settle what is disputed."""

    label: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """`label` is final unless the outcome is `EXPERT`; then it is the most believed one."""

    outcome: Outcome
    dispute: Dispute
    label: int


def verdict(before: Floats, after: Floats, opinions: Sequence[Opinion], accept: float, in_dispute: float) -> Verdict:
    """The rule of the product. `before`, `after`: (K,) belief without and with the `opinions`, at least one.

    Those who agree settle the label. It is disputed where people differ, where they contradict a crowd that is at least
    `accept` sure, or where another label is more likely although they agree: somebody of proven skill who errs more
    often than not speaks against their own answer. What is disputed is settled all the same where everybody's skill is
    proven and the belief, made as cautious as people who err together ask for, is at least `accept`; never as a label
    that neither the crowd nor any of them chose. `after` is the plain product of `before` and the likelihoods;
    `in_dispute`: how far people who differ err together, as learnt.
    """
    said = {each.label for each in opinions}
    top, label = int(after.argmax()), opinions[-1].label
    dispute = Dispute.NONE
    if len(said) > 1:
        dispute = Dispute.PEOPLE
    elif before.max() >= accept and before[label] < before.max() - TIE:
        dispute = Dispute.CROWD
    elif after[top] > after[label] and any(each.proven for each in opinions):
        dispute = Dispute.RECORD
    if dispute is Dispute.NONE:
        return Verdict(Outcome.AGREED, dispute, label)
    cautious = after ** share(max(len(opinions), 2), in_dispute)
    chosen = top in said or top == int(before.argmax())
    sure = chosen and float(cautious[top] / cautious.sum()) >= accept and all(each.proven for each in opinions)
    return Verdict(Outcome.BY_SKILL if sure else Outcome.EXPERT, dispute, top)
