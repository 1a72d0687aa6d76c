"""Which field of a file probably holds what: by its name, and by what stands in it. A guess is always shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import fmean
from typing import Any

from labeling.files import own_labels
from labeling.files.records import field_names, for_seconds, read_records
from labeling.files.rows import Bad, Fields, Row, check_fields, row_of
from labeling.files.spellings import LabelSet, is_number

LOOKED_AT = 500
LOOKED_AT_FOR_IDS = 50_000
SECONDS = 3.0
TEXT_NAMES = ("text", "sentence", "question", "content", "body", "premise", "title", "prompt", "comment", "document")
GOLD_NAMES = ("gold", "label", "class", "category", "answer", "target", "sentiment", "golden")
GROUP_NAMES = ("group", "district", "region", "dialect", "language")
ID_NAMES = ("id", "task", "external_id", "uid", "key")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")
NAMED_IS_WORTH = 4.0
"""A field with a text's name is the text, unless the texts of another are so many times as long."""
MOST_CLASHES = 0.2
"""A field of which more of the rows share an id with another text is no id."""
MOST_LABELS = 200


@dataclass(frozen=True, slots=True)
class Field:
    """What the first rows hold in one field. `length`: characters of a text on average."""

    name: str
    texts: list[str]
    nested: bool

    @property
    def length(self) -> float:
        return fmean(map(len, self.texts)) if self.texts else 0.0

    @property
    def wordy(self) -> float:
        """How much like a text it is: its length, less where there are no words or few different ones."""
        if not self.texts:
            return 0.0
        words = fmean(" " in text.strip() or not text.isascii() for text in self.texts)
        return self.length * (0.05 + words) * len(set(self.texts)) / len(self.texts)

    @property
    def few(self) -> bool:
        """So few different values that they may be labels."""
        different = len(set(self.texts))
        return 0 < different <= min(MOST_LABELS, max(5, len(self.texts) * 0.7))

    @property
    def pictures(self) -> bool:
        """Whether most values end like the name of a picture."""
        return sum(text.strip().lower().endswith(IMAGE_ENDINGS) for text in self.texts) * 2 > len(self.texts)

    def fits(self, labels: Sequence[str]) -> bool:
        """Whether a fifth of the values name one of the labels; anything does where there is none."""
        known = LabelSet(labels)
        return not labels or sum(bool(known.match(text.strip())) for text in self.texts) * 5 >= len(self.texts)


def guess(
    path: str,
    names: Sequence[str],
    wished_group: str,
    delimiter: str = "",
    labels: Sequence[str] = (),
    *,
    with_pictures: bool = False,
    questions: int = 1,
) -> Fields:
    """Which fields probably hold what; at least one is the text or a picture, none is shown beside it.

    `labels`: those of the project; a field of known labels has some of them. `with_pictures`: pictures came with the
    file, so that fields may name them. `questions`: how many the project asks.
    """
    if own_labels.is_labels(names):
        return replace(own_fields(names, questions), delimiter=delimiter)
    looked = [record for _, record in islice(read_records(path, delimiter), LOOKED_AT) if isinstance(record, dict)]
    seen = {name: _field(name, looked) for name in names}
    gold = next((name for name in _called(GOLD_NAMES, names) if seen[name].few and seen[name].fits(labels)), "")
    group = next((name for name in _called((wished_group, *GROUP_NAMES), names) if not seen[name].nested), "")
    images = tuple(name for name in names if with_pictures and seen[name].pictures)
    rest = [field for field in seen.values() if field.name not in (gold, group, *images)]
    text = _called_texts(rest, names) if images else _texts(rest, names)
    fields = Fields(text, gold, () if group in text else _some(group), delimiter=delimiter, images=images)
    return replace(fields, id=guess_id(path, fields, names))


def own_fields(names: Sequence[str], questions: int = 1) -> Fields:
    """What the fields of labels hold that Concord exported: known answers are those that were known before."""
    known = own_known(names, questions)
    return Fields(
        ("text",),
        known[0],
        tuple(own_labels.attributes(names)),
        "task",
        tuple(_some(_there(own_labels.ABOUT, names))),
        images=_some(_there(own_labels.IMAGES, names)),
        golds=tuple(known[1:]),
    )


def own_known(names: Sequence[str], questions: int) -> list[str]:
    """The fields of our export with known answers to each of so many questions, "" for none.

    The answers to one question of several are those of a project that asks one.
    """
    numbers = own_labels.numbers(names)
    if questions == 1 and len(numbers) == 1:
        return [_there(own_labels.named("gold", numbers[0]), names)]
    return [_there(own_labels.named("gold", number), names) for number in range(1, questions + 1)]


def _there(name: str, names: Sequence[str]) -> str:
    return name if name in names else ""


def _some(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _field(name: str, records: Iterable[Mapping[str, Any]]) -> Field:
    values = [record[name] for record in records if record.get(name) not in (None, "")]
    nested = any(isinstance(value, dict) or (isinstance(value, list) and len(value) != 1) for value in values)
    flat = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
    return Field(name, [str(value) for value in flat if not isinstance(value, dict | list)], nested)


def _called(wished: Sequence[str], names: Sequence[str]) -> list[str]:
    """The fields that are called so, whatever their case, in the wished order."""
    plain = {name.strip().casefold(): name for name in reversed(names)}
    return [plain[word.casefold()] for word in wished if word.casefold() in plain]


def _texts(fields: Sequence[Field], names: Sequence[str]) -> tuple[str, ...]:
    pair = _called(("premise", "hypothesis"), names)
    if len(pair) == 2:
        return tuple(pair)
    flat = [field for field in fields if not field.nested] or list(fields)
    if not flat:
        return tuple(names[:1])
    wordy = max(flat, key=lambda field: field.wordy)
    by_name = {field.name: field for field in flat}
    called = [by_name[name] for name in _called(TEXT_NAMES, names) if name in by_name and by_name[name].texts]
    if called and called[0].wordy * NAMED_IS_WORTH >= wordy.wordy and not all(map(is_number, called[0].texts)):
        return (called[0].name,)
    return (wordy.name,)


def _called_texts(fields: Sequence[Field], names: Sequence[str]) -> tuple[str, ...]:
    """Beside pictures a text is what is called so and has words."""
    by_name = {field.name: field for field in fields if field.texts and not field.nested}
    return tuple(name for name in _called(TEXT_NAMES, names) if name in by_name)[:1]


def used_texts(path: str, fields: Fields) -> Fields:
    """Beside pictures, the fields without those texts that the first rows leave blank throughout."""
    if not fields.images:
        return fields
    looked = [record for _, record in islice(read_records(path, fields.delimiter), LOOKED_AT)]
    blank = {name for name in fields.text if not any(_says(record, name) for record in looked)}
    return replace(fields, text=tuple(name for name in fields.text if name not in blank))


def _says(record: object, name: str) -> bool:
    return isinstance(record, dict) and bool(str(record.get(name) or "").strip())


def guess_id(path: str, fields: Fields, names: Sequence[str]) -> str:
    """The field that names a row: called like an id, and hardly ever the same for two texts."""
    for name in _called(ID_NAMES, names):
        if name not in fields.named() and _is_id(path, replace(fields, id=name)):
            return name
    return ""


def _is_id(path: str, fields: Fields) -> bool:
    digests: dict[str, str] = {}
    named = clashes = 0
    bare = replace(fields, gold="", groups=(), shown=(), pictures="")
    looked = for_seconds(islice(read_records(path, fields.delimiter), LOOKED_AT_FOR_IDS), SECONDS)
    for line, record in looked:
        row = record if isinstance(record, Bad) else row_of(line, record, bare, LabelSet(), 1 << 62)
        if isinstance(row, Row) and row.named:
            named += 1
            clashes += digests.setdefault(row.id, row.digest) != row.digest
    return named > 0 and clashes <= MOST_CLASHES * named


def fields_for(
    path: str,
    text: Sequence[str],
    gold: str = "",
    groups: Sequence[str] = (),
    id_field: str = "",
    shown: Sequence[str] = (),
    images: Sequence[str] = (),
    pictures: str = "",
) -> Fields:
    """Match the wished fields with those of the file; the id is found where none is wished.

    Raises UnusableFile naming what the file does have.
    """
    fields = Fields(tuple(text), gold, tuple(groups), id_field, tuple(shown), images=tuple(images), pictures=pictures)
    check_fields(path, fields)
    fields = used_texts(path, fields)
    if id_field:
        return fields
    return replace(fields, id=guess_id(path, fields, field_names(path, most_rows=LOOKED_AT)))
