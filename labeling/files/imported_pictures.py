"""Pictures on their way into a batch: the ZIP they came in, kept until every row is in, and the rows that name them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import QuerySet

from labeling.files import picture_store
from labeling.files.picture_sources import PictureSource
from labeling.files.pictures import UnusablePicture
from labeling.files.row_pictures import keep
from labeling.files.rows import Bad, Row
from labeling.models import Batch, Instance

PACKED = ".zip"
ROWS = 2000


def keep_zip(batch: Batch, path: str) -> None:
    """Copy the ZIP with a new batch's pictures to our own storage; a folder stays where it is."""
    if not path.endswith(PACKED):
        return
    with Path(path).open("rb") as stream:
        batch.mapping["pictures"] = default_storage.save(f"imports/{Path(path).name}", File(stream))
    batch.save(update_fields=["mapping"])


def forget_zip(batch: Batch) -> None:
    """Delete the ZIP of a batch's pictures: each of them is kept by itself now, or no row names it."""
    place = batch.mapping.get("pictures", "")
    if place.endswith(PACKED) and not Path(place).is_absolute():
        default_storage.delete(place)
        batch.mapping["pictures"] = ""
        batch.save(update_fields=["mapping"])


def with_kept(rows: Sequence[Row | Bad], there: Container[str], source: PictureSource) -> list[Row | Bad]:
    """The rows with their pictures stored, but for those whose digest is `there`; a broken picture spoils its row."""
    return [row if isinstance(row, Bad) or row.digest in there else _with_kept(row, source) for row in rows]


def _with_kept(row: Row, source: PictureSource) -> Row | Bad:
    try:
        return replace(row, kept=tuple(keep(row.images, source)))
    except UnusablePicture as error:
        return Bad(row.line, str(error))


def files_of(instances: QuerySet[Instance]) -> set[str]:
    """Where the pictures of instances are kept."""
    lists = instances.filter(images__isnull=False).order_by().values_list("images", flat=True)
    return {image["file"] for images in lists.iterator(ROWS) for image in images or ()}


def drop_unused(files: set[str]) -> None:
    """Delete those pictures that no instance of any project shows any more; looks through all instances with some."""
    if files:
        picture_store.drop(files - files_of(Instance.objects.all()))
