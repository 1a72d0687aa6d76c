"""What reads the known answers of a file, by question, and label sets out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from labeling.files.answers import Asking, askings
from labeling.files.gold import GoldReader, label_set
from labeling.files.imported_gold import readers_of
from labeling.files.records import for_seconds, read_records
from labeling.files.rows import Fields, Readers
from labeling.models import Label, Project

LOOKED_AT = 50_000
SECONDS = 5.0


def readers(project: Project, fields: Fields, labels: Sequence[str] = ()) -> Readers:
    """What reads each question's known answers; `labels`: of the first question, where it has none of its own yet."""
    asked = list(askings(project).values())
    if not asked[0].labels and labels:
        made = [Label(question=asked[0].question, position=place, name=name) for place, name in enumerate(labels)]
        asked[0] = Asking.with_labels(asked[0].question, made)
    return readers_of(asked, fields)


def label_names(project: Project, path: str, fields: Fields) -> list[str]:
    """A label set for the first question out of its known answers, where these are not one label each; else none."""
    first = next(iter(askings(project).values()))
    if first.question.votes_are_enough or not fields.gold:
        return []
    names = named_labels(path, fields, first.gold_in(fields.gold))
    return first.question.answers.label_set(names)


def named_labels(path: str, fields: Fields, reader: GoldReader) -> list[str]:
    """The labels that the known answers of a file name, of as many rows as five seconds reach."""
    often: Counter[str] = Counter()
    for _, record in for_seconds(islice(read_records(path, fields.delimiter), LOOKED_AT), SECONDS):
        if isinstance(record, dict):
            often.update(reader.named(record))
    return label_set(often)
