"""On a phone: out of a card by keyboard, no cell over another; what the keys of a case do where nothing is chosen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch, Decision
from tests.browser.conftest import findings
from tests.reviewers.scenery import ask, believe, make_case, person

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_menu_opens_by_keyboard_and_leads_out(batch: Batch, page_as: Windows, theme: str) -> None:
    ask(batch.tasks.all()[0])
    page = page_as("ann", "phone", color_scheme=theme)
    page.goto("/p/city/label/")
    menu = page.get_by_role("button", name="My work, other projects, sign out")
    menu.focus()
    page.keyboard.press("Enter")
    ways = page.get_by_role("navigation", name="Ways out")
    for name in ("My work", "Other projects", "Your account"):
        expect(ways.get_by_role("link", name=name)).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    expect(ways).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    ways.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: "/label/" not in url)


def test_a_digit_moves_the_focus_to_its_label_and_enter_without_a_choice_says_so(
    batch: Batch, page_as: Windows
) -> None:
    task = batch.tasks.all()[0]
    believe(task, 0.45, 0.4, 0.15)
    make_case(task)
    page = page_as("eve")
    page.goto("/p/city/cases/")
    page.keyboard.press("Enter")
    expect(page.locator("#notes")).to_contain_text("Nothing is chosen yet.")
    assert not Decision.objects.exists()
    page.keyboard.press("2")
    chosen = page.locator(".case input:checked")
    expect(chosen).to_have_count(1)
    expect(chosen).to_be_focused()


OVERFLOWING = """[...document.querySelectorAll("table td, table th")]
    .filter((cell) => getComputedStyle(cell).position !== "absolute" && cell.scrollWidth > cell.clientWidth + 1)
    .map((cell) => cell.textContent)"""


@pytest.mark.parametrize("address", ["/p/city/people/", "/p/city/archive/"])
def test_on_a_phone_no_cell_runs_into_its_neighbour(batch: Batch, page_as: Windows, address: str) -> None:
    make_case(batch.tasks.all()[0])
    person(batch.project, "eve", "expert")
    page = page_as("max", "phone")
    page.goto(address)
    expect(page.locator("table").first).to_be_visible()
    assert page.evaluate(OVERFLOWING) == []


def test_on_a_phone_a_plot_is_as_wide_as_its_axis_and_fields_are_named(settled: Batch, page_as: Windows) -> None:
    page = page_as("max", "phone")
    page.goto(f"{settled.get_absolute_url()}methods/", timeout=30_000)  # every method runs on the votes
    axis = page.locator("thead .plotcell").first.bounding_box()
    plot = page.locator("tbody .plotcell").first.bounding_box()
    assert axis is not None and plot is not None and abs(axis["width"] - plot["width"]) < 2
    page.goto("/p/city/settings/")
    name = page.get_by_label("Short of label 1")
    box = name.bounding_box()
    assert box is not None and box["width"] > 200
    expect(page.get_by_text("Short of label 1")).to_be_visible()
