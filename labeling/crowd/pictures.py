"""Images as voters see them: never with what cameras and programs write beside the picture, never larger than asked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from labeling.crowd.errors import BrokenImage

MOST_PIXELS = 50_000_000
"""Larger images are not opened: unpacked, they would take 150 MB."""
QUALITY = 85
"""Of JPEG, in which photographs leave."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image part of a question. `read` gives its bytes; `width`, `height`: pixels; `alt`: what it shows, in words.

    `digest`: a hash of the bytes, made from them where it is not given.
    """

    title: str
    media_type: str
    read: Callable[[], bytes] = field(repr=False)
    width: int = 0
    height: int = 0
    alt: str = ""
    digest: str = ""

    @property
    def key(self) -> str:
        """The same for the same bytes."""
        return self.digest or hashlib.sha256(self.read()).hexdigest()


def opened(picture: Picture) -> Any:
    """The picture as a Pillow image in RGB on white, turned as its camera says. Raises BrokenImage where it is none."""
    from PIL import Image, ImageOps

    try:
        found = Image.open(BytesIO(picture.read()))
        if found.width * found.height > MOST_PIXELS:
            raise BrokenImage(f"The image {picture.title!r} has more than 50 megapixels; make it smaller.")
        return _on_white(ImageOps.exif_transpose(found))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenImage(f"The image {picture.title!r} cannot be read; save it anew as PNG or JPEG.") from error


def fitted(width: int, height: int, most_pixels: int) -> tuple[int, int]:
    """The size of an image of at most `most_pixels` pixels in the same shape; 0 leaves it."""
    if not most_pixels or width * height <= most_pixels:
        return width, height
    share = float((most_pixels / (width * height)) ** 0.5)
    return max(int(width * share), 1), max(int(height * share), 1)


def data_url(picture: Picture, most_pixels: int = 0) -> str:
    """The picture written anew as a data URL of at most `most_pixels` pixels, without any metadata.

    PNG stays PNG, everything else leaves as JPEG.
    """
    image = opened(picture)
    size = fitted(image.width, image.height, most_pixels)
    image = image.resize(size) if size != image.size else image
    drawn = picture.media_type == "image/png"
    written = BytesIO()
    plain = image.copy()
    plain.info.clear()
    plain.save(written, **({"format": "PNG"} if drawn else {"format": "JPEG", "quality": QUALITY}))
    coded = base64.b64encode(written.getvalue()).decode()
    return f"data:image/{'png' if drawn else 'jpeg'};base64,{coded}"


def _on_white(image: Any) -> Any:
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        ground = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(ground, clear).convert("RGB")
    return image.convert("RGB")
