"""A card with several questions in real windows: keys alone, the mouse, undo, offline, without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch, Decision, Project, Task, Vote
from labeling.rounds import conditions
from tests.browser.conftest import findings
from tests.browser.test_cards_kinds import LOOKS, keys
from tests.browser.test_labeling import at_rest, expect_state, press, start, until
from tests.questions import batch_of, question
from tests.reviewers.scenery import ask

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
TEXTS = ["Maria flew from Oslo.", "Lamps are out in Bergen.", "No light in Turku."]
ANSWERED = ["Water and drains", [0], "3", [[0, 5, 0]]]


@pytest.fixture
def batch(project: Project) -> Batch:
    """Three instances with four questions each, all open to people."""
    project.check_share = 0
    project.save()
    question(project, "choices", ("water", "light"), wording="Which of these?")
    question(project, "scale", ("1", "2", "3"), wording="How bad?")
    question(project, "spans", ("place", "person"), wording="Which places?")
    made = batch_of(project, TEXTS, attributes=[])
    Batch.objects.update(stage=Batch.Stage.REVIEWING)
    for task in made.tasks.all():
        ask(task, priority=99 - task.position)
    return made


def stored() -> list[object]:
    votes = Vote.objects.current().order_by("task__position")
    return [vote.label.name if vote.label else vote.marks for vote in votes]


def give(page: Page, last: str = "Enter") -> None:
    """All four questions by keys alone: the digit of a choice hands the next question over."""
    keys(page, "2", "1", "Enter", "3", "ArrowRight", "1", "Enter")
    expect(page.locator("#place [data-send]")).to_be_focused()
    press(page, last)


def test_keys_alone_go_from_question_to_question_send_and_take_all_back(batch: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    give(page)
    until(lambda: stored() == ANSWERED)
    at_rest(page)
    expect(page.locator("#place [data-undone]")).to_have_text("Water and drains · water · 3 · 1 stretch")
    press(page, "u")
    at_rest(page)
    until(lambda: not Decision.objects.current().exists())
    expect(page.locator("#place .text")).to_contain_text("Maria")
    give(page)
    until(lambda: stored() == ANSWERED)


def test_offline_a_whole_card_is_kept_and_sent_later(batch: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.context.set_offline(True)
    give(page)
    expect_state(page, "Offline, 1 answer kept here")
    page.context.set_offline(False)
    until(lambda: stored() == ANSWERED)
    expect_state(page, "Saved")


def test_what_is_not_answered_is_named_and_nothing_is_sent(batch: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    keys(page, "2")
    page.locator("#place [data-send]").click()
    expect(page.locator("#place .send .told")).to_contain_text("“Which of these?” has no answer yet.")
    page.locator("#place").get_by_role("radio", name="2").check()
    page.locator("#place [data-send]").click()
    expect(page.locator("#place .send .told")).to_contain_text("“Which of these?” has no answer yet.")
    expect(page.locator("#place .part[data-on] legend")).to_have_text("Which of these?")
    keys(page, "Enter")
    expect(page.locator("#place .send .told")).to_contain_text("Press enter once more for “None of these”")
    keys(page, "Enter")
    page.get_by_label("Nothing to mark").check()
    assert not Vote.objects.exists()
    page.locator("#place [data-send]").click()
    until(lambda: stored() == ["Water and drains", [], "2", []])


def test_digits_belong_to_the_question_in_hand(batch: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.locator("#place .part").nth(2).locator("legend").click()
    page.locator("#place .part").nth(1).get_by_label("light").focus()
    keys(page, "1")
    expect(page.locator("#place :checked")).to_have_count(1)
    expect(page.locator("#place .part").nth(1).get_by_label("water")).to_be_checked()


def test_without_scripts_one_form_takes_all_answers(batch: Batch, page_as: Windows) -> None:
    page = page_as("ann", java_script_enabled=False)
    page.goto("/p/city/label/")
    page.get_by_label("Water and drains").check()
    page.get_by_role("checkbox", name="water").check()
    page.get_by_role("button", name="Send all").click()
    page.locator("#place").get_by_role("radio", name="3").check()
    page.get_by_label("Words").first.fill("Maria")
    page.locator("select").first.select_option("place")
    page.get_by_role("button", name="Send all").click()
    assert stored() == ANSWERED


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_card_of_several_questions_has_no_barriers(batch: Batch, page_as: Windows, size: str, theme: str) -> None:
    page = page_as("ann", size, color_scheme=theme)
    page.goto("/p/city/label/")
    keys(page, "2", "1")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


class TestConditions:
    @pytest.fixture
    def batch(self, project: Project) -> Batch:
        """A second question that is asked only where the first one was answered with the second label."""
        project.check_share = 0
        project.save()
        first = project.first_question
        question(project, "choices", ("pipe", "gully"), wording="Which?", asked_after=first, asked_if=1)
        made = batch_of(project, TEXTS, attributes=[])
        Batch.objects.update(stage=Batch.Stage.REVIEWING)
        conditions.apply(made)
        for task in made.tasks.about(first):
            ask(task, priority=99 - task.position)
        return made

    def test_a_question_comes_and_goes_with_the_answer_before_it(self, batch: Batch, page_as: Windows) -> None:
        page = start(page_as("ann"))
        parts, heading = page.locator("#place .part:visible"), page.locator("#place h1")
        expect(parts).to_have_count(1)
        keys(page, "2")
        expect(parts).to_have_count(2)
        expect(heading).to_contain_text("2 questions")
        expect(page.locator("#place .part[data-on] legend")).to_have_text("Which?")
        keys(page, "1")
        page.get_by_role("radio", name="Roads and lights").check()
        expect(parts).to_have_count(1)
        press(page, "Enter")
        until(lambda: stored() == ["Roads and lights"])
        keys(page, "2", "2", "Enter")
        press(page, "Enter")
        until(lambda: stored() == ["Roads and lights", "Water and drains", [1]])
        at_rest(page)
        press(page, "u")
        until(lambda: stored() == ["Roads and lights"])

    def test_without_scripts_it_comes_with_a_later_card(self, batch: Batch, page_as: Windows) -> None:
        page = page_as("ann", java_script_enabled=False)
        page.goto("/p/city/label/")
        expect(page.locator("#place").get_by_text("Which?")).not_to_be_visible()
        page.get_by_label("Water and drains").check()
        page.get_by_role("button", name="Send all").click()
        assert stored() == ["Water and drains"]
        [opened] = conditions.apply(batch)
        ask(Task.objects.get(pk=opened), priority=999)
        page.goto("/p/city/label/")
        page.get_by_role("button", name="Skip").click()
        expect(page.locator("#place").get_by_text("Which?")).to_be_visible()


class TestManyLabels:
    @pytest.fixture
    def batch(self, project: Project) -> Batch:
        """Two questions of twelve labels each, one label and any number, behind the first one."""
        project.check_share = 0
        project.save()
        question(project, "choice", [f"street {n}" for n in range(12)], wording="Which street?")
        question(project, "choices", [f"thing {n}" for n in range(12)], wording="Which things?")
        made = batch_of(project, TEXTS, attributes=[])
        Batch.objects.update(stage=Batch.Stage.REVIEWING)
        for task in made.tasks.all():
            ask(task, priority=99 - task.position)
        return made

    def test_each_question_finds_its_own_labels(self, batch: Batch, page_as: Windows) -> None:
        page = start(page_as("ann"))
        keys(page, "1")
        street, things = page.locator("#place .part").nth(1), page.locator("#place .part").nth(2)
        expect(page.locator("#place .part").nth(0).locator(".find")).to_have_count(0)
        page.keyboard.press("/")
        expect(street.locator(".find")).to_be_focused()
        page.keyboard.type("11")
        expect(street.locator(".label:visible")).to_have_count(1)
        expect(things.locator(".label:visible")).to_have_count(12)
        page.keyboard.press("Enter")
        expect(things).to_have_attribute("data-on", "")
        page.keyboard.press("/")
        page.keyboard.type("thing 7")
        page.keyboard.press("Enter")
        page.keyboard.type("thing 9")
        page.keyboard.press("Enter")
        expect(things.locator(":checked")).to_have_count(2)
        page.keyboard.press("Escape")
        expect(things.locator(".label:visible")).to_have_count(12)
        keys(page, "Enter")
        expect(page.locator("#place [data-send]")).to_be_focused()
        press(page, "Enter")
        until(lambda: stored() == ["Roads and lights", "street 11", [7, 9]])

    def test_the_line_above_counts_cards(self, batch: Batch, page_as: Windows) -> None:
        page = start(page_as("ann"))
        expect(page.locator("#pace").get_by_text("0 of 3")).to_be_visible()
