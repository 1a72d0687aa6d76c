"""Experts at work in real windows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from labeling.models import Batch, Decision
from tests.browser.conftest import session_of
from tests.reviewers.scenery import believe, make_case

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
AT_WORK = "/p/city/cases/"


@pytest.fixture
def cases(batch: Batch) -> Batch:
    """Three tasks on which two people disagree."""
    for task in batch.tasks.all()[:3]:
        believe(task, 0.45, 0.4, 0.15)
        make_case(task)
    return batch


def test_a_case_is_settled_with_keys_and_taken_back(cases: Batch, page_as: Windows) -> None:
    page = page_as("eve")
    page.goto(AT_WORK)
    expect(page.get_by_role("heading", name="Case 1 of 3")).to_be_visible()
    assert page.locator(".case input:checked").count() == 0
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="Settle as Water")).to_be_visible()
    expect(page.locator("#seen")).to_have_text("ann, who chose Roads, will see your reason.")
    page.get_by_label("Why?").fill("The pipe is the cause, 1 of 2.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Case 2 of 3")).to_be_focused()
    decision = Decision.objects.current().get()
    assert (decision.label.name, decision.why) == ("Water and drains", "The pipe is the cause, 1 of 2.")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Case 3 of 3")).to_be_focused()
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Case 2 of 3")).to_be_focused()
    assert Decision.objects.current().count() == 1
    page.keyboard.press("s")
    expect(page.locator("#main .text")).to_contain_text("Loud music")
    page.keyboard.press("b")
    expect(page.locator("#notes")).to_contain_text("Sent back.")


def test_a_colleagues_settling_shows_in_the_other_window(cases: Batch, page_as: Windows) -> None:
    eve, other = page_as("eve"), page_as("max")
    eve.goto(AT_WORK)
    other.goto(AT_WORK)
    expect(other.locator("#state")).to_contain_text("eve is on R-0.")
    expect(eve.locator("#state")).to_contain_text("max is on R-1.")
    other.get_by_role("link", name="R-0").click()
    expect(other.locator("#state")).to_contain_text("eve has this case now.")
    other.evaluate("window.untouched = true")
    eve.keyboard.press("1")
    eve.keyboard.press("Enter")
    expect(eve.get_by_role("heading", name="Case 2 of")).to_be_visible()
    expect(other.locator("#state")).to_contain_text("eve settled this case as Roads and lights.", timeout=30_000)
    assert other.evaluate("window.untouched"), "without a reload"
    other.get_by_role("link", name="Next case").click()
    expect(other.locator(".settle")).to_be_visible()


def test_a_lost_line_keeps_the_choice_and_the_words(cases: Batch, page_as: Windows) -> None:
    page = page_as("eve")
    page.goto(AT_WORK)
    page.keyboard.press("2")
    page.get_by_label("Why?").fill("The pipe.")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Not saved.")
    expect(page.get_by_label("Why?")).to_have_value("The pipe.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Case 2 of 3")).to_be_visible()
    assert Decision.objects.current().get().why == "The pipe."


def test_signing_in_again_elsewhere_keeps_the_choice_and_the_words(cases: Batch, page_as: Windows, server: str) -> None:
    page = page_as("eve")
    page.goto(AT_WORK)
    page.keyboard.press("2")
    page.get_by_label("Why?").fill("The pipe.")
    Session.objects.all().delete()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("You are signed out.")
    page.context.add_cookies([{"name": "sessionid", "value": session_of("eve"), "url": server}])
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Case 2 of 3")).to_be_visible()
    assert Decision.objects.current().get().why == "The pipe."


def test_a_case_is_settled_without_scripts(cases: Batch, page_as: Windows) -> None:
    page = page_as("eve", java_script_enabled=False)
    page.goto(AT_WORK)
    page.get_by_role("radio", name="Water and drains").check()
    page.get_by_label("Why?").fill("The pipe.")
    page.get_by_label("Add to the guide").check()
    page.get_by_role("button", name="Settle").click()
    expect(page.get_by_role("heading", name="Case 2 of 3")).to_be_visible()
    cases.project.refresh_from_db()
    assert cases.project.guidelines == "Water and drains: The pipe."
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Case 1 of 3")).to_be_visible()
