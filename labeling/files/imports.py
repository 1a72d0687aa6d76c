"""Files become batches: rows read = new + duplicate + bad, every time, also after a crash in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import F, QuerySet

from labeling.files import imported_pictures
from labeling.files.answers import Asking, askings
from labeling.files.imported_gold import TASK, readers_of, tasks_of
from labeling.files.imported_gold import draw_validation as draw_validation
from labeling.files.picture_sources import PictureSource
from labeling.files.records import form_of
from labeling.files.row_pictures import source_at
from labeling.files.rows import LONGEST_ID, Bad, Fields, Key, Row, digest_of, gold_labels, read_rows
from labeling.files.spellings import twins
from labeling.files.tables import UnusableFile
from labeling.models import Batch, Instance, Label, Project, SkippedRow, Task, bulk
from labeling.models.grouping import attribute_names
from labeling.truth.languages import is_language

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CHUNK, CHUNK_OF_PICTURES = 1000, 50
SHOWN = ("parts", "images", "about", "groups", "local_only")
INSTANCE = ("id", "project_id", "batch_id", "position", "external_id", "digest", *SHOWN)


def label_names(path: str, fields: Fields, wished: Sequence[str]) -> list[str]:
    """The label set: as wished, else the file's gold labels. Raises UnusableFile for fewer than two, or repeats."""
    names = [name.strip() for name in wished if name.strip()] or gold_labels(path, fields, settings.MAX_TEXT_BYTES)
    check_distinct(names)
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise UnusableFile(
            f"There must be at least two labels and there is {found}; name them, e.g. --labels yes,no, "
            "or the field with known ones, --gold FIELD."
        )
    return names


def check_distinct(names: Sequence[str]) -> None:
    """Raise UnusableFile where two names are one label: the same, or apart in case alone."""
    if len(set(names)) != len(names):
        raise UnusableFile("A label is named twice; name each label once.")
    for first, second in twins(names):
        raise UnusableFile(f"The labels {first!r} and {second!r} are too alike to tell apart; keep one of them.")


def set_labels(project: Project, names: Sequence[str]) -> None:
    """Give a project without labels its label set; refuse a set that differs from the one it has."""
    there = [label.name for label in project.label_list()]
    if there and set(there) != set(names):
        raise UnusableFile(
            f"The project {project.name!r} has the labels {', '.join(there)}; use those or a new project."
        )
    if not there:
        asked = project.first_question
        Label.objects.bulk_create(Label(question=asked, name=name, position=place) for place, name in enumerate(names))


def open_batch(
    project: Project,
    path: str,
    fields: Fields,
    *,
    name: str = "",
    validation: int | None = None,
    seed: int = 0,
    user: User | None = None,
    local_only: bool = False,
    upload: str | None = None,
) -> Batch:
    """Keep a copy of the file and open a batch for it; `take_in` then reads the rows.

    `upload`: the file as it was chosen, of which one batch is made. Raises IntegrityError for a second one.
    """
    if fields.images and not fields.pictures:
        raise UnusableFile(
            "The pictures are not here: bring them in a ZIP with the file, or name the folder they lie in."
        )
    attributes = list(attribute_names(project, fields.groups).values())
    batch = Batch(
        project=project,
        name=name or Path(path).stem[:120],
        mapping=asdict(replace(fields, delimiter=form_of(path, fields.delimiter).delimiter)),
        attributes=attributes,
        weighed_by=_languages(project, attributes),
        upload=upload,
        validation_size=validation,
        seed=seed,
        created_by=user,
        local_only=local_only,
    )
    batch.save()
    with Path(path).open("rb") as stream:
        batch.file.save(Path(path).name, File(stream))
    imported_pictures.keep_zip(batch, fields.pictures)
    return batch


def _languages(project: Project, attributes: Sequence[str]) -> str:
    """The attribute that tells the language of a text, where one label is asked for: each gets a crowd of its own."""
    plain = all(question.votes_are_enough for question in project.questions.all())
    return next((one for one in attributes if is_language(one)), "")[:60] if plain else ""


def take_in(batch: Batch, keep_lease: Callable[[], bool] = lambda: True) -> bool:
    """Read the batch's file from where the last reader stopped; True once every row is in.

    Each chunk of rows and the count of rows read are one transaction, so a crash repeats and loses nothing.
    `keep_lease` is called between chunks; reading ends where it answers False.
    Raises UnusableFile where no row could be used; the batch is taken away then.
    """
    fields = Fields.of(batch.mapping)
    asked = list(askings(batch.project).values())
    names = [label.name for label in asked[0].labels]
    rows = read_rows(batch.file.path, fields, names, settings.MAX_TEXT_BYTES, readers_of(asked, fields))
    with source_at(fields.pictures, fields.beside) as source:
        for chunk in _chunks(islice(rows, batch.rows_read, None), CHUNK_OF_PICTURES if source else CHUNK):
            _write(batch, _with_pictures(batch.project, chunk, source), asked)
            if not keep_lease():
                return False
    if not batch.rows_new:
        _refuse(batch)
    imported_pictures.forget_zip(batch)
    draw_validation(batch)
    return True


def _chunks(rows: Iterable[Row | Bad], size: int) -> Iterator[list[Row | Bad]]:
    source = iter(rows)
    while chunk := list(islice(source, size)):
        yield chunk


def _with_pictures(project: Project, rows: list[Row | Bad], source: PictureSource | None) -> list[Row | Bad]:
    """The rows with the pictures of those that are new kept; before the transaction, since decoding takes its time."""
    if source is None:
        return rows
    there = standing(project, [row.key for row in rows if isinstance(row, Row)])
    return imported_pictures.with_kept(rows, there.texts, source)


@transaction.atomic
def _write(batch: Batch, rows: list[Row | Bad], asked: Sequence[Asking]) -> None:
    new, skipped = _sort_out(batch, rows)
    n_bad = sum(row.kind == SkippedRow.Kind.BAD for row in skipped)
    read = Batch.objects.filter(pk=batch.pk, rows_read=batch.rows_read).update(
        rows_read=F("rows_read") + len(rows),
        rows_new=F("rows_new") + len(new),
        rows_duplicate=F("rows_duplicate") + len(skipped) - n_bad,
        rows_bad=F("rows_bad") + n_bad,
    )
    if not read:
        raise RuntimeError(f"Somebody else is reading batch {batch.pk}.")
    keys = bulk.reserve(Instance, len(new))
    bulk.write(Instance, INSTANCE, _instances(batch, keys, new))
    bulk.write(Task, TASK, tasks_of(batch, keys, asked, new))
    SkippedRow.objects.bulk_create(skipped)
    batch.refresh_from_db(fields=["rows_read", "rows_new", "rows_duplicate", "rows_bad"])


def _sort_out(batch: Batch, rows: Sequence[Row | Bad]) -> tuple[list[Row], list[SkippedRow]]:
    """The rows that become tasks, and the others with the reason: no row, there already, or an id of another text."""
    good = [row for row in rows if isinstance(row, Row)]
    there = standing(batch.project, [row.key for row in good])
    new: list[Row] = []
    skipped: list[SkippedRow] = []
    for row in rows:
        if isinstance(row, Bad):
            skipped.append(_skip(batch, row.line, "bad", row.reason))
        elif row.digest in there.texts:
            same = there.texts[row.digest]
            what = f"The id {row.id} is" if same == row.id else f"The same {'text' if row.parts else 'picture'} is"
            skipped.append(_skip(batch, row.line, "duplicate", f"{what} already there{_as(same, row)}."))
        elif row.id in there.ids and row.named and not batch.mapping.get("keep_same_id"):
            skipped.append(_skip(batch, row.line, "bad", f"The id {row.id} is already there, with another text."))
        else:
            own = row if row.id not in there.ids else replace(row, id=own_id(batch, row))
            new.append(own)
            there.add(own)
    return new, skipped


def _as(same: str, row: Row) -> str:
    return "" if same == row.id else f" as {same}"


def own_id(batch: Batch, row: Row) -> str:
    """An id for a row whose own one another text has: with the batch and the line behind it."""
    behind = f"-{batch.pk}-{row.line}" if row.named else f"-{batch.pk}"
    return row.id[: LONGEST_ID - len(behind)] + behind


@dataclass(slots=True)
class Standing:
    """Which ids a project has, and under which id which text, by its digest."""

    ids: set[str]
    texts: dict[str, str]

    def add(self, row: Row) -> None:
        self.ids.add(row.id)
        self.texts[row.digest] = row.id


def standing(project: Project, rows: Sequence[Key]) -> Standing:
    """What a project has already of these rows; two look-ups, three with pictures that we exported."""
    there = Instance.objects.filter(project=project)
    ids = set(there.filter(external_id__in=[row.id for row in rows]).values_list("external_id", flat=True))
    texts = dict(there.filter(digest__in=[row.digest for row in rows]).values_list("digest", "external_id"))
    return Standing(ids, texts | _exported(there, [row for row in rows if row.exported and row.id in ids]))


def _exported(there: QuerySet[Instance], rows: Sequence[Key]) -> dict[str, str]:
    """The ids of rows that were exported from here with pictures, by digest: pictures are written anew when kept."""
    kept = there.filter(external_id__in=[row.id for row in rows], images__isnull=False) if rows else ()
    shown = {
        one.external_id: digest_of(one.parts, [(image["title"], image["file"]) for image in one.images or ()])
        for one in kept
    }
    return {row.digest: row.id for row in rows if shown.get(row.id) == row.exported}


def _skip(batch: Batch, line: int, kind: str, reason: str) -> SkippedRow:
    return SkippedRow(batch=batch, line=line, kind=kind, reason=reason[:300])


def _instances(batch: Batch, keys: Sequence[int], rows: Sequence[Row]) -> Iterator[tuple[Any, ...]]:
    """Values of instances, in the order of INSTANCE."""
    names = dict(zip(Fields.of(batch.mapping).groups, batch.attributes, strict=True))
    local_only = batch.local_only or batch.project.local_only
    for place, (key, row) in enumerate(zip(keys, rows, strict=True), start=batch.rows_new):
        groups = {names[column]: value for column, value in row.groups.items()}
        shown = (row.parts, list(row.kept) or None, row.about, groups)
        yield key, batch.project_id, batch.pk, place, row.id, row.digest, *shown, local_only or row.local_only


def _refuse(batch: Batch) -> None:
    first = batch.skipped_rows.first()
    name = Path(str(batch.file.name)).name
    batch.file.delete(save=False)
    imported_pictures.forget_zip(batch)
    batch.delete()
    reason = f"line {first.line}: {first.reason}" if first else "it has no rows."
    raise UnusableFile(f"No row of {name} could be used; the first is {reason}")
