"""What the rows of a file hold, before any of it is written: labels, groups, bad rows, ids that are none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings

from labeling.files.rows import Bad, Fields, Key, Readers, Row, read_rows
from labeling.files.spellings import folded
from labeling.files.tables import UnusableFile
from labeling.files.uploads import Upload

LOOKED_AT = 50_000
SECONDS = 5.0
"""Of computing, that a look may take; what is behind is not in it, and the page says so."""
EVERY = 100
SHOWN = 6
MOST_KEYS = 5000


@dataclass(slots=True)
class Survey:
    """What the first rows of a file hold; `complete` where they are all of it.

    `clashes`: rows whose id an earlier row with another text has.
    `groups`: how often each value of each group field occurs.
    `keys`: of the first rows, to ask the project for them. `respelt`: known labels as written, and the label each is
    read as, where they differ. `known`: rows with a known answer, by question from 1, where answers are not one label
    alone. `offered`: a label set from those answers.
    """

    rows: int = 0
    bad: int = 0
    clashes: int = 0
    complete: bool = True
    labels: Counter[str] = field(default_factory=Counter)
    known: Counter[int] = field(default_factory=Counter)
    offered: list[str] = field(default_factory=list)
    respelt: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Counter[str]] = field(default_factory=dict)
    first_rows: list[Row] = field(default_factory=list)
    first_bad: list[Bad] = field(default_factory=list)
    first_clash: Row | None = None
    keys: list[Key] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def gold(self) -> int:
        """Rows with a known answer to the first question."""
        return sum(self.labels.values()) or self.known[1]


def survey(upload: Upload, fields: Fields, labels: Sequence[str] = (), readers: Readers = ()) -> Survey:
    """Look at the first 50,000 rows, for five seconds at most; `labels`: the allowed ones, empty for any.

    `readers`: of known answers, by question, where these are not one label of the first.

    Raises UnusableFile where a named field is not there.
    """
    found, started = Survey(), time.thread_time()
    try:
        upload.check_fields(fields)
        for row in read_rows(str(upload.path), fields, labels, settings.MAX_TEXT_BYTES, readers):
            seen = found.rows + found.bad
            if seen == LOOKED_AT or (seen % EVERY == 0 and time.thread_time() - started > SECONDS):
                found.complete = False
                break
            _note(found, row)
    except UnusableFile as error:
        raise UnusableFile(upload.told(error)) from error
    _fold(found)
    return found


def _note(found: Survey, row: Row | Bad) -> None:
    if isinstance(row, Bad):
        found.bad += 1
        found.first_bad += [row] if len(found.first_bad) < SHOWN else []
        return
    found.rows += 1
    found.first_rows += [row] if len(found.first_rows) < SHOWN else []
    for number, known in enumerate(row.known, start=1):
        found.known[number] += known is not None
    if row.gold:
        found.labels[row.gold] += 1
        found.respelt |= {row.written: row.gold} if row.written != row.gold else {}
    for name, value in row.groups.items():
        found.groups.setdefault(name, Counter())[value] += 1
    _note_id(found, row)


def _note_id(found: Survey, row: Row) -> None:
    key = row.key
    found.keys += [key] if len(found.keys) < MOST_KEYS else []
    if row.named and found.digests.setdefault(row.id, key.digest) != key.digest:
        found.clashes += 1
        found.first_clash = found.first_clash or row


def _fold(found: Survey) -> None:
    """Spellings of one label are counted as one."""
    label = folded(found.labels)
    found.respelt |= {name: label[name] for name in label if label[name] != name}
    counted: Counter[str] = Counter()
    for name, times in found.labels.items():
        counted[label[name]] += times
    found.labels = counted
