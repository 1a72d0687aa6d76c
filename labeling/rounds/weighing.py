"""Weighing the votes of a batch: beliefs for every task, then a way for each: settled, or sent on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from django.conf import settings
from django.db.models.functions import Now
from numpy.typing import NDArray

from labeling import arrays
from labeling.arrays import Ballot
from labeling.models import Batch, Question, Round, Task
from labeling.people import recruiting
from labeling.rounds import affording, kind_weighing, relabelers, reviewing, routing, skills
from labeling.rounds.buying import Table
from labeling.rounds.turns import open_round
from labeling.routing.value import Crowd
from labeling.truth import by_group, confusion, methods, recalibration, stand_ins
from labeling.truth.languages import is_language
from labeling.truth.votes import Floats, Inference, Ints, Votes

MOST_TEXTS = 50_000


@dataclass(frozen=True, slots=True)
class Turn:
    """One round of each question of a batch, weighed one after the other."""

    rounds: list[Round]

    @property
    def to_paid(self) -> int:
        """How many questions go to paid models."""
        return sum(one.to_paid for one in self.rounds)

    @property
    def to_people(self) -> int:
        """How many tasks go to people and experts."""
        return sum(one.to_people for one in self.rounds)

    @property
    def crowd_settled(self) -> int:
        """How many tasks were settled."""
        return sum(one.crowd_settled for one in self.rounds)

    @property
    def outcome(self) -> str:
        """What the rounds say."""
        return " ".join(one.outcome for one in self.rounds if one.outcome)


def weigh(batch: Batch) -> Turn:
    """One round of each of the project's questions.

    Ends where the lease has passed on to another worker meanwhile, who then does it all.
    """
    rounds: list[Round] = []
    for question in batch.project.questions.all():
        step = weigh_votes if question.votes_are_enough else kind_weighing.weigh
        rounds.append(step(batch, question))
        if rounds[-1].finished_at is None:
            break
    return Turn(rounds)


def weigh_votes(batch: Batch, question: Question) -> Round:
    """One round of a question of one label: the free crowd's belief, then all further answers, what was learned of
    each annotator, and the routes.

    Unfinished where the lease has passed on to another worker meanwhile, who then does it all.
    """
    turn = open_round(batch, question)
    ballot = arrays.load(batch, question)
    found = infer(ballot, batch)
    crowd = Crowd.of(found, ballot.known, ballot.at_random)
    evidence = skills.of_batch(batch, ballot, alone(crowd))
    skilled = evidence.learn()
    parties = affording.with_holds(batch, question, relabelers.parties(batch, ballot, evidence, skilled))
    table = Table.of(batch, ballot, crowd, parties, skilled)
    if not batch.renew(10 * settings.LEASE_SECONDS):
        return turn
    remember(table, found, turn, alone(crowd))
    skills.remember(evidence, skilled)
    routing.route(reviewing.take_back(table), turn)
    turn.finished_at = Now()
    turn.save()
    return turn


def infer(ballot: Ballot, batch: Batch) -> Inference:
    """Run the project's aggregator on the free models' votes; the task texts are one more annotator for `auto`.

    While the models' votes stay as they are and few more labels are known, this process brings the belief that it found
    last up to date instead.
    """
    name = batch.project.aggregator
    votes = relabelers.crowd_votes(ballot, batch.set_aside)
    if batch.weighed_by:
        return _by_group(ballot, batch, votes, name)
    if name != "auto":
        return methods.method(name)(votes, known=ballot.known, seed=batch.seed)
    weight = stand_ins.weights(votes, ballot.known, ballot.certainty, ballot.at_random)
    version = hash((batch.created_at, _version(ballot, votes)))
    kept = _found.get((batch.pk, ballot.question.pk))
    if kept and kept[0] == version and recalibration.applies(kept[1], ballot.known):
        return recalibration.recalibrated(kept[1], ballot.known, weight, batch.seed)
    more = {"features": features(ballot, batch), "weight": weight}
    found = methods.method(name)(votes, known=ballot.known, seed=batch.seed, **more)
    for other in [key for key in _found if key[0] != batch.pk]:
        del _found[other]
    _found[batch.pk, ballot.question.pk] = version, found
    return found


def _by_group(ballot: Ballot, batch: Batch, votes: Votes, name: str) -> Inference:
    """What the votes say by a crowd of its own in each group, whose errors are learned there; kept where the groups are
    languages, or known labels speak for it. Words of several languages at once teach little, and are left aside."""
    place, weak = places_in(batch.weighed_by, ballot.task_ids), by_group.elsewhere(batch.weighed_by)
    ways = (votes, by_group.crowds(votes, place, ballot.known, weak))
    weight = stand_ins.weights(votes, ballot.known, ballot.certainty, ballot.at_random)
    reads = None if is_language(batch.weighed_by) else features(ballot, batch)
    more = {"features": reads, "weight": weight} if name == "auto" else {}
    plain, apart = (methods.method(name)(one, known=ballot.known, seed=batch.seed, **more) for one in ways)
    return by_group.kept(plain, apart, ballot.known, batch.weighed_by)


def places_in(attribute: str, task_ids: NDArray[np.int64]) -> Ints:
    """The group of each task by one attribute, (n_tasks,), as a number."""
    names = dict(Task.objects.filter(pk__in=task_ids.tolist()).values_list("pk", "instance__groups").iterator(2000))
    called = [names[pk].get(attribute, "") for pk in task_ids.tolist()]
    return np.unique(called, return_inverse=True)[1].astype(np.int32)


_found: dict[tuple[int, int], tuple[int, Inference]] = {}
"""The last batch that this process has weighed, by question: the version of its votes and what it found."""


def _version(ballot: Ballot, votes: Votes) -> int:
    """Changes whenever a model's vote, the tasks or the labels do."""
    names = tuple(label.pk for label in ballot.labels)
    weight = b"" if votes.weight is None else votes.weight.tobytes()
    columns = (ballot.task_ids, votes.task, votes.annotator, votes.label)
    return hash((names, weight, *(column.tobytes() for column in columns)))


def alone(crowd: Crowd) -> Floats:
    """What the crowd believes of each task when its own known label is left out, (n_tasks, K); else equal shares."""
    rows, known = crowd.honest(), crowd.known >= 0
    known[crowd.known_tasks] = False
    rows[known] = 1 / rows.shape[1]
    return rows


def features(ballot: Ballot, batch: Batch) -> NDArray[np.float32] | None:
    """Text features of the ballot's tasks, shape (n_tasks, n_features); None for batches too large to embed.

    None, too, where an annotator learns from the known labels: its votes carry those labels to all tasks, and a text
    model trained on them would look better on the known tasks than it is (measured: its weight doubles).
    """
    taught = any(annotator.spec and recruiting.learns(annotator.spec) for annotator in ballot.annotators)
    if taught or len(ballot.task_ids) > MOST_TEXTS or not (ballot.known >= 0).any():
        return None
    return _features_of(batch.created_at, ballot.task_ids.tobytes())


@lru_cache(maxsize=1)
def _features_of(_imported: datetime, task_ids: bytes) -> NDArray[np.float32]:
    """Features of these tasks, kept for the batch's next round: texts never change, so that only weights do."""
    from labeling.crowd.text_features import text_features

    pks = np.frombuffer(task_ids, dtype=np.int64).tolist()
    parts = dict(Task.objects.filter(pk__in=pks).values_list("pk", "instance__parts").iterator(2000))
    return text_features(["\n".join(text for _, text in parts[pk]) for pk in pks])


def remember(table: Table, crowd: Inference, turn: Round, honest: Floats) -> None:
    """Write beliefs, confusion matrices, and what the round knows about itself."""
    ballot = table.ballot
    turn.chosen = str(crowd.details.get("chosen", turn.method))[:80]
    turn.calibrated = bool(crowd.details.get("calibrated", False))
    turn.disagreement = crowd.details.get("disagreement")
    known = {name: int(ballot.known_from(name).sum()) for name in arrays.SOURCES if name}
    turn.parameters = {
        "seed": turn.batch.seed,
        "known": sum(known.values()),
        "known_from": known,
        "up_to_vote": ballot.last_vote,
    }
    arrays.save_beliefs(ballot, Inference(table.belief), turn, honest, np.unique(table.given.task))
    arrays.save_confusions(ballot, learned(table))


def learned(table: Table) -> Floats:
    """Confusion matrices, shape (n_annotators, n_labels, n_symbols): from known labels, else from the beliefs.

    Only those of the free crowd are kept: whoever is asked later has an own skill (`skills`).
    """
    ballot = table.ballot
    known = ballot.known >= 0
    if known.any():
        matrices = confusion.shrunken(confusion.count_known(ballot.votes, ballot.known))
    else:
        matrices = confusion.shrunken(confusion.count(ballot.votes, table.belief))
    return matrices
