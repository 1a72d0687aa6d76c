"""What has been said about one task, and what to believe now: the last inference and every answer since."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from labeling import models
from labeling.arrays import rounded
from labeling.known import confusion_of
from labeling.models import Annotator, Belief, Label, Task
from labeling.people import skill
from labeling.truth import bayes
from labeling.truth.belief import clipped, entropy
from labeling.truth.skills.dependence import share
from labeling.truth.skills.verdict import Opinion, Verdict, verdict
from labeling.truth.votes import Floats

PEOPLE = (Annotator.Kind.PERSON, Annotator.Kind.EXPERT)
WEIGHED = ["probabilities", "label", "confidence", "entropy", "tie", "n_votes", "updated_at"]


@dataclass(frozen=True, slots=True)
class Said:
    """One current vote with a label, as keys."""

    vote: int
    annotator: int
    kind: str
    label: int


def what_was_said(task: Task) -> list[Said]:
    """The current votes on a task that name a label, oldest first."""
    named = task.votes.current().filter(label__isnull=False).order_by("pk")
    return [Said(*row) for row in named.values_list("pk", "annotator", "annotator__kind", "label")]


@dataclass(frozen=True, slots=True)
class Heard:
    """What is believed of a task, with every later vote added by Bayes' rule to the last inference.

    `crowd`: (K,) without people, `plain`: (K,) all answers together, each as if it were the only one. `voters`: who
    gave the later ones and all people's, by key, and `skills` what was learnt of them. `people`: what people said,
    oldest first.
    """

    labels: list[Label]
    crowd: Floats
    plain: Floats
    voters: dict[int, Annotator]
    skills: dict[int, models.Skill]
    people: list[Said]
    n_votes: int

    @classmethod
    def of(cls, belief: Belief | None, task: Task, *known: Annotator) -> Heard:
        """From the votes on a task; annotators that are `known` are not fetched again."""
        said, labels = what_was_said(task), task.question.label_list()
        places = {label.pk: place for place, label in enumerate(labels)}
        later = [one for one in said if belief is None or one.vote > belief.base_vote]
        people = [one for one in said if one.kind in PEOPLE]
        voters = {annotator.pk: annotator for annotator in known}
        heard = {one.annotator for one in [*later, *people]}
        voters |= Annotator.objects.in_bulk(heard - voters.keys())
        skills = models.Skill.objects.by_annotator(task.question, heard | voters.keys())
        base = np.array(belief.base) if belief else np.full(len(labels), 1 / len(labels))

        def with_votes(start: Floats, votes: list[Said]) -> Floats:
            matrices = [confusion_of(skills[one.annotator], len(labels)) for one in votes]
            return bayes.combine(start, [places[one.label] for one in votes], matrices)

        crowd = np.array(belief.crowd) if belief and belief.crowd else base
        machines = [one for one in later if one.kind not in PEOPLE]
        return cls(labels, with_votes(crowd, machines), with_votes(base, later), voters, skills, people, len(said))

    @property
    def differ(self) -> bool:
        return len({one.label for one in self.people}) > 1

    def skill_of(self, annotator: int) -> skill.Skill:
        """The skill of one of the voters, by key."""
        return skill.of(self.skills[annotator])

    def belief(self) -> Floats:
        """All answers together, (K,), no surer than people who err together allow."""
        theirs = self._skill()
        whole = self.plain ** share(len(self.people), theirs.in_dispute if self.differ else theirs.usual)
        chances: Floats = clipped(whole / whole.sum())
        return chances

    def verdict(self, accept: float) -> Verdict:
        """What people's answers, of whom there must be one, make of the task."""
        places = {label.pk: place for place, label in enumerate(self.labels)}
        opinions = [Opinion(places[one.label], self.skill_of(one.annotator).proven) for one in self.people]
        return verdict(self.crowd, self.plain, opinions, accept, self._skill().in_dispute)

    def _skill(self) -> skill.Skill:
        """Of any of the people: what is learnt of how they err together is the same for all."""
        return self.skill_of(self.people[-1].annotator) if self.people else skill.UNKNOWN

    def written(self, belief: Belief) -> Belief:
        """The belief with all this, saved; `belief` itself stays as it is."""
        chances = self.belief()
        after = copy(belief)
        after.probabilities = rounded(chances)
        after.label = self.labels[int(chances.argmax())]
        after.confidence = min(float(chances.max()), 1.0)
        after.entropy = float(entropy(chances))
        after.tie = bool((chances >= chances.max() - 1e-9).sum() > 1)
        after.n_votes = self.n_votes
        after.save(update_fields=WEIGHED)
        return after
