"""What the checks of a certificate say of each label, step or type alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labeling.checks import certificates, evidence
from labeling.checks.certificates import Target
from labeling.checks.evidence import Evidence
from labeling.kinds import registry
from labeling.kinds.base import Space
from labeling.models import Certificate
from labeling.routing.certificate import RIGHT, WRONG
from labeling.truth.votes import Bools


@dataclass(frozen=True, slots=True)
class PartBound:
    """One part: in how many of the answered checks it is wrong, and in which share of all answers at most."""

    name: str
    wrong: int
    checks: int
    most: float | None


def by_part(certificate: Certificate) -> tuple[PartBound, ...]:
    """An upper bound for every part as the answers stand; all of them hold at once with the certificate's confidence.

    The chance to err is shared equally among the parts. A known answer that is wrong counts as wrong in every part, a
    check without an answer as well: so no bound is too low. None where answers are one label.
    """
    told = certificate.evidence
    if "kind" not in told or registry.has_one_label(told["kind"]):
        return ()
    names, differ, answered = _differing(told)
    audit, bounds = evidence.audit_of(told), []
    place = {row[0]: at for at, row in enumerate(told["tasks"])}
    drawn = [place[check["task"]] for check in told["checks"] if check["answer"] is not None]
    for part, name in enumerate(names):
        found = audit.answer.copy()
        found[drawn] = np.where(differ[:, part], WRONG, RIGHT)
        target = Target(certificate.alpha, certificate.delta / len(names), certificate.rule, certificate.about)
        most = certificates.stands(replace(audit, answer=found), told, target)
        bounds.append(PartBound(name, int(differ[:, part].sum()), answered, most))
    return tuple(bounds)


def _differing(told: Evidence) -> tuple[tuple[str, ...], Bools, int]:
    """The parts by name, in which of them each answered check speaks against the answer, (n, P), and n."""
    kind = registry.kind(told["kind"])
    space = Space(tuple(told["labels"]), tuple(told["values"]))
    checks = [check for check in told["checks"] if check["answer"] is not None]
    sides = [kind.pack([kind.read(check[side], space) for check in checks], space) for side in ("label", "answer")]
    (names, one), (_, other) = (kind.traits(side, space) for side in sides)
    return names, one != other, len(checks)
