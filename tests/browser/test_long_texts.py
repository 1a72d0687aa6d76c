"""Marks in a text of one paragraph that fills many screens: nobody waits for the drawing of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch, Project
from tests.browser.test_labeling import start
from tests.questions import batch_of
from tests.reviewers.kinds import asks
from tests.reviewers.scenery import ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Windows = Callable[..., Page]
TEXTS = {
    "words": "Maria 🙂 flew from Oslo to Bergen and then she wrote a long letter home about the rain there; ",
    "Chinese": "每个人无论你来自哪里都要尊重中国人民两个月来的奋力拼搏付出的努力",
}
LENGTH = 50_000
MOST_MS = 50
MARKS = 40
STEPS = """async ([marks, from]) => {
  const wait = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const press = () => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
  const type = document.querySelector("#place [data-type]");
  for (let at = 0; at < from; at += 1) press();
  for (let at = 0; at < marks; at += 1) {
    press();
    type.click();
    await wait();
  }
}"""


@pytest.fixture(params=TEXTS)
def text(request: pytest.FixtureRequest) -> str:
    """50,000 characters without the end of a line."""
    piece = TEXTS[request.param]
    return (piece * (LENGTH // len(piece) + 1))[:LENGTH]


@pytest.fixture
def batch(project: Project, text: str) -> Batch:
    """Two such texts, to be marked."""
    made = batch_of(project, [text, "Nobody."], attributes=[])
    asks(made, "spans", ("place", "person"), text=text)
    Batch.objects.update(stage=Batch.Stage.REVIEWING)
    for task in made.tasks.all():
        ask(task, priority=9 - task.position)
    return made


def busy(line: Any) -> float:
    """Milliseconds of the processor that the page has taken so far, for scripts, layout and all else."""
    found = {one["name"]: one["value"] for one in line.send("Performance.getMetrics")["metrics"]}
    return 1000 * float(found["TaskDuration"])


@pytest.mark.parametrize("words_in", [0, 5000])
def test_a_mark_in_an_unbroken_paragraph_is_drawn_at_once(
    batch: Batch, text: str, page_as: Windows, words_in: int
) -> None:
    page = start(page_as("ann"))
    assert page.locator("#place .text [data-from]").first.text_content() == text
    page.evaluate(STEPS, [1, words_in])  # the words of the text are found once
    line = page.context.new_cdp_session(page)
    line.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy(line)
    page.evaluate(STEPS, [MARKS, 0])
    took = (busy(line) - before) / MARKS
    expect(page.locator("#place .marked summary")).to_contain_text(f"{MARKS + 1} stretches")
    assert took < MOST_MS, f"{took:.1f} ms a mark"
    marks = json.loads(page.locator("#place [name=spans]").input_value())
    first, last = (text[start:end] for start, end, _ in (marks[0], marks[-1]))
    shown = page.locator("#place mark").evaluate_all("(all) => all.map((one) => one.textContent)")
    assert (shown[0], shown[-1]) == (first, last) and first.strip() == first
