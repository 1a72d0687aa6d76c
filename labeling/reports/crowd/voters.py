"""The crowd as its managers see it: how right each voter is, what it costs, who errs with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labeling.kinds.measures.base import Told
from labeling.models import Annotator, Project, Question, Skill
from labeling.people import skill
from labeling.reports import kept
from labeling.reports.batch import levels
from labeling.reports.crowd import families as error_families
from labeling.reports.crowd import groups as crowd_groups
from labeling.reports.crowd import kind_voters
from labeling.reports.crowd import votes as crowd_votes
from labeling.reports.crowd.families import Family
from labeling.reports.crowd.groups import GroupTable
from labeling.reports.crowd.votes import Known
from labeling.reports.drawing.heat import Heat
from labeling.reports.drawing.scales import PERCENT, LogScale, Scale, spanning
from labeling.reports.estimates import Commonest, Measured, commonest, share
from labeling.truth import confusion
from labeling.truth.screen import screen
from labeling.truth.votes import Floats

ABSTAINS_OFTEN = 0.02
LEAST_BITS = 0.005
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Tag:
    text: str
    title: str = ""
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Voter:
    """One machine. `bits`: what one vote tells about the label; `per_1000`: dollars; None where it never voted.

    `examples`: how it chooses examples and on what evidence, where it tried several ways.
    """

    pk: int
    kind: str
    name: str
    right: Measured
    bits: float | None
    votes: int
    per_1000: float | None
    per_minute: float | None
    silent: float | None
    tags: tuple[Tag, ...]
    paused: bool
    error: str
    failing: bool = False
    priced: bool = False
    examples: str = ""


@dataclass(frozen=True, slots=True)
class Crowd:
    """`together`: how right all labels are, those of waiting tasks at their likeliest. `worth`: independent voters.

    `common`: the commonest true label and its share of the known tasks, None where none is known. `scored`: the known
    tasks that no method learns from, on which `together` rests. `told`: what `right` is where answers are more than one
    label, and `pair` what `heat` shows then; None for labels. `groups`: how right voters are by the project's groups.
    """

    voters: tuple[Voter, ...]
    known: int
    together: Measured
    worth: Measured
    free: int
    families: tuple[Family, ...]
    heat: Heat | None
    confusions: dict[int, Floats]
    labels: tuple[tuple[str, str], ...]
    common: Commonest | None = None
    scored: int = 0
    told: Told | None = None
    pair: Told | None = None
    groups: GroupTable | None = None

    @property
    def unit(self) -> str:
        """Of the voters' merits."""
        return self.told.unit if self.told else PERCENT

    @property
    def paused(self) -> int:
        """How many of those that have voted without a bill are paused now."""
        return sum(voter.paused for voter in self.voters if voter.votes and voter.kind == Annotator.Kind.MODEL)

    @property
    def tells(self) -> bool:
        """Whether any voter's answer says something about the label."""
        return any(voter.bits is not None and voter.bits >= LEAST_BITS for voter in self.voters)

    @property
    def beats_common(self) -> bool:
        """Whether a voter is surely better than always giving the commonest label; True where nobody can tell."""
        told = [voter.right.low for voter in self.voters if voter.right.estimable and voter.right.low is not None]
        return self.common is None or not told or max(told) > self.common.share

    @property
    def scale(self) -> Scale:
        top = 1.0 if self.unit == PERCENT else None
        return spanning((voter.right for voter in self.voters), unit=self.unit, top=top)

    @property
    def together_y(self) -> float:
        """The height of the dotted line in the price plot, from the top."""
        return 1 - self.scale.at(self.together.value or 0.0)

    @property
    def prices(self) -> LogScale:
        """From a tenth of the lowest price, at least a tenth of a cent for 1,000 answers, to the highest."""
        paid = [voter.per_1000 for voter in self.voters if voter.per_1000]
        return LogScale(min([*paid, 0.1]) / 10, max([*paid, 1.0]) * 1.6)


def crowd(project: Project) -> Crowd:
    """The report on a project's crowd and its first question, kept while nothing changes."""
    return crowd_and_wait(project.first_question)[0]


def crowd_and_wait(question: Question) -> tuple[Crowd, int]:
    """The report, and in how many seconds one of what has happened since is to be had; 0 where it is current."""
    project = question.project
    state = tuple(project.annotators.machines().values_list("pk", "paused_at", "archived_at", "error").order_by("pk"))
    labels = tuple(label.name for label in question.label_list())
    name = f"crowd.{project.pk}.{project.created_at.timestamp()}.{question.position}"
    return kept.keep_and_tell(name, (kept.version(), state, labels), lambda: _crowd(question))


def _crowd(question: Question) -> Crowd:
    project, labels = question.project, question.label_list()
    if not labels:
        return _unlabeled(project)
    if not question.votes_are_enough:
        return _of_kind(question)
    known, habits = crowd_votes.load(question), crowd_votes.habits(question)
    counts = confusion.count(known.votes, known.only_known())
    alike = error_families.alike(known)
    shared, families = alike.independence(), error_families.families(alike)
    names = project.annotators.machines().called()
    skills = Skill.objects.by_annotator(question, [one.pk for one in known.annotators])
    voters = [
        _voter(
            one,
            names[one.pk],
            counts[place],
            habits.get(one.pk),
            _bits(one, skills[one.pk], counts[place], shared.get(one.pk, 1.0)),
            skill.examples(skills[one.pk]),
        )
        for place, one in enumerate(known.annotators)
    ]
    tagged = [_tagged(voter, families, reason) for voter, reason in zip(voters, _degenerate(known), strict=True)]
    listed = [voter for voter, one in zip(tagged, known.annotators, strict=True) if one.archived_at is None]
    return Crowd(
        tuple(sorted(listed, key=_rank)),
        int((known.truth >= 0).sum()),
        levels.now(question),
        error_families.worth(alike),
        sum(1 for one in known.annotators if one.kind == Annotator.Kind.MODEL and one.pk in habits),
        families,
        error_families.heat(alike),
        {one.pk: counts[place] for place, one in enumerate(known.annotators)},
        tuple((label.brief, label.name) for label in labels),
        commonest(known.truth, [label.name for label in labels]),
        int(((known.truth >= 0) & ~known.learned).sum()),
        groups=crowd_groups.table(question, known, names),
    )


def _unlabeled(project: Project) -> Crowd:
    """The crowd of a project that has no labels yet, so that nobody can have voted."""
    nothing = Measured(None, estimable=False, reason="no labels yet")
    machines = project.annotators.machines().listed().order_by("-kind", "pk")
    names = project.annotators.machines().called()
    voters = tuple(_tagged(_voter(one, names[one.pk], np.zeros((1, 2)), None, None), (), "") for one in machines)
    return Crowd(voters, 0, nothing, nothing, 0, (), None, {}, ())


def _of_kind(question: Question) -> Crowd:
    """The crowd on a question whose answers are more than one label."""
    machines = list(question.project.annotators.machines().order_by("-kind", "pk"))
    names, found = question.project.annotators.machines().called(), kind_voters.load(question, machines)
    skills, voters = Skill.objects.by_annotator(question, [one.pk for one in machines]), []
    for one in machines:
        why = skill.examples(skills[one.pk])
        plain = _voter(one, names[one.pk], np.zeros((1, 2)), found.habits.get(one.pk), None, why)
        tagged = _tagged(replace(plain, right=found.merits[one.pk]), (), "")
        why = found.unable.get(one.pk, "")
        voters.append(replace(tagged, tags=(*tagged.tags, Tag("cannot answer", why, alert=True))) if why else tagged)
    listed = [voter for voter, one in zip(voters, machines, strict=True) if one.archived_at is None]
    free = sum(1 for one in machines if one.kind == Annotator.Kind.MODEL and one.pk in found.habits)
    told = question.measures.scores[0]
    best = sorted(listed, key=lambda voter: (*_rank(voter)[:2], (-1 if told.more else 1) * (voter.right.value or 0.0)))
    nothing = Measured(None, estimable=False)
    return Crowd(
        tuple(best),
        found.known,
        nothing,
        nothing,
        free,
        (),
        found.heat,
        {},
        (),
        None,
        found.scored,
        told,
        question.measures.pair,
    )


def _rank(voter: Voter) -> tuple[bool, bool, float]:
    return voter.kind != Annotator.Kind.MODEL, not voter.right.estimable, -(voter.right.value or 0.0)


def _bits(one: Annotator, kept: Skill, counts: Floats, independence: float) -> float | None:
    """Mutual information in bits of label and answer, were all labels as common, shared with those who err alike.

    `counts`, (K, K + 1): answers on known tasks, each as the one label it names, less what so few show by chance
    (Miller 1955). The matrix kept with a free model spreads each answer over its probabilities, where one that is
    often right and never sure seems to say nothing; it serves where no label is known.
    """
    if one.kind == Annotator.Kind.MODEL and counts.sum():
        return max(_mutual(confusion.shrunken(counts)) - _by_chance(counts), 0.0) * independence
    return None if kept.confusion is None else _mutual(np.array(kept.confusion)) * independence


def _mutual(matrix: Floats) -> float:
    """Mutual information in bits of row and column, every row being as likely."""
    joint = matrix / len(matrix)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    ratio = np.divide(joint, apart, out=np.ones_like(joint), where=(joint > 0) & (apart > 0))
    return float((joint * np.log2(ratio)).sum())


def _by_chance(counts: Floats) -> float:
    """The bits that so many answers show on average where they have nothing to do with the label."""
    labels, answers = ((counts.sum(axis=axis) > 0).sum() for axis in (1, 0))
    return float((labels - 1) * (answers - 1) / (2 * counts.sum() * np.log(2)))


def _voter(
    one: Annotator, name: str, counts: Floats, habit: dict[str, Any] | None, bits: float | None, examples: str = ""
) -> Voter:
    given = float(counts[:, :-1].sum())
    right = share(float(np.trace(counts[:, :-1])), given, counted="known labels")
    n = habit["n"] if habit else 0
    seconds = habit["seconds"] if habit else 0
    return Voter(
        one.pk,
        one.kind,
        name,
        right,
        bits,
        n,
        1000 * habit["cost"] / MICRO / n if habit else None,
        60 / seconds if seconds else None,
        habit["none"] / n if habit else None,
        (),
        one.paused_at is not None,
        one.error,
        one.failures > 0,
        one.priced,
        examples,
    )


def _tagged(voter: Voter, families: Sequence[Family], degenerate: str) -> Voter:
    tags = [Tag("paused")] if voter.paused else []
    tags += [Tag(f"errs with {name}") for family in families for name in family.others(voter.pk)][:2]
    if voter.silent is not None and voter.silent > ABSTAINS_OFTEN:
        tags.append(Tag("abstains often", alert=True))
    if degenerate:
        tags.append(Tag("says nothing", degenerate, alert=True))
    if voter.error:
        fails = voter.failing or bool(voter.votes and not voter.priced)
        tags.append(Tag("does not answer" if fails else "sits out", voter.error, alert=fails))
    return replace(voter, tags=tuple(tags))


def _degenerate(known: Known) -> list[str]:
    """Why each machine's answers say nothing, or empty."""
    if not len(known.votes.task):
        return [""] * len(known.annotators)
    return screen(known.votes).reason
