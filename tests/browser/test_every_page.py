"""Every page there is, in both themes, wide and on a phone: axe finds nothing serious, nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from labeling.models import Batch
from labeling.rounds import decisions
from tests.browser.conftest import findings
from tests.labeling.managed import settled_batch
from tests.reviewers.scenery import ask, make_case, model
from tests.test_attacks import addresses, keys_in, url

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
LOOKS = [(size, theme) for size in ("wide", "phone") for theme in ("light", "dark")]
PARTS = {"alarms", "annotate_pace", "cases_state"}
ELSEWHERE = ["/?all", "/account/", "/new/", "/p/nowhere/label/"]


@pytest.fixture
def full(project: Any) -> Batch:
    """A batch that the crowd has settled, an expert's case, and a task that waits."""
    batch = settled_batch(project, 60)
    model(project, "Large", "paid")
    tasks = list(batch.tasks.all())
    for task in tasks[:6]:
        decisions.reopen(task)
    for task in tasks[:3]:
        make_case(task)
    for task in tasks[3:6]:
        ask(task)
    return batch


def pages(batch: Batch, window: Page) -> list[str]:
    """Everything that can be read as a page of its own, refusals among them."""
    keys = keys_in(batch)
    inside = [url(name, wanted, "city", keys) for name, wanted in addresses() if name not in PARTS]
    answers = {address: window.request.get(address) for address in inside + ELSEWHERE}
    return [
        address
        for address, got in answers.items()
        if got.status in (200, 403, 404) and got.headers["content-type"].startswith("text/html")
    ]


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_no_page_has_barriers_or_scrolls_sideways(full: Batch, page_as: Windows, size: str, theme: str) -> None:
    # Without motion: a card that comes anew while it is looked at is half transparent for a moment.
    page = page_as("max", size, color_scheme=theme, reduced_motion="reduce")
    found, looked = {}, 0
    for address in pages(full, page):
        page.goto(address)
        looked += 1
        faults = findings(page)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if faults or wide > 0:
            found[address] = faults + [f"{wide} pixels too wide"] * (wide > 0)
    assert looked > 18 and found == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_door_has_no_barriers(browser: Any, server: str, theme: str) -> None:
    page = browser.new_page(base_url=server, color_scheme=theme, viewport={"width": 360, "height": 740})
    page.goto("/sign-in/")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
