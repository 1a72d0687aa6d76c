"""The pictures that a row names: looked at when it is read, decoded and kept when it becomes an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage

from labeling.files import picture_store, pictures
from labeling.files.picture_sources import Folder, PictureSource, checked_name, packed
from labeling.files.pictures import UnusablePicture
from labeling.files.tables import UnusableFile

ALT = "_alt"
"""Behind the name of a field with pictures: the field that says what they show, in words."""
LONGEST_ALT = 300


@dataclass(frozen=True, slots=True)
class Named:
    """A picture of a row: `path` inside its source, `digest` of the file as it came."""

    title: str
    path: str
    digest: str
    width: int
    height: int
    alt: str = ""


def named(
    record: Mapping[str, Any], fields: Sequence[tuple[str, str]], source: PictureSource | None
) -> tuple[Named, ...]:
    """The pictures of a record in the order of `fields`, (field, title) each; an empty cell is none.

    A field of our own exports holds several, by their titles. Without a source a picture is known by its path alone.
    Raises UnusablePicture for the first that cannot be one; only its head is looked at.
    """
    return tuple(
        _named(title, cell, alt, source)
        for name, field_title in fields
        for title, cell, alt in _cells(field_title, record.get(name), record.get(name + ALT))
        if cell is not None and not (isinstance(cell, str) and not cell.strip())
    )


def _cells(title: str, cell: object, alt: object) -> list[tuple[str, object, object]]:
    """Title, path and words of each picture in a cell."""
    if not isinstance(cell, dict):
        return [(title, cell, alt)]
    words = alt if isinstance(alt, dict) else {}
    return [(str(name), path, words.get(name)) for name, path in cell.items()]


def _named(title: str, cell: object, alt: object, source: PictureSource | None) -> Named:
    if not isinstance(cell, str):
        raise UnusablePicture(f"The picture in {title!r} is no path; write its path as text.")
    path = checked_name(cell)
    words = " ".join(alt.split())[:LONGEST_ALT] if isinstance(alt, str) else ""
    if source is None:
        return Named(title, path, path, 0, 0, words)
    data = source.read(path)
    width, height = pictures.look(data, settings.MAX_PICTURE_BYTES)
    return Named(title, path, blake2b(data, digest_size=16).hexdigest(), width, height, words)


def keep(images: Sequence[Named], source: PictureSource) -> list[dict[str, Any]]:
    """Decode and store pictures; what an instance notes about them. Raises UnusablePicture for a broken one."""
    return [_kept(image, source) for image in images]


def _kept(image: Named, source: PictureSource) -> dict[str, Any]:
    picture = pictures.read(source.read(image.path), settings.MAX_PICTURE_BYTES)
    file = picture_store.keep(picture)
    return {
        "title": image.title,
        "file": file,
        "width": picture.width,
        "height": picture.height,
        "alt": image.alt,
    }


@contextmanager
def source_at(place: str, beside: str = "") -> Iterator[PictureSource | None]:
    """Where a batch's pictures lie: a folder by its whole path, or a ZIP by its name in our own storage; "" is nowhere.

    `beside`: the folder inside the ZIP that paths start from. Raises UnusableFile where it is not there.
    """
    if not place:
        yield None
    elif Path(place).is_absolute() and not place.endswith(".zip"):
        if not Path(place).is_dir():
            raise UnusableFile(f"The folder {place} with the pictures is not there; put it back and try again.")
        yield Folder(place, settings.MAX_PICTURE_BYTES)
    else:
        path = place if Path(place).is_absolute() else default_storage.path(place)
        with packed(path, beside, settings.MAX_PICTURE_BYTES) as source:
            yield source
