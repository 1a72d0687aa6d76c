"""Two seconds of latency cost nothing, and neither do slips: what fast hands do to the labeling page."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from labeling.models import Batch, Decision, Escalation, Label, Vote
from reviewers.models import Assignment
from tests.browser.test_labeling import AT_WORK, at_rest, press, start, text, until, work
from tests.reviewers.scenery import ask
from tests.tasks import put_tasks

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
TWO_SECONDS = """
    const quick = window.fetch;
    const late = () => new Promise((go) => setTimeout(go, 1000));
    window.fetch = (where, told) => late().then(() => quick(where, told)).then((got) => late().then(() => got));
"""
PRESS = """(told) => document.dispatchEvent(new KeyboardEvent("keydown", { ...told, bubbles: true }))"""
TIMED = """(key) => new Promise((done) => {
    const before = document.querySelector("#place .card")?.dataset.card;
    const began = performance.now();
    const look = () => {
        const now = document.querySelector("#place .card")?.dataset.card;
        if (now && now !== before) done(performance.now() - began);
        else if (performance.now() - began > 15000) done(15000);
        else requestAnimationFrame(look);
    };
    document.dispatchEvent(new KeyboardEvent("keydown", { key, code: `Digit${key}`, bubbles: true }));
    look();
})"""


@pytest.fixture
def sixty(batch: Batch) -> Batch:
    """Sixty tasks that wait for people, and no random checks."""
    batch.project.check_share = 0
    batch.project.save()
    put_tasks(
        batch,
        (
            {"position": place, "external_id": f"R-{place}", "parts": [["Text", f"Request number {place}."]]}
            for place in range(6, 60)
        ),
    )
    for task in batch.tasks.all():
        ask(task, priority=100 - task.position)
    return batch


@pytest.fixture
def six(batch: Batch) -> Batch:
    batch.project.check_share = 0
    batch.project.save()
    for task in batch.tasks.all():
        ask(task, priority=9 - task.position)
    return batch


def test_two_seconds_of_latency_cost_nothing(sixty: Batch, page_as: Windows) -> None:
    page = page_as("ann")
    page.add_init_script(TWO_SECONDS)
    start(page)
    page.wait_for_function("document.querySelectorAll('#place .card.next').length")
    took = []
    for turn in range(30):
        page.wait_for_timeout(450)
        took.append(page.evaluate(TIMED, str(1 + turn % 3)))
    print(f"from key to next card at +2 s: median {statistics.median(took):.0f} ms, worst {max(took):.0f} ms")
    assert statistics.median(took) < 100
    at_rest(page)
    votes = list(Vote.objects.order_by("task__position").values_list("task__position", "label__position"))
    assert votes == [(place, place % 3) for place in range(30)], "every answer once, each to the card it was given to"


def test_undo_takes_back_the_right_answer_while_others_are_on_their_way(sixty: Batch, page_as: Windows) -> None:
    page = page_as("ann")
    page.add_init_script(TWO_SECONDS)
    start(page)
    page.wait_for_function("document.querySelectorAll('#place .card.next').length")
    for key in ("1", "2", "3"):
        third = text(page)
        press(page, key)
    expect(page.locator("#place [data-do=undo]")).to_contain_text("“Noise and nuisance”")
    page.wait_for_timeout(170)
    page.keyboard.press("u")
    expect(page.locator("#place .text")).to_have_text(third, timeout=20_000)
    page.wait_for_timeout(170)
    press(page, "1")
    at_rest(page)
    stands = list(Vote.objects.current().order_by("task__position").values_list("task__position", "label__position"))
    assert stands == [(0, 0), (1, 1), (2, 0)]


def test_a_double_press_answers_one_card(six: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.wait_for_timeout(200)
    page.evaluate(f"() => [1, 2].forEach(() => ({PRESS})({{ key: '1', code: 'Digit1' }}))")
    at_rest(page)
    assert Vote.objects.count() == 1
    press(page, "1")
    at_rest(page)
    assert Vote.objects.count() == 2


def test_digits_work_by_their_place_on_keyboards_that_give_them_with_shift_only(six: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.wait_for_timeout(200)
    page.evaluate(PRESS, {"key": "é", "code": "Digit2"})
    until(Vote.objects.exists)
    assert Vote.objects.get().label.name == "Water and drains"
    page.wait_for_timeout(200)
    page.evaluate(PRESS, {"key": "!", "code": "Digit1", "shiftKey": True})
    at_rest(page)
    assert Vote.objects.count() == 1, "shift and a digit's place mean a sign, where the digits come without shift"


def test_a_card_that_was_only_looked_at_is_replaced_without_a_word_once_it_is_settled(
    six: Batch, page_as: Windows
) -> None:
    page = start(page_as("ann"))
    Escalation.objects.order_by("-priority").first().close("withdrawn")
    expect(page.locator("#place .text")).to_have_text(six.tasks.all()[1].text, timeout=20_000)
    assert page.locator("#notes .note").count() == 0


def test_nobody_moves_for_a_minute_and_what_was_not_begun_goes_back(six: Batch, page_as: Windows) -> None:
    page = page_as("ann")
    page.clock.install()
    start(page)
    assert Assignment.objects.live().count() == 2
    page.clock.run_for(62_000)
    until(lambda: not Assignment.objects.live().exists())
    first = text(page)
    page.keyboard.press("x")
    page.clock.run_for(1000)
    until(lambda: Assignment.objects.live().filter(begun_at__isnull=False).count() == 1)
    assert text(page) == first, "the card on the screen is this person's again"


def test_the_second_window_reads_that_its_answer_changed_the_first(six: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    other = page.context.new_page()
    work(start(other))
    assert text(other) == text(page)
    other.route("**/pace/", lambda route: route.abort())
    page.wait_for_timeout(200)
    press(page, "1")
    at_rest(page)
    other.keyboard.press("2")
    expect(other.locator("#notes")).to_contain_text("Changed from Roads and lights to Water and drains.")
    assert Decision.objects.current().get().label.name == "Water and drains"


def test_keys_wait_until_every_part_of_a_text_was_in_view(six: Batch, page_as: Windows) -> None:
    first = six.tasks.first()
    first.instance.parts = [
        ["Premise", "The committee met on Tuesday to discuss the budget. " * 60],
        ["Hypothesis", "It met."],
    ]
    first.instance.save()
    page = start(page_as("ann"))
    page.wait_for_timeout(200)
    expect(page.locator(".fold")).to_contain_text("2 parts, Hypothesis below")
    page.keyboard.press("1")
    expect(page.get_by_text("It met.")).to_be_in_viewport()
    assert page.locator("#place .card").count() and not Vote.objects.exists()
    expect(page.locator(".fold")).to_be_hidden()
    press(page, "1")
    until(Vote.objects.exists)


def test_a_long_text_in_one_part_says_how_much_is_below_and_keys_do_not_wait(six: Batch, page_as: Windows) -> None:
    first = six.tasks.first()
    first.instance.parts = [["Text", "The committee met on Tuesday to discuss the budget. " * 60]]
    first.instance.save()
    page = start(page_as("ann"))
    expect(page.locator(".fold")).to_contain_text("% more below")
    press(page, "1")


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_long_label_names_stay_within_their_buttons(six: Batch, page_as: Windows, size: str) -> None:
    for place in range(3, 16):
        name = "Civil rights, minority issues and civil liberties in public administration" if place % 2 else "Health"
        Label.objects.create(question=six.project.first_question, position=place, name=f"{name} {place}")
    page = start(page_as("ann", size))
    inside = """() => [...document.querySelectorAll("#place .label")].every((button) => {
        const [box, words] = [button.getBoundingClientRect(), button.querySelector("b").getBoundingClientRect()];
        return words.top >= box.top && words.bottom <= box.bottom && words.right <= box.right; })"""
    assert page.locator("#place .label").count() == 16 and page.evaluate(inside)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_pause_shows_on_the_open_page(six: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    manager = page_as("max")
    manager.goto(six.get_absolute_url())
    six.stop("")
    page.goto(AT_WORK)
    expect(page.get_by_role("heading", name="Paused since")).to_be_visible()


def test_what_comes_late_for_a_part_that_was_replaced_meanwhile_is_dropped(six: Batch, page_as: Windows) -> None:
    said: list[str] = []
    late: list[Route] = []
    page = page_as("ann")
    page.on("console", lambda message: said.append(message.text))
    six.stop("")
    page.goto(AT_WORK)
    expect(page.get_by_role("heading", name="Paused since")).to_be_visible()
    at_rest(page)
    page.route("**/label/", lambda route: late.append(route))
    with page.expect_request("**/label/"):
        page.evaluate("htmx.trigger(document.body, 'live-queue')")
    with page.expect_response("**/label/?have=*"):
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    page.wait_for_timeout(200)
    with page.expect_response("**/label/"):
        late[0].continue_()
    page.wait_for_timeout(200)
    assert [words for words in said if "oobError" in words] == []
    expect(page.get_by_role("heading", name="Paused since")).to_be_visible()


def test_an_answer_after_a_long_absence_still_counts(six: Batch, page_as: Windows) -> None:
    page = page_as("ann")
    page.clock.install()
    start(page)
    page.clock.run_for(62_000)
    until(lambda: not Assignment.objects.live().exists())
    page.keyboard.press("1")
    until(Vote.objects.exists)
    assert not Vote.objects.get().extra
