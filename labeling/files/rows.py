"""Rows out of files, one at a time, each either usable or with the reason why not. No database."""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.functional import cached_property

from labeling.files import own_labels
from labeling.files.gold import GoldReader, KnownAnswer
from labeling.files.picture_sources import PictureSource
from labeling.files.records import Bad as Bad
from labeling.files.records import field_names, read_records
from labeling.files.row_pictures import Named, named, source_at
from labeling.files.spellings import LabelSet, folded
from labeling.files.tables import UnusableFile, open_text

LONGEST_ID = 200
LONGEST_GROUP = 120
LONGEST_SHOWN = 200
MOST_PARTS = 20
LISTS = ("text", "groups", "shown", "images", "golds")
"""Which of the fields below may be several."""


Readers = Sequence[GoldReader | None]


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a file hold what. Without `id` a row is called after its line.

    `groups`: fields with group attributes: where somebody is from, what language they speak.
    `shown`: fields that stand beside the text, small, for whoever answers. `keep_same_id`: a row whose id another text
    has already is taken in under an id of its own, not skipped. `delimiter`: of a CSV; found out where empty.
    `golds`: fields with known answers to the second question and those after it, empty for none.
    `images`: fields with the paths of pictures, which lie in `pictures`, a folder or a ZIP (`row_pictures.source_at`),
    in the ZIP from the folder `beside` on.
    """

    text: tuple[str, ...]
    gold: str = ""
    groups: tuple[str, ...] = ()
    id: str = ""
    shown: tuple[str, ...] = ()
    keep_same_id: bool = False
    delimiter: str = ""
    images: tuple[str, ...] = ()
    pictures: str = ""
    beside: str = ""
    golds: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """The fields with known answers, by question; empty for none."""
        return (self.gold, *self.golds)

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Fields:
        """As kept with a batch; what an older batch does not say is what the fields above begin with."""
        told = {name: value for name, value in mapping.items() if name != "group"}
        group = [name for name in (mapping.get("group"),) if name]
        lists = {name: tuple(told.get(name, group if name == "groups" else ())) for name in LISTS}
        return cls(**{**told, **lists})

    def named(self) -> tuple[str, ...]:
        named = (*self.text, *self.images, self.gold, *self.golds, *self.groups, self.id, *self.shown)
        return tuple(name for name in named if name)


@dataclass(frozen=True, slots=True)
class Key:
    """What tells rows apart: the id, whether the file gave it, and the hash of the text.

    `exported`: of a row that we exported with pictures, the hash of its texts and of where the pictures are kept.
    """

    id: str
    named: bool
    digest: str
    exported: str = ""


@dataclass(frozen=True)
class Row:
    """A usable row: `parts` are (title, text) pairs, `gold` a label name or empty, `written` the cell it was read from.

    `named`: whether the file gave the id; otherwise it is made of the line. `groups`: by field, empty ones left out.
    `images`: the pictures as the file names them; `kept`: what an instance notes of them once they are stored.
    `known`: known answers by question, where they are not one label of the first. `own`: we exported it; `local_only`:
    its text must not leave this machine, as the export says.
    """

    line: int
    id: str
    parts: tuple[tuple[str, str], ...]
    gold: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    named: bool = True
    written: str = ""
    images: tuple[Named, ...] = ()
    kept: tuple[dict[str, Any], ...] = ()
    known: tuple[KnownAnswer | None, ...] = ()
    own: bool = False
    local_only: bool = False

    @cached_property
    def digest(self) -> str:
        """Hash of the titled texts and the pictures, equal for rows that show the same thing."""
        return digest_of(self.parts, [(image.title, image.digest) for image in self.images])

    @cached_property
    def key(self) -> Key:
        files = [(image.title, image.path) for image in self.images] if self.own else []
        return Key(self.id, self.named, self.digest, digest_of(self.parts, files) if files else "")


ENCODER = json.JSONEncoder(ensure_ascii=False)


def digest_of(parts: Iterable[Sequence[str]], images: Iterable[Sequence[str]]) -> str:
    """Hash of titles with texts, and of titles with what stands for a picture: 96 bits, for it stands in every row."""
    shown = [[title, _folded(text)] for title, text in parts] + [[title, "", image] for title, image in images]
    return hashlib.blake2b(ENCODER.encode(shown).encode(), digest_size=16).hexdigest()[:24]


def _folded(text: str) -> str:
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def title_of(name: str) -> str:
    """A field name as people read it: `choice_1` becomes `Choice 1`."""
    return name.replace("_", " ").strip().capitalize()


def check_encoding(path: str) -> None:
    """Raise UnusableFile unless the whole file is UTF-8 text and not empty; reads it once, in constant memory."""
    empty = True
    with open_text(path) as stream:
        while block := stream.read(1 << 20):
            empty = empty and not block.strip()
    if empty:
        raise UnusableFile(f"{Path(path).name} is empty; it needs a line for each text.")


def check_fields(path: str, fields: Fields) -> None:
    """Raise UnusableFile, naming what the file does have, where a wished field is in no row of it."""
    missing = set(fields.named())
    for _, record in read_records(path, fields.delimiter):
        missing -= set(record if isinstance(record, dict) else ())
        if not missing:
            return
    there = field_names(path, fields.delimiter)
    for name in fields.named():
        if name not in there:
            known = ", ".join(there[:20]) or "none that can be read"
            raise UnusableFile(f"{Path(path).name} has no field {name!r}; its fields are {known}.")


def read_rows(
    path: str, fields: Fields, labels: Sequence[str], limit: int, readers: Readers = ()
) -> Iterator[Row | Bad]:
    """Every row in order. `labels`: allowed gold labels, empty for any. `limit`: bytes one text may have.

    `readers`: of known answers, one for each question; None for a first one that is answered with one of `labels`.
    """
    allowed = LabelSet(labels)
    with source_at(fields.pictures, fields.beside) as source:
        for line, record in read_records(path, fields.delimiter):
            row = record if isinstance(record, Bad) else row_of(line, record, fields, allowed, limit, source, readers)
            yield row


def gold_labels(path: str, fields: Fields, limit: int) -> list[str]:
    """The distinct gold labels of the usable rows, sorted; of names that differ in case alone the most frequent."""
    often: dict[str, int] = {}
    for row in read_rows(path, fields, (), limit):
        if isinstance(row, Row) and row.gold:
            often[row.gold] = often.get(row.gold, 0) + 1
    return sorted(set(folded(often).values()))


def row_of(
    line: int,
    record: Mapping[str, Any],
    fields: Fields,
    allowed: LabelSet,
    limit: int,
    source: PictureSource | None = None,
    readers: Readers = (),
) -> Row | Bad:
    """A record as a row. `allowed`: the labels that gold may name.

    `source`: where its pictures lie; None to tell them apart by their paths alone.
    """
    try:
        images = named(record, [(name, title_of(name)) for name in fields.images], source)
        parts = _parts(record, fields.text)
        parts = tuple(part for part in parts if part[1].strip()) if fields.images else parts
        known = _known(record, readers, "\n".join(text for _, text in parts))
        written = "" if known and readers[0] else _label(record, fields.gold)
        groups = {key: value for key in fields.groups if (value := _text(record, key).strip())}
        name = _text(record, fields.id).strip()
        about = _about(record, fields.shown)
    except ValueError as error:
        return Bad(line, str(error))
    gold = allowed.match(written)
    reason = _fault(name, parts, groups, limit)
    if not parts and not images:
        reason = "It has neither a text nor a picture."
    if reason is None and gold is None:
        reason = f"The gold label {written[:60]!r} is not in the label set."
    if reason:
        return Bad(line, reason)
    own = own_labels.is_labels(record)
    return Row(
        *(line, name or f"line-{line}", parts, gold or "", groups, about, bool(name), written, images),
        known=known,
        own=own,
        local_only=own and str(record.get(own_labels.LOCAL_ONLY)).casefold() == "true",
    )


def _about(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """What stands beside the text, by its field; a field of our own exports holds all of them."""
    told: dict[str, Any] = {}
    for name in names:
        value = record.get(name)
        told |= value if name == own_labels.ABOUT and isinstance(value, dict) else {name: value}
    return {name: _short(value) for name, value in told.items() if value not in (None, "")}


def _known(record: Mapping[str, Any], readers: Readers, text: str) -> tuple[KnownAnswer | None, ...]:
    """The known answers of a record. Raises ValueError with a sentence for the first that cannot be one."""
    return tuple(reader.read(record, text) if reader else None for reader in readers)


def _parts(record: Mapping[str, Any], names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Titled texts: one for each field, or, as in our own exports, those of one field with titles and texts."""
    whole = _titled(record.get(names[0])) if len(names) == 1 else None
    if whole is None:
        return tuple((title_of(name), _text(record, name)) for name in names)
    return tuple((title, _text(whole, title)) for title in whole)


def _titled(value: object) -> dict[str, Any] | None:
    if isinstance(value, str) and value.startswith('{"'):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict) or len(value) > MOST_PARTS:
        return None
    return value if all(isinstance(text, str) for text in value.values()) else None


def _label(record: Mapping[str, Any], name: str) -> str:
    """The cell of a known label; a list of one label, as other tools write it, is that label."""
    value = record.get(name) if name else None
    if not isinstance(value, list):
        return _text(record, name).strip()
    if len(value) > 1:
        raise ValueError(f"The field {name!r} holds {len(value)} labels; a known label is one.")
    return _text({name: value[0]}, name).strip() if value else ""


def _text(record: Mapping[str, Any], name: str) -> str:
    """The field as text; empty where it is absent. Raises ValueError with a sentence for anything that is no text."""
    value = record.get(name) if name else None
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dict | list):
        raise ValueError(f"The field {name!r} holds a list or an object, not a text.")
    text = value if isinstance(value, str) else json.dumps(value)
    if "\0" in text:
        raise ValueError(f"The field {name!r} has a NUL character.")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"The field {name!r} has half of a character (a lone surrogate).") from None
    return text


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("\0", " ").encode("utf-8", "replace").decode()[:LONGEST_SHOWN]


def _fault(name: str, parts: Sequence[tuple[str, str]], groups: Mapping[str, str], limit: int) -> str | None:
    size = max((len(text) if text.isascii() else len(text.encode()) for _, text in parts), default=0)
    empty = [title for title, text in parts if not text.strip()]
    if empty:
        return f"The field {empty[0]!r} is empty."
    if size > limit:
        return f"A text has {size:,} bytes; at most {limit:,} are allowed."
    if len(name) > LONGEST_ID:
        return f"The id has {len(name)} characters; it needs 1 to {LONGEST_ID}."
    longest = max(map(len, groups.values()), default=0)
    if longest > LONGEST_GROUP:
        return f"The group has {longest} characters; at most {LONGEST_GROUP} are allowed."
    return None
