"""A batch run once more on its own recorded votes, under another router, aggregator or budget: money and accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labeling import arrays
from labeling.arrays import Ballot
from labeling.checks import results
from labeling.models import Annotator, Batch, Escalation, Question
from labeling.reports import kept
from labeling.reports.batch import kind_replays
from labeling.reports.batch.comparison import MOST_SLOW, SLOW
from labeling.reports.batch.replayed import MICRO, STEPS, Compared, Side, Wanted, difference_of, share_right
from labeling.reports.drawing.curves import Curve, Spot
from labeling.reports.estimates import commonest
from labeling.rounds import relabelers
from labeling.rounds.relabelers import Party
from labeling.routing.recording import Recording, Replay
from labeling.routing.replay import Point, replay
from labeling.truth.votes import Bools, Ints

MOST_TASKS = 20_000
ROUTERS = {
    "value": "value per dollar, as Concord does",
    "entropy": "most uncertain first, answers weighed as Concord does",
    "lmcrowd": "LMCrowd: most uncertain first, Bayes’ rule",
    "exact": "LMCrowd: most informative first, Bayes’ rule",
    "chain": "a chain from the cheapest to the dearest",
    "random": "at random",
}


def compare_and_wait(batch: Batch, wanted: Wanted) -> tuple[Compared, int]:
    """Replay a batch; kept while no vote changes. Also: in how many seconds newer numbers are to be had, 0 if none."""
    asked = wanted.question or batch.project.first_question
    if batch.rows_new > (MOST_TASKS if asked.votes_are_enough else kind_replays.MOST_TASKS):
        told = f"This batch has {batch.rows_new:,} tasks, too many for a page; use `manage.py simulate`."
        return Compared(told), 0
    if wanted.aggregator in SLOW and batch.rows_new * batch.project.annotators.count() > MOST_SLOW:
        told = f"Too many votes for {wanted.aggregator.replace('_', ' ')} on a page; choose another method."
        return Compared(told), 0
    how = f"{wanted.router}.{wanted.aggregator}.{wanted.budget}"
    name = f"replay.{batch.pk}.{batch.created_at.timestamp()}.{asked.position}.{how}"
    compare = _compare if asked.votes_are_enough else kind_replays.compare
    return kept.keep_and_tell(name, kept.version(), lambda: compare(batch, wanted, asked))


def routers(question: Question) -> dict[str, str]:
    """How it can be chosen whom to ask about a question of this kind."""
    return ROUTERS if question.votes_are_enough else kind_replays.ROUTERS


def _compare(batch: Batch, wanted: Wanted, question: Question) -> Compared:
    ballot = arrays.load(batch, question, settled=False)
    if not len(ballot.votes.task):
        return Compared("Nobody has voted in this batch yet, so there is nothing to replay.")
    parties = [party for party in relabelers.parties(batch, ballot) if party.kind != Annotator.Kind.EXPERT]
    answers = _answers(batch, ballot, parties)
    bought = [place for place in range(len(parties)) if (answers[:, place] < len(ballot.labels)).any()]
    if not bought:
        return Compared("Nothing was bought in this batch, so only the methods can be compared.")
    parties, answers = [parties[place] for place in bought], answers[:, bought]
    prices = np.array([max(party.price, 1) for party in parties], dtype=np.int64)
    truth, before = _checks(batch, ballot)
    recording = Recording(relabelers.crowd_votes(ballot), answers, prices, truth, partial=True)
    run = Replay(recording, ballot.known, wanted.aggregator, batch.seed)
    all_of_it = int((_on_offer(run) * prices).sum())
    points = replay(run, wanted.router, [int(min(wanted.budget, all_of_it) * step) for step in STEPS])
    return _told(run, points, before, parties, [label.name for label in ballot.labels])


def _on_offer(run: Replay) -> Bools:
    """Which recorded answers can be bought, (n, P): those on tasks that do not teach the methods."""
    there: Bools = (run.recording.answers < run.recording.votes.n_labels) & (run.known < 0)[:, None]
    return there


def _answers(batch: Batch, ballot: Ballot, parties: Sequence[Party]) -> Ints:
    """The first recorded answer of each party to each task, (n, P), the number of labels where there is none.

    Answers to random checks are left out: they are what the run is measured by.
    """
    n_labels = len(ballot.labels)
    table = np.full((len(ballot.task_ids), len(parties)), n_labels, dtype=np.int32)
    given = relabelers.answers(ballot, parties)
    table[given.task[::-1], given.annotator[::-1]] = given.label[::-1]
    audits = (
        Escalation.objects.in_batch(batch.pk).filter(reason=Escalation.Reason.AUDIT).values_list("task_id", flat=True)
    )
    people = np.array([party.kind == Annotator.Kind.PERSON for party in parties], dtype=np.bool_)
    table[np.isin(ballot.task_ids, list(audits))[:, None] & people] = n_labels
    return table


def _checks(batch: Batch, ballot: Ballot) -> tuple[Ints, Bools]:
    """The checked answer of each task, -1 without one, and whether the label as it stood then was right."""
    found = results.load(batch, question=ballot.question)
    place = {int(task): index for index, task in enumerate(ballot.task_ids)}
    truth, right = np.full(len(place), -1, dtype=np.int32), np.zeros(len(place), dtype=np.bool_)
    for task, answer, same in zip(found.task, found.truth, found.right, strict=True):
        if answer >= 0 and int(task) in place:
            truth[place[int(task)]], right[place[int(task)]] = answer, same
    return truth, right


def _told(run: Replay, points: list[Point], before: Bools, parties: Sequence[Party], names: Sequence[str]) -> Compared:
    record = run.recording
    counts = _on_offer(run).sum(axis=0)
    where = record.truth >= 0
    after = points[-1].label == record.truth
    ours = Side(int(counts.sum()), int((counts * record.prices).sum()), share_right(before[where]))
    theirs = Side(points[-1].calls, points[-1].cost, share_right(after[where]))
    offered = tuple(
        (str(party.kind), party.name, int(count), int(price))
        for party, count, price in zip(parties, counts, record.prices, strict=True)
    )
    spots = [_spot(point, record.truth) for point in points]
    now = Spot(ours.cost / MICRO, ours.right.value, words="as it went", estimable=ours.right.estimable)
    curve = Curve(tuple(spots), (), (now,)) if ours.right.estimable else None
    difference = difference_of(before[where], after[where])
    saved, common = ours.cost - theirs.cost, commonest(record.truth, names)
    return Compared("", ours, theirs, difference, saved, int(where.sum()), offered, curve, common)


def _spot(point: Point, truth: Ints) -> Spot:
    where = truth >= 0
    found = share_right(point.label[where] == truth[where])
    return Spot(point.cost / MICRO, found.value, found.low, found.high, f"{point.calls:,} answers", found.estimable)
