"""Whatever leaves as a file: what, of which question, and in which format; the command and the page ask here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeVar

from labeling.files import exported_votes, exports, picture_store
from labeling.files.answers import Asking, askings
from labeling.files.foreign import label_studio
from labeling.files.foreign.formats import FORMATS, into_zip
from labeling.files.foreign.settled import Asked, Told, Unsuited
from labeling.files.imported_pictures import files_of
from labeling.files.settled_answers import asked, settled
from labeling.files.tables import UnusableFile
from labeling.models import Batch, Project

Item = TypeVar("Item")
Scope = Batch | Project
LABELS, VOTES, LEDGER = "labels", "votes", "ledger"
WHATS = (LABELS, VOTES, LEDGER)
NAMED = {LABELS: "settled answers", VOTES: "votes", LEDGER: "movements of money"}
PLAIN = ("csv", "jsonl")
NAMES = (*PLAIN, *FORMATS)
CONFIG = "label-studio.xml"


def check(what: str, name: str) -> None:
    """Raise UnusableFile where a format holds settled answers only."""
    if what != LABELS and name not in PLAIN:
        raise UnusableFile(f"{FORMATS[name].title} holds settled answers; {NAMED[what]} leave as csv or jsonl.")


def lines(scope: Scope, what: str, name: str, number: int | None, told: Told) -> Iterator[str]:
    """The lines of a format that is one file; what it cannot hold is counted in `told`. Raises UnusableFile."""
    check(what, name)
    if name in PLAIN:
        return _plain(scope, what, name, number)
    write = FORMATS[name].lines
    assert write is not None
    chosen = askings(scope, number)
    return _refusing(write(settled(scope, chosen), _asked(chosen), told))


def files(scope: Scope, what: str, name: str, number: int | None, told: Told) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a format that is a folder; of csv and jsonl the file and its pictures.

    Raises UnusableFile.
    """
    check(what, name)
    if name in PLAIN:
        return _plain_with_pictures(scope, what, name, number)
    write = FORMATS[name].files
    assert write is not None
    chosen = askings(scope, number)
    return _refusing(write(settled(scope, chosen), _asked(chosen), told))


def as_zip(scope: Scope, name: str, number: int | None, stream: IO[bytes]) -> None:
    """Settled answers as one ZIP: csv or jsonl with the pictures, or a foreign format.

    With `notes.txt` where something could not be held as it is.

    Raises UnusableFile.
    """
    into_zip(_with_notes(scope, name, number), stream)


def config(scope: Scope, number: int | None) -> str:
    """The labeling interface in which Label Studio opens what was exported."""
    shows = scope.instances.filter(images__isnull=False).exists()
    reads = scope.instances.exclude(parts=[]).exists()
    return label_studio.config(_asked(askings(scope, number)), with_text=reads, with_image=shows)


def _plain(scope: Scope, what: str, name: str, number: int | None) -> Iterator[str]:
    writers: dict[tuple[str, str], Any] = {
        (LABELS, "csv"): exports.as_csv,
        (LABELS, "jsonl"): exports.jsonl,
        (VOTES, "csv"): exported_votes.votes_as_csv,
        (VOTES, "jsonl"): exported_votes.votes_as_jsonl,
        (LEDGER, "csv"): exported_votes.ledger_as_csv,
        (LEDGER, "jsonl"): exported_votes.ledger_as_jsonl,
    }
    found: Iterator[str] = writers[what, name](scope, *([] if what == LEDGER else [number]))
    return found


def _plain_with_pictures(scope: Scope, what: str, name: str, number: int | None) -> Iterator[tuple[str, bytes]]:
    """The file, and under the names in it the pictures that it names."""
    if what != LABELS:
        raise UnusableFile(f"{NAMED[what]} have no pictures; give their file the ending .{name}.".capitalize())
    chosen = askings(scope, number)
    yield f"labels.{name}", "".join(_plain(scope, what, name, number)).encode()
    settled_tasks = exports.decided(scope).filter(task__question__in=list(chosen))
    shown = scope.instances.filter(pk__in=settled_tasks.order_by().values("task__instance"))
    for file in sorted(files_of(shown)):
        yield file, picture_store.read(file)


def _with_notes(scope: Scope, name: str, number: int | None) -> Iterator[tuple[str, bytes]]:
    told = Told()
    if name in PLAIN:
        yield from files(scope, LABELS, name, number, told)
        return
    form = FORMATS[name]
    if form.files:
        yield from files(scope, LABELS, name, number, told)
    else:
        yield f"labels.{form.ending}", "".join(lines(scope, LABELS, name, number, told)).encode()
    if form.lines is label_studio.lines:
        yield CONFIG, config(scope, number).encode()
    if told.sentences():
        yield "notes.txt", "\n".join(told.sentences()).encode()


def _asked(chosen: dict[int, Asking]) -> Sequence[Asked]:
    return [asked(asking) for asking in chosen.values()]


def _refusing(items: Iterator[Item]) -> Iterator[Item]:
    try:
        yield from items
    except Unsuited as error:
        raise UnusableFile(str(error)) from error
