"""No barriers on the pages of people at work: axe finds nothing serious, in both themes, wide and on a phone."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch
from reviewers.queue import answering, claiming
from tests.browser.conftest import findings
from tests.reviewers.scenery import answer, ask, believe, make_case, model, person, say

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
LOOKS = [(size, theme) for size in ("wide", "phone") for theme in ("light", "dark")]


@pytest.fixture
def full(batch: Batch) -> Batch:
    """Something of everything: cases, votes of every kind, answers, an overruled one, tasks that wait."""
    project, tasks = batch.project, list(batch.tasks.all())
    small, large = model(project, "Small 8B"), model(project, "Large", "paid")
    for task in tasks[:3]:
        believe(task, 0.5, 0.4, 0.1)
        say(task, small, 0, probabilities=[0.7, 0.2, 0.1])
        say(task, large, 1, "Since the water comes first, the drains must act before the road can be mended.")
        make_case(task)
    say(tasks[1], model(project, "Silent 9B"), None, "It depends on who owns the pipe")
    eve = person(project, "eve", "expert")
    answering.submit(claiming.claim(eve), project.label_list()[1], uuid.uuid4(), note="The pipe is the cause.")
    for task in tasks[3:]:
        ask(task)
    answer(claiming.claim(person(project, "ann")), 0)
    return batch


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_labeling_page_has_no_barriers(full: Batch, page_as: Windows, size: str, theme: str) -> None:
    page = page_as("ann", size, color_scheme=theme)
    page.goto("/p/city/label/")
    expect(page.locator("#place .card")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Guide").click()
    page.locator("#place textarea").focus()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_case_page_has_no_barriers(full: Batch, page_as: Windows, size: str, theme: str) -> None:
    page = page_as("eve", size, color_scheme=theme)
    page.goto("/p/city/cases/")
    page.keyboard.press("1")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_my_work_and_the_empty_pages_have_no_barriers(full: Batch, page_as: Windows, size: str, theme: str) -> None:
    page = page_as("ann", size, color_scheme=theme)
    page.goto("/p/city/mine/")
    expect(page.get_by_role("heading", name="An expert saw it differently")).to_be_visible()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    full.tasks.first().escalations.model.objects.open().update(state="withdrawn")
    page.goto("/p/city/label/")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    assert findings(page) == []
    experts = page_as("max", size, color_scheme=theme)
    experts.goto("/p/city/cases/")
    expect(experts.get_by_role("heading", name="No case to settle")).to_be_visible()
    assert findings(experts) == []


def test_focus_follows_the_reading_order(full: Batch, page_as: Windows) -> None:
    page = page_as("ann")
    page.goto("/p/city/label/")
    page.locator(".skip").focus()
    stops = []
    for _ in range(12):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("(document.activeElement.className || document.activeElement.name).split(' ')[0]"))
    wanted = [stop for stop in stops if stop in ("text", "label", "btn")]
    assert wanted[:6] == ["text", "label", "label", "label", "btn", "btn"]
