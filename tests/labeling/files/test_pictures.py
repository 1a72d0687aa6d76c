"""What becomes of one picture: sound ones are written anew, others are refused in a sentence."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labeling.files import pictures
from labeling.files.pictures import UnusablePicture


def drawn(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A picture whose left half is light and whose right half is dark."""
    grey = Image.new("L", size, 20)
    grey.paste(220, (0, 0, size[0] // 2, size[1]))
    return grey.convert(mode)


def saved(image: Image.Image, form: str, **how: Any) -> bytes:
    out = BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def claiming(width: int, height: int) -> bytes:
    """A PNG that says it is so large, in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("form", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("GIF", "png")])
def test_every_usual_form_is_read_and_kept_with_its_size(form: str, ending: str) -> None:
    found = pictures.read(saved(drawn(), form))
    assert (found.ending, found.width, found.height) == (ending, 40, 30)
    light, dark = opened(found.data).convert("L").getpixel((5, 5)), opened(found.data).convert("L").getpixel((35, 5))
    assert light > 190
    assert dark < 50


def test_the_same_picture_has_the_same_name_and_another_one_another() -> None:
    first, again = pictures.read(saved(drawn(), "PNG")), pictures.read(saved(drawn(), "PNG"))
    assert first.name == again.name
    assert first.name.startswith("pictures/")
    assert pictures.read(saved(drawn(size=(41, 30)), "PNG")).name != first.name


def test_notes_of_the_camera_are_gone_and_the_picture_stands_upright() -> None:
    image, notes = drawn(), Image.Exif()
    notes[0x0112] = 6  # the camera was turned: the left side of the file is the top of the scene
    notes[0x010E] = "Anna at home"
    found = pictures.read(saved(image, "JPEG", exif=notes, comment=b"Anna at home"))
    assert b"Anna" not in found.data
    assert not opened(found.data).getexif()
    assert (found.width, found.height) == (30, 40)
    assert opened(found.data).convert("L").getpixel((15, 3)) > 190


def test_text_inside_a_png_is_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text("Author", "Anna")
    found = pictures.read(saved(drawn(), "PNG", pnginfo=note, dpi=(72, 72)))
    assert b"Anna" not in found.data
    assert opened(found.data).info == {}


def test_of_a_moving_picture_the_first_one_is_taken() -> None:
    frames = [drawn(), Image.new("RGB", (40, 30), "red")]
    for form in ("GIF", "WEBP", "PNG"):
        found = pictures.read(saved(frames[0], form, save_all=True, append_images=frames[1:]))
        shown = opened(found.data)
        assert getattr(shown, "n_frames", 1) == 1
        red, green, _ = shown.convert("RGB").getpixel((5, 5))
        assert abs(red - green) < 30


def test_colours_for_print_become_colours_for_screens() -> None:
    assert opened(pictures.read(saved(drawn().convert("CMYK"), "JPEG")).data).mode == "RGB"


def test_grey_of_sixteen_bits_keeps_its_shades() -> None:
    deep = Image.fromarray(np.array([[0, 32896, 65535]], dtype=np.uint16))
    shown = opened(pictures.read(saved(deep, "PNG")).data)
    assert [shown.getpixel((x, 0)) for x in range(3)] == [0, 128, 255]


def test_a_palette_that_is_see_through_stays_see_through() -> None:
    image = drawn("P")
    found = opened(pictures.read(saved(image, "PNG", transparency=image.getpixel((35, 5)))).data)
    assert found.mode == "RGBA"
    assert found.getpixel((35, 5))[3] == 0
    assert found.getpixel((5, 5))[3] == 255


def test_black_and_white_is_grey() -> None:
    assert opened(pictures.read(saved(drawn("1"), "PNG")).data).mode == "L"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"not a picture at all", "no PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "no PNG"),
        (saved(drawn(), "BMP"), "no PNG"),
        (saved(drawn(), "TIFF"), "no PNG"),
        (saved(drawn(), "PNG")[:-40], "broken or cut off"),
        (saved(drawn(), "JPEG")[:-200], "broken or cut off"),
        (saved(drawn(), "WEBP")[:-20], "broken or cut off"),
        (claiming(8000, 8000), "8,000 by 8,000 pixels"),
        (claiming(60_000, 60_000), "more than 50,000,000"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(UnusablePicture, match=words) as told:
        pictures.read(data)
    assert str(told.value).startswith("The picture ")
    assert str(told.value).endswith(".")


def test_a_file_of_too_many_bytes_is_not_even_opened() -> None:
    with pytest.raises(UnusablePicture, match="at most 100"):
        pictures.look(saved(drawn(), "PNG"), most_bytes=100)


def test_damaged_files_never_raise_anything_but_a_sentence() -> None:
    generator = np.random.default_rng(3)
    for form in ("PNG", "JPEG", "WEBP", "GIF"):
        sound = np.frombuffer(saved(drawn(), form), dtype=np.uint8)
        for _ in range(25):
            hurt = sound.copy()
            hurt[generator.integers(0, len(hurt), 4)] = generator.integers(0, 256, 4)
            try:
                pictures.read(hurt.tobytes())
            except UnusablePicture:
                continue


def test_a_small_picture_keeps_its_shape() -> None:
    small = opened(pictures.thumbnail(pictures.read(saved(drawn(size=(1000, 500)), "PNG")).data))
    assert small.format == "WEBP"
    assert small.size == (320, 160)
    assert opened(pictures.thumbnail(saved(drawn(), "PNG"))).size == (40, 30)
