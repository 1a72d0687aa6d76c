"""A file becomes a batch in a browser: the page follows each choice, what is ticked is what starts, twice is once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch, Label
from tests.browser.conftest import findings

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = Path(__file__).parents[1] / "labeling" / "files" / "examples"


def chosen(page: Page, name: str) -> None:
    page.set_default_timeout(20_000)  # a start reads the file and makes the crowd
    page.goto("/p/city/import/")
    page.set_input_files("input[type=file]", EXAMPLES / name)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="Which field is what")).to_be_visible()


@pytest.mark.parametrize(("size", "theme"), [("wide", "light"), ("phone", "dark")])
def test_the_page_follows_each_choice_and_a_double_click_starts_one_batch(
    project: Any, page_as: Callable[..., Page], size: str, theme: str
) -> None:
    page = page_as("max", size, color_scheme=theme)
    chosen(page, "doc_id.csv")
    page.locator("#id_id").select_option("id")
    expect(page.get_by_text("60 rows have the id of an earlier row, but another text.")).to_be_visible()
    page.get_by_text("take them in, each under an id of its own").click()
    expect(page.get_by_label("take them in, each under an id of its own")).to_be_checked()
    page.get_by_text("Shown beside the text").click()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_label("Name of the batch").fill("Twice")
    page.get_by_role("button", name="Start").dblclick()
    page.wait_for_url("**/batches/*/")
    (batch,) = Batch.objects.all()
    assert (batch.name, batch.mapping["id"], batch.mapping["keep_same_id"]) == ("Twice", "id", True)


def test_after_a_label_error_the_page_goes_on(project: Any, page_as: Callable[..., Page]) -> None:
    Label.objects.filter(question__project=project).delete()
    page = page_as("max")
    chosen(page, "caselabel.csv")
    page.get_by_label("Labels, one on each line").fill("negative\nNegative")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("too alike to tell apart")
    page.get_by_label("Labels, one on each line").fill("negative\npositive")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/batches/*/")
    assert Batch.objects.get().mapping["gold"] == "label"
