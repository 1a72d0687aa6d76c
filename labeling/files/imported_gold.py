"""What a file knows: its answers as known answers of tasks, and which of them the methods may learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Count, Q

from labeling.files.answers import Asking
from labeling.files.rows import Fields, Readers, Row
from labeling.models import Batch, Task

CHUNK = 1000
DEFAULT_VALIDATION = 100


def readers_of(asked: Sequence[Asking], fields: Fields) -> Readers:
    """What reads the known answers of each question; none where the one question is answered with one label."""
    first = asked[0]
    if len(asked) == 1 and first.question.votes_are_enough:
        return ()
    columns = (*fields.known, *[""] * len(asked))
    return [
        None if one is first and one.question.votes_are_enough else one.gold_in(column)
        for one, column in zip(asked, columns, strict=False)
    ]


TASK = ("instance_id", "question_id", "project_id", "batch_id", "position", "gold_id", "gold_marks")


def tasks_of(
    batch: Batch, keys: Sequence[int], asked: Sequence[Asking], rows: Sequence[Row]
) -> Iterator[tuple[Any, ...]]:
    """Values of a task for each question about each new instance, in the order of TASK. `keys`: of the instances."""
    by_name = {label.name: label.pk for label in asked[0].labels}
    for place, (key, row) in enumerate(zip(keys, rows, strict=True), start=batch.rows_new):
        for number, asking in enumerate(asked):
            gold, marks = by_name.get(row.gold) if not number else None, None
            known = row.known[number] if row.known else None
            if known and asking.question.one_label:
                gold = asking.labels[known.plain].pk
            elif known:
                marks = known.plain
            position = place * len(asked) + number
            yield key, asking.question.pk, batch.project_id, batch.pk, position, gold, marks


KNOWN = Q(gold__isnull=False) | Q(gold_marks__isnull=False)


def draw_validation(batch: Batch) -> int:
    """Draw the validation slice from the known answers to each question: random, seeded, repeatable. Returns its size.

    Of each question the batch's `validation_size`, or where it is not set 100, but at most half of what is known.
    """
    known = batch.tasks.filter(KNOWN)
    often = known.order_by("question").values_list("question").annotate(Count("pk"))
    ranks = {question: _drawn(batch, number) for question, number in often}
    chosen = _at(known.order_by("position").values_list("question_id", "pk").iterator(), ranks)
    for start in range(0, len(chosen), CHUNK):
        Task.objects.filter(pk__in=chosen[start : start + CHUNK]).update(slice=Task.Slice.VALIDATION)
    return len(chosen)


def _drawn(batch: Batch, number: int) -> frozenset[int]:
    """Which of so many known answers to a question are drawn, by their places."""
    size = min(DEFAULT_VALIDATION, number // 2) if batch.validation_size is None else batch.validation_size
    import numpy as np  # only here: a file is refused without it

    return frozenset(np.random.default_rng(batch.seed).choice(number, min(size, number), replace=False).tolist())


def _at(tasks: Iterable[tuple[int, int]], ranks: Mapping[int, frozenset[int]]) -> list[int]:
    """The tasks at these places among those of their question; (question, task) come one after the other."""
    seen: Counter[int] = Counter()
    chosen = []
    for question, task in tasks:
        if seen[question] in ranks[question]:
            chosen.append(task)
        seen[question] += 1
    return sorted(chosen)
