"""One picture: looked at before it is decoded, decoded, turned upright and written anew without what cameras note."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 50_000_000
MOST_BYTES = 20_000_000
THUMBNAIL = 320
"""Pixels of the longer side of a small picture."""
READ = ("PNG", "JPEG", "WEBP", "GIF")
KEPT = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
"""In which form a picture is kept, with its ending; every other becomes a PNG."""
TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
"""Modes with more than eight bits of grey."""


class UnusablePicture(ValueError):
    """A file that is no picture to be shown; the message says why, in one sentence that begins with "The picture"."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A sound picture, written anew. `ending`: png, jpg or webp; sizes in pixels."""

    data: bytes
    ending: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """Where it is kept: the hash of its bytes, so that the same picture is kept once."""
        digest = blake2b(self.data, digest_size=20).hexdigest()
        return f"pictures/{digest[:2]}/{digest}.{self.ending}"


def look(data: bytes, most_bytes: int = MOST_BYTES) -> tuple[int, int]:
    """Width and height that a file claims, without decoding it. Raises UnusablePicture."""
    if not data:
        raise UnusablePicture("The picture is an empty file.")
    if len(data) > most_bytes:
        raise UnusablePicture(f"The picture has {len(data):,} bytes; at most {most_bytes:,} are allowed.")
    with _told(), Image.open(BytesIO(data), formats=READ) as image:
        return _checked_size(image)


def read(data: bytes, most_bytes: int = MOST_BYTES) -> Picture:
    """The picture in a file, verified and written anew. Raises UnusablePicture.

    What the file is called does not matter, what it holds does: PNG, JPEG, WebP or GIF. Of moving pictures the first
    one is taken; colours become 8-bit grey or RGB, with what is see-through kept; notes in the file are left out.
    """
    look(data, most_bytes)
    with _told():
        with Image.open(BytesIO(data), formats=READ) as image:
            image.verify()
        with Image.open(BytesIO(data), formats=READ) as image:
            kept = "JPEG" if image.format == "MPO" else str(image.format)
            image.load()
            plain = _plain(ImageOps.exif_transpose(image))
        return _written(plain, kept)


def thumbnail(data: bytes) -> bytes:
    """A small WebP of a picture that was kept: 320 pixels at its longer side at most. Raises UnusablePicture."""
    with _told(), Image.open(BytesIO(data), formats=READ) as image:
        _checked_size(image)
        image.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        out = BytesIO()
        image.save(out, "WEBP", quality=80)
        return out.getvalue()


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong inside, as one sentence."""
    try:
        yield
    except UnusablePicture:
        raise
    except Image.DecompressionBombError:
        raise UnusablePicture(f"The picture has more than {MOST_PIXELS:,} pixels; make it smaller.") from None
    except UnidentifiedImageError:
        raise UnusablePicture("The picture is no PNG, JPEG, WebP or GIF; save it as one of them.") from None
    except Exception as error:
        # A decoder meets bytes that somebody made up, and fails in whatever way it likes.
        raise UnusablePicture("The picture is broken or cut off; save it anew.") from error


def _checked_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if width < 1 or height < 1:
        raise UnusablePicture("The picture has no pixels.")
    if width * height > MOST_PIXELS:
        raise UnusablePicture(
            f"The picture has {width:,} by {height:,} pixels, more than {MOST_PIXELS:,} in all; make it smaller."
        )
    return width, height


def _plain(image: Image.Image) -> Image.Image:
    """The same picture in 8-bit grey or RGB, see-through where it was, and with no notes."""
    if image.mode in DEEP:
        image = _shallow(image)
    solid = "L" if image.mode in ("1", "L") else "RGB"
    plain = image.convert("RGBA" if image.has_transparency_data else solid)
    plain = plain.copy() if plain is image else plain
    plain.info.clear()
    return plain


def _shallow(image: Image.Image) -> Image.Image:
    """Grey of sixteen bits in eight: the upper ones."""
    import numpy as np  # for the rare pictures of 16 bits alone

    grey = np.asarray(image).astype(np.float64)
    return Image.fromarray(np.clip(grey / 257, 0, 255).round().astype(np.uint8))


def _written(image: Image.Image, kept: str) -> Picture:
    form = kept if kept in KEPT else "PNG"
    out = BytesIO()
    if form == "PNG":
        image.save(out, form, optimize=False)
    else:
        image.save(out, form, quality=92)
    return Picture(out.getvalue(), KEPT[form], image.width, image.height)
