"""Where pictures are kept: under the hash of their bytes, in the storage that the settings name; small ones beside."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from labeling.files.pictures import TYPES, Picture, UnusablePicture, thumbnail

SMALL_TYPE = "image/webp"


def storage() -> Storage:
    """The storage of pictures."""
    found: Storage = storages["pictures"]
    return found


def keep(picture: Picture) -> str:
    """Store a picture, once however often it comes; returns the name by which it is read."""
    _write(picture.name, picture.data)
    return picture.name


def read(name: str) -> bytes:
    """The bytes of a picture. Raises FileNotFoundError where it is gone."""
    with storage().open(name, "rb") as stream:
        data: bytes = stream.read()
    return data


def media_type(name: str) -> str:
    """What the file is, for whoever shows it."""
    return TYPES[name.rpartition(".")[2]]


def small_name(name: str) -> str:
    """Where the small picture of a picture is kept."""
    return f"{name.replace('pictures/', 'thumbnails/', 1).rpartition('.')[0]}.webp"


def make_small(name: str) -> bool:
    """Make the small picture where it is missing; False where there is nothing to make it of."""
    small = small_name(name)
    if storage().exists(small):
        return True
    try:
        _write(small, thumbnail(read(name)))
    except (FileNotFoundError, UnusablePicture):
        return False
    return True


def drop(names: Iterable[str]) -> None:
    """Delete pictures with their small ones; what is gone already is fine."""
    for name in names:
        for file in (name, small_name(name)):
            with suppress(FileNotFoundError):
                storage().delete(file)


def _write(name: str, data: bytes) -> None:
    """Write a file unless it is there whole; a worker that died may have left a part of it."""
    kept = storage()
    if kept.exists(name) and kept.size(name) == len(data):
        return
    kept.save(name, ContentFile(data))
