"""Specialists look at images, and images leave without what stands beside the picture."""

from __future__ import annotations

import base64
from functools import lru_cache
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from labeling.crowd.base import Brief, Example, LabelSet, Question
from labeling.crowd.errors import BrokenImage, Misconfigured
from labeling.crowd.pictures import Picture, data_url, fitted, opened
from labeling.crowd.registry import build
from labeling.crowd.specialist import IMAGE_RECIPES
from tests.labeling.crowd.conftest import question

FAST = ("image_colours", "image_gradients")
EVERY = [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in IMAGE_RECIPES]


def drawing(shape: str, colour: str, seed: int, side: int = 48) -> bytes:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), "white")
    left, top = rng.integers(4, 12, 2).tolist()
    box = (left, top, left + 26, top + 26)
    draw = ImageDraw.Draw(image)
    (draw.ellipse if shape == "round" else draw.rectangle)(box, fill=colour)
    written = BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def picture(data: bytes, media_type: str = "image/png") -> Picture:
    return Picture("Photo", media_type, lambda: data, 48, 48)


def shown(task: str, shape: str, colour: str, seed: int) -> Question:
    return Question(task, (), (picture(drawing(shape, colour, seed)),))


@lru_cache(maxsize=1)
def shapes() -> Brief:
    """Round ones are red, others blue, so that colours and edges both tell."""
    examples = []
    for i in range(24):
        shape, colour = (("round", "red"), ("square", "blue"))[i % 2]
        examples.append(Example(shown(f"i{i}", shape, colour, i), i % 2))
    texts = tuple(example.question for example in examples)
    return Brief(LabelSet(("ball", "box")), examples=tuple(examples), texts=texts)


@pytest.mark.parametrize("name", EVERY)
def test_a_specialist_for_images_learns_what_the_examples_show(name: str) -> None:
    voter = build(name)
    voter.prepare(shapes())
    assert [a.label for a in voter.answer([shown("n1", "round", "red", 90), shown("n2", "square", "blue", 91)])] == [
        0,
        1,
    ]


def test_it_ticks_labels_of_images_as_well() -> None:
    examples = tuple(
        Example(
            shown(f"i{i}", ("round", "square")[i % 2], ("red", "blue")[i // 2 % 2], i), said=np.array(said, np.int8)
        )
        for i, said in enumerate([(i % 2 == 0, i // 2 % 2 == 0) for i in range(32)])
    )
    brief = Brief(
        LabelSet(("round", "red")), examples=examples, texts=tuple(e.question for e in examples), kind="choices"
    )
    voter = build("image_gradients")
    voter.prepare(brief)
    said = next(voter.answer([shown("n", "round", "blue", 95)])).said
    assert said[0] == 1


def test_texts_are_nothing_for_those_who_look_and_images_nothing_for_those_who_read(brief: Brief) -> None:
    with pytest.raises(Misconfigured, match="these tasks have none; leave it out"):
        build("image_colours").prepare(brief)
    with pytest.raises(Misconfigured, match=r"cannot see images, and these tasks have no text; image_thumbnail .* can"):
        build("word_logistic").prepare(shapes())


def test_another_image_is_another_question() -> None:
    one, other = shown("a", "round", "red", 1), shown("a", "round", "red", 2)
    assert one.content != other.content and one.content == shown("b", "round", "red", 1).content
    assert Question("a", (("Text", "x"),)).content == question("b", " X ").content


def test_what_stands_beside_a_picture_does_not_leave() -> None:
    image, told, written = Image.new("RGB", (60, 40), "green"), Image.Exif(), BytesIO()
    told[0x010E], told[0x0112] = "taken at home", 6
    image.save(written, "JPEG", exif=told)
    url = data_url(picture(written.getvalue(), "image/jpeg"), 600)
    assert url.startswith("data:image/jpeg;base64,")
    sent = base64.b64decode(url.partition(",")[2])
    assert b"home" in written.getvalue() and b"home" not in sent
    left = Image.open(BytesIO(sent))
    assert not left.getexif() and left.size == (20, 30)  # turned as the camera said, 600 pixels


def test_a_clear_background_becomes_white_and_a_broken_image_is_named() -> None:
    written = BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(written, "PNG")
    assert opened(picture(written.getvalue())).getpixel((0, 0)) == (255, 255, 255)
    with pytest.raises(BrokenImage, match="'Photo' cannot be read; save it anew"):
        opened(picture(b"no image"))


@pytest.mark.parametrize(
    ("size", "most", "smaller"), [((100, 50), 0, (100, 50)), ((200, 100), 5_000, (100, 50)), ((9, 9), 81, (9, 9))]
)
def test_an_image_keeps_its_shape(size: tuple[int, int], most: int, smaller: tuple[int, int]) -> None:
    assert fitted(*size, most) == smaller
