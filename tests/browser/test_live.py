"""What a page does when something changes: it follows, or says that it does not; what somebody is at stays as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch, Project
from tests.labeling.managed import settled_batch

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
LONG = 20_000
"""Milliseconds that a nudge, and the fetch that it causes, may take on a busy machine."""


@pytest.fixture
def settled(project: Project) -> Batch:
    return settled_batch(project, 60)


def listening(page: Page, address: str) -> Page:
    """The window on a page whose socket is open."""
    page.goto(address)
    for _ in range(LONG // 50):
        if page.evaluate("window.Concord.listens()"):
            return page
        page.wait_for_timeout(50)
    pytest.fail(f"The socket of {address} did not open.")


def control(window: Page, name: str) -> None:
    """Press a button of the batch's page in another window; the socket tells everybody."""
    window.get_by_role("button", name=name, exact=True).click()
    expect(window.get_by_role("status").filter(has_text="May")).to_be_visible()


def test_a_page_of_which_nothing_follows_offers_newer_numbers(settled: Batch, page_as: Windows) -> None:
    page = listening(page_as("max"), "/p/city/tasks/?stage=decided")
    state = page.locator("#live-state")
    expect(state).to_have_text("Live")
    control(listening(page_as("max"), settled.get_absolute_url()), "Pause")
    link = state.get_by_role("link", name="Newer numbers")
    expect(link).to_be_visible(timeout=LONG)
    link.click()
    expect(state).to_have_text("Live")
    assert page.url.endswith("/p/city/tasks/?stage=decided")


def test_a_page_whose_parts_follow_stays_live(settled: Batch, page_as: Windows) -> None:
    page = listening(page_as("max"), settled.get_absolute_url())
    control(listening(page_as("max"), settled.get_absolute_url()), "Pause")
    expect(page.get_by_role("button", name="Go on", exact=True)).to_be_visible(timeout=LONG)
    expect(page.locator("#live-state")).to_have_text("Live")


def test_a_part_in_which_somebody_chooses_stays_as_it_is(settled: Batch, page_as: Windows) -> None:
    page = listening(page_as("max"), settled.get_absolute_url())
    fetched: list[str] = []
    page.on("request", lambda one: fetched.append(one.headers.get("hx-target", "")))
    measure = page.locator("#report select[name=measure]")
    measure.focus()
    measure.select_option(index=1)
    chosen = measure.input_value()
    other = listening(page_as("max"), settled.get_absolute_url())
    control(other, "Pause")
    expect(page.get_by_role("button", name="Go on", exact=True)).to_be_visible(
        timeout=LONG
    )  # the part beside it has followed
    assert "standing" in fetched and "report" not in fetched
    expect(measure).to_have_value(chosen)
    expect(measure).to_be_focused()
    page.get_by_role("heading", level=1).click()  # leaves the field; a change right behind the first is not lost
    with page.expect_request(lambda one: one.headers.get("hx-target") == "report", timeout=LONG):
        control(other, "Go on")


def test_a_double_click_on_make_the_project_makes_one_and_shows_it(project: Project, page_as: Windows) -> None:
    page = page_as("max")
    page.goto("/new/")
    page.get_by_label("Name").fill("Letters")
    page.get_by_label("Question").fill("What is it about?")
    page.get_by_label("Labels, steps or types, one on each line").fill("yes\nno")
    page.get_by_role("button", name="Make the project").dblclick()
    page.wait_for_url("**/p/letters/import/")
    assert Project.objects.filter(name="Letters").count() == 1
