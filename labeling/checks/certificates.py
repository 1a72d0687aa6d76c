"""Certificates: issued from the random checks of a batch, written to a file, and recomputed from that file alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from labeling.checks import evidence as evidences
from labeling.checks.evidence import Evidence, NotEvidence
from labeling.kinds import registry
from labeling.models import Batch, Certificate, Question
from labeling.routing.certificate import RULES, Audit, Finding, ahead, as_it_stands

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

About, Rule = Certificate.About, Certificate.Rule
RESULT = ("threshold", "accepted", "total", "checks", "errors", "bound", "further")
MORE = (50, 100, 200, 400, 800)
CLOSE = 1e-9


class CannotCertify(Exception):
    """Why no certificate can be asked for, in one sentence."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for: at most a share `alpha` wrong with confidence 1 - `delta`; by which rule, about which labels.

    Raises CannotCertify where that makes no sense.
    """

    alpha: float
    delta: float
    rule: str = Rule.ANYTIME
    about: str = About.ALL

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise CannotCertify("The error target must lie above 0 and below 1, such as 0.05.")
        if not 0 < self.delta < 1:
            raise CannotCertify("One less the confidence must lie above 0 and below 1, such as 0.05.")
        if self.rule not in Rule.values or self.about not in About.values:
            raise CannotCertify("The rule is anytime or once; the certificate is about all or released labels.")

    def find(self, audit: Audit) -> Finding:
        return RULES[self.rule](audit, self.alpha, self.delta, released=self.about == About.RELEASED)


@transaction.atomic
def issue(
    batch: Batch, target: Target, user: User | AnonymousUser | None = None, question: Question | None = None
) -> Certificate:
    """Certify, or refuse, and keep what was found; the same target on the same evidence is answered once.

    About the answers to the project's first question, unless another is named.

    Raises CannotCertify where checks that were looked at before are to be looked at `once`.
    """
    Batch.objects.select_for_update().get(pk=batch.pk)
    about = question or batch.project.first_question
    evidence = evidences.collect(batch, about)
    asked = {"batch": batch, "question": about, "digest": evidences.digest(evidence), **asdict(target)}
    if found := Certificate.objects.filter(**asked).first():
        return found
    if target.rule == Rule.ONCE and batch.certificates.filter(question=about).exists():
        raise CannotCertify("The checks of this batch were looked at before; use the rule that holds at every look.")
    audit = evidences.audit_of(evidence)
    finding = target.find(audit)
    who = evidences.experts(evidence)
    return Certificate.objects.create(
        **asked,
        **{name: getattr(finding, name) for name in RESULT},
        stands=stands(audit, evidence, target),
        experts=who,
        statement=statement(target, finding, evidence),
        evidence=evidence,
        created_by_id=user.pk if user else None,
    )


def stands(audit: Audit, evidence: Evidence, target: Target) -> float | None:
    """Upper bound of the share of wrong labels among all that there are, as they stand."""
    found = as_it_stands(audit, target.delta, target.rule)
    labels = found.total - int(evidence["open"])
    return None if found.bound is None or not labels else min(found.bound * found.total / labels, 1.0)


def statement(target: Target, found: Finding, evidence: Evidence) -> str:
    """What a certificate says, or why there is none, in a few sentences."""
    aim = f"at most {percent(target.alpha)}"
    sure = f"with {percent(1 - target.delta)} confidence, relative to {relative_to(evidences.experts(evidence))}"
    others, noun = evidences.without_label(evidence, found.threshold), noun_of(evidence)
    means = right_means(evidence)
    if found.threshold is None:
        return _refusal(target, found, noun) + means
    rests = f" It rests on {counted(found.checks, 'random check')}, {found.errors} of them released and wrong.{means}"
    if target.about == About.RELEASED:
        rest = f" {others:,} more need an expert." if others else ""
        return f"Of the {found.accepted:,} released {noun}s {aim} are wrong, {sure}.{rest}{rests}"
    once = f"Once an expert has given the {others:,} that still need one, {aim}" if others else aim.capitalize()
    alone = percent(min(target.alpha * found.total / found.accepted, 1.0))
    part = f" Of the {found.accepted:,} released {noun}s alone that is at most {alone}."
    all_of_them = found.accepted == found.total
    return f"{once} of all {found.total:,} {noun}s are wrong, {sure}.{'' if all_of_them else part}{rests}"


def noun_of(evidence: Evidence) -> str:
    """What the certified things are called: label, or answer."""
    return registry.measures(evidence.get("kind", registry.ONE_LABEL)).noun


def right_means(evidence: Evidence) -> str:
    """When an answer is wrong, a sentence; empty where it is one label and no more is to say."""
    if "kind" not in evidence:
        return ""
    if registry.has_one_label(evidence["kind"]):
        return f" These are answers to “{evidence['question']}”."
    where = registry.measures(evidence["kind"]).right_where
    return f" These are answers to “{evidence['question']}”; one is right where {where}."


def _refusal(target: Target, found: Finding, noun: str) -> str:
    of = f"the released {noun}s" if target.about == About.RELEASED else f"all {noun}s"
    aim = f"at most {percent(target.alpha)} of {of} are wrong with {percent(1 - target.delta)} confidence"
    if not found.checks:
        return _unchecked(aim, found.further, noun)
    answered = found.checks > found.waiting
    provided = "if errors keep the rate seen so far" if answered else f"if none of them finds a wrong {noun}"
    waits = f", of which {found.waiting:,} wait for an answer," if found.waiting else ""
    seen = f"{counted(found.checks, 'random check')}{waits} cannot tell that {aim}."
    if found.further == 0:
        return f"No certificate yet: {seen} Once all are answered they would, {provided}."
    if found.further is None:
        even = "At the rate of errors seen so far" if answered else f"Even without a wrong {noun} among them,"
        return f"No certificate: {seen} {even} no number of checks would."
    return f"No certificate: {seen} With about {found.further:,} more they would, {provided}."


def _as_said_before(target: Target, found: Finding) -> str:
    """A refusal in the words of before it was said whether anything was checked: the files of then are true still."""
    of = "the released labels" if target.about == About.RELEASED else "all labels"
    waits = f", of which {found.waiting:,} wait for an answer," if found.waiting else ""
    aim = f"at most {percent(target.alpha)} of {of} are wrong with {percent(1 - target.delta)} confidence"
    seen = f"{counted(found.checks, 'random check')}{waits} cannot tell that {aim}."
    if found.further == 0:
        return f"No certificate yet: {seen} Once all are answered they would, if errors keep the rate seen so far."
    if found.further is None:
        return f"No certificate: {seen} At the rate of errors seen so far no number of checks would."
    more = f"With about {found.further:,} more they would, if errors keep the rate seen so far."
    return f"No certificate: {seen} {more}"


def _unchecked(aim: str, further: int | None, noun: str) -> str:
    """There is no rate of errors yet: what is said holds if no check finds one."""
    seen = f"No certificate: nothing was checked at random yet, so nobody can tell that {aim}."
    if further is None:
        return f"{seen} Even without a wrong {noun} among them, no number of checks could."
    return f"{seen} About {counted(further, 'check')} could, if none of them finds a wrong {noun}."


def relative_to(who: list[dict[str, Any]]) -> str:
    """Those whose answers count as right, named."""
    names = [f"{one['name']} ({one['kind']})" for one in who]
    if not names:
        return "the labels known from the file"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def outlook(certificate: Certificate) -> list[tuple[int, int]]:
    """How many labels would be released after so many more checks, as far as there are any: (checks, labels)."""
    audit = evidences.audit_of(certificate.evidence)
    left = int(audit.frame.sum()) - len(audit.in_turn)
    released = certificate.about == About.RELEASED
    steps = [more for more in MORE if more < left] + ([left] if 0 < left <= MORE[-1] else [])
    labels = ahead(audit, certificate.alpha, certificate.delta, steps, released=released)
    return list(zip(steps, labels, strict=True))


def as_file(certificate: Certificate) -> str:
    """The certificate with all its evidence, as JSON that `verify` recomputes."""
    told = {
        "format": evidences.FORMAT,
        "statement": certificate.statement,
        "certificate": certificate.pk,
        "created_at": certificate.created_at.isoformat(timespec="seconds"),
        "created_by": str(certificate.created_by) if certificate.created_by else None,
        "target": {name: getattr(certificate, name) for name in ("alpha", "delta", "rule", "about")},
        "result": {name: getattr(certificate, name) for name in (*RESULT, "stands")},
        "experts": certificate.experts,
        "digest": certificate.digest,
        "how": HOW,
        "evidence": certificate.evidence,
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


HOW = (
    "The lot of a task is the first 53 bits of SHA-256 of 'seed/task', divided by 2^53; tasks are checked in the order "
    "of their lots. A label is released where its uncertainty is at most the threshold. Recompute with: "
    "manage.py certify --verify FILE"
)


def verify(text: str) -> list[str]:
    """Recompute a certificate from its file alone. Returns what does not agree, one sentence each; empty if all does.

    Raises NotEvidence where the text is no certificate.
    """
    told = _parse(text)
    evidence = told["evidence"]
    try:
        target = Target(**told["target"])
    except (TypeError, CannotCertify) as error:
        raise NotEvidence(f"The target of the certificate makes no sense: {error}") from None
    audit = evidences.audit_of(evidence)
    finding = target.find(audit)
    result = {**{name: getattr(finding, name) for name in RESULT}, "stands": stands(audit, evidence, target)}
    faults = [
        f"{name} is {told['result'].get(name)} in the file and {value} when computed again."
        for name, value in result.items()
        if not same(told["result"].get(name), value)
    ]
    if told["digest"] != evidences.digest(evidence):
        faults.append("The digest is not that of the evidence, so the evidence was changed.")
    if told["experts"] != evidences.experts(evidence):
        faults.append("The experts named are not those who gave the answers.")
    if told["statement"] not in (statement(target, finding, evidence), _as_said_before(target, finding)):
        faults.append("The statement is not what these numbers say.")
    return faults


def _parse(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        raise NotEvidence("This is no JSON file; give the file that the certificate's page offers.") from None
    parts = {"format": str, "target": dict, "result": dict, "evidence": dict, "experts": list}
    if not isinstance(told, dict) or told.get("format") != evidences.FORMAT:
        raise NotEvidence(f"This is no certificate of the form {evidences.FORMAT}.")
    if lacking := [name for name, kind in parts.items() if not isinstance(told.get(name), kind)]:
        raise NotEvidence(f"The certificate lacks {', '.join(lacking)}.")
    return {"digest": "", "statement": "", **told}


def same(told: object, found: object) -> bool:
    """Equal, numbers up to rounding."""
    if isinstance(told, int | float) and isinstance(found, int | float):
        return abs(told - found) <= CLOSE
    return told == found
