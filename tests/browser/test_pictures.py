"""Pictures on cards in real windows: whole to begin with, nearer, moved, in their real size, by hand and key."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from labeling.files import picture_store, pictures
from labeling.management.demo.street_scenes import HOLE, LAMP, WATER, draw
from labeling.models import Batch, Instance
from tests.browser.conftest import findings
from tests.browser.test_cards_kinds import LOOKS, asking, keys, said
from tests.browser.test_labeling import press, start, until

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]


def large(scene: bytes, side: int = 1600) -> bytes:
    """The same street with more pixels than a card has."""
    out = BytesIO()
    Image.open(BytesIO(scene)).resize((side, side)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def shown(batch: Batch, environment: dict[str, str], settings: Any) -> Batch:
    """Each task shows a street, the first a large one, the others as small as they are drawn."""
    settings.MEDIA_ROOT = Path(environment["CONCORD_VAR"]) / "files"
    asking(batch, "choices", (HOLE, LAMP, WATER))
    for place, one in enumerate(Instance.objects.filter(batch=batch).order_by("position")):
        scene = draw([HOLE, LAMP] if place % 2 else [WATER], place % 2 == 1, np.random.default_rng(place))
        picture = pictures.read(scene if place else large(scene))
        image = {"title": "Photo", "file": picture_store.keep(picture), "alt": "A street with a lamp"}
        size = {"width": picture.width, "height": picture.height}
        Instance.objects.filter(pk=one.pk).update(images=[image | size], parts=[["Text", one.parts[0][1]]])
    return batch


def lens(page: Page) -> tuple[float, float, float]:
    """How near the picture is, and how far it is moved, in pixels."""
    words = page.locator("#place .frame img").evaluate("image => getComputedStyle(image).transform")
    a, _, _, _, x, y = (float(one) for one in words.removeprefix("matrix(").removesuffix(")").split(", "))
    return a, x, y


def opened(page: Page) -> Page:
    start(page)
    page.wait_for_function("document.querySelector('#place .frame img').naturalWidth > 0")
    return page


def test_keys_bring_a_picture_nearer_to_its_real_size_and_back(shown: Batch, page_as: Windows) -> None:
    page = opened(page_as("ann"))
    image = page.locator("#place .frame img")
    assert lens(page) == (1, 0, 0)
    assert image.evaluate("image => image.offsetHeight <= innerHeight / 2 + 1"), "whole to begin with"
    keys(page, "+")
    assert lens(page)[0] == pytest.approx(1.25)
    keys(page, "-", "-")
    assert lens(page)[0] == 1, "never smaller than whole"
    keys(page, "z")
    real = image.evaluate("image => 1600 / image.offsetWidth / devicePixelRatio")
    assert lens(page)[0] == pytest.approx(real, rel=1e-3)
    expect(page.locator("#place [data-scale]")).to_have_text("100%")
    expect(page.get_by_role("button", name="Real size")).to_have_attribute("aria-pressed", "true")
    keys(page, "z")
    assert lens(page) == (1, 0, 0)
    keys(page, "1")
    press(page, "Enter")
    until(lambda: said() == [[0]])


def test_arrows_move_it_once_it_has_the_focus_and_stop_at_its_border(shown: Batch, page_as: Windows) -> None:
    page = opened(page_as("ann"))
    keys(page, "+", "+", "+")
    page.locator("#place .frame").focus()
    keys(page, "ArrowRight", "ArrowDown")
    _, x, y = lens(page)
    assert (x, y) == (-60, -60)
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    scale, x, _ = lens(page)
    width = page.locator("#place .frame img").evaluate("image => image.offsetWidth")
    assert x == pytest.approx(-width * (scale - 1) / 2, abs=0.01)


def test_the_mouse_drags_it_and_the_wheel_brings_near_what_is_under_it(shown: Batch, page_as: Windows) -> None:
    page = opened(page_as("ann"))
    box = page.locator("#place .frame img").bounding_box()
    assert box
    at = (box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.move(*at)
    page.mouse.wheel(0, -400)
    assert lens(page)[0] == 1, "the page scrolls until the picture has the focus"
    page.mouse.wheel(0, 400)
    page.locator("#place .frame").focus()
    box = page.locator("#place .frame img").bounding_box()
    at = (box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.move(*at)
    page.mouse.wheel(0, -400)
    page.wait_for_function("document.querySelector('#place .frame').hasAttribute('data-near')")
    near, x, y = lens(page)
    assert near == pytest.approx(np.e, rel=0.01)
    now = page.locator("#place .frame img").bounding_box()
    assert (at[0] - now["x"]) / now["width"] == pytest.approx(0.25, abs=0.01)
    page.mouse.down()
    page.mouse.move(at[0] + 30, at[1] + 20, steps=3)
    page.mouse.up()
    assert lens(page)[1:] == pytest.approx((x + 30, y + 20), abs=1)


def test_the_next_picture_is_fetched_ahead_and_begins_whole(shown: Batch, page_as: Windows) -> None:
    page = page_as("ann")
    fetched: list[str] = []
    page.on("response", lambda got: fetched.append(got.url) if "/pictures/" in got.url and got.ok else None)
    opened(page)
    until(lambda: len(set(fetched)) >= 2)
    keys(page, "+", "1")
    press(page, "Enter")
    assert lens(page) == (1, 0, 0)


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_cards_with_pictures_have_no_barriers(shown: Batch, page_as: Windows, size: str, theme: str) -> None:
    page = page_as("ann", size, color_scheme=theme)
    page.goto("/p/city/label/")
    page.wait_for_function("document.querySelector('#place .frame img').naturalWidth > 0")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#place [data-send]").is_visible()
