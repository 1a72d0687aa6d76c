"""Pictures are kept once, under the hash of their bytes, with small ones beside."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from labeling.files import picture_store, pictures
from labeling.files.pictures import Picture


def sound(tone: str = "red") -> Picture:
    out = BytesIO()
    Image.new("RGB", (400, 200), tone).save(out, "PNG")
    return pictures.read(out.getvalue())


def test_a_picture_is_kept_once_and_read_back_whole() -> None:
    first, again = picture_store.keep(sound()), picture_store.keep(sound())
    assert first == again == sound().name
    assert picture_store.read(first) == sound().data
    assert picture_store.media_type(first) == "image/png"
    folder, _, name = first.rpartition("/")
    assert picture_store.storage().listdir(folder)[1] == [name]


def test_what_a_dead_worker_left_half_written_is_written_anew() -> None:
    picture = sound()
    picture_store._write(picture.name, picture.data[:10])
    assert picture_store.read(picture_store.keep(picture)) == picture.data


def test_small_pictures_are_made_when_missing_and_deleted_with_the_large_ones() -> None:
    name = picture_store.keep(sound())
    assert picture_store.make_small(name)
    small = picture_store.small_name(name)
    assert small.startswith("thumbnails/")
    assert Image.open(BytesIO(picture_store.read(small))).size == (320, 160)
    assert picture_store.make_small(name)
    picture_store.drop([name, "pictures/00/gone.png"])
    assert not picture_store.storage().exists(name)
    assert not picture_store.storage().exists(small)
    assert not picture_store.make_small(name)
