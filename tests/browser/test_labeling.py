"""People at work in real windows: one press, the next card; nothing lost, nothing doubled."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route, expect

from labeling.models import Batch, Decision, Label, Vote
from reviewers.queue import claiming, undoing
from tests.browser.conftest import session_of
from tests.reviewers.scenery import ask, person

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
AT_WORK = "/p/city/label/"
SLOW_LINE = """
    const quick = window.fetch;
    const late = (told) => new Promise((go) => setTimeout(go, told?.method === "POST" ? 6000 : 0));
    window.fetch = (where, told) => late(told).then(() => quick(where, told));
"""


@pytest.fixture
def asked(batch: Batch) -> Batch:
    """All six tasks of the batch wait for people, and none is asked again as a random check."""
    batch.project.check_share = 0
    batch.project.save()
    for place, task in enumerate(batch.tasks.all()):
        ask(task, priority=9 - place)
    return batch


def start(page: Page) -> Page:
    """Open the page and wait until the card after the first is in hand."""
    with page.expect_response(
        lambda got: f"{AT_WORK}?have=" in got.url and got.request.headers.get("hx-request") == "true"
    ):
        page.goto(AT_WORK)
    expect(page.locator("#main")).to_have_attribute("data-ready", "1")
    return page


def text(page: Page) -> str:
    return page.locator("#place .text").inner_text()


def press(page: Page, key: str) -> None:
    """Press a key and wait until another card, or none, is there; not faster than anybody can read."""
    page.wait_for_timeout(170)
    before = page.evaluate("document.querySelector('#place > *').dataset.card ?? ''")
    page.keyboard.press(key)
    page.wait_for_function("(old) => (document.querySelector('#place .card')?.dataset.card ?? '-') !== old", arg=before)


def work(page: Page) -> Page:
    """Give a sign of work and wait until the card is this person's."""
    page.keyboard.press("x")
    expect(page.locator("#place .card")).to_have_attribute("data-begun", "", timeout=20_000)
    return page


def at_rest(page: Page) -> None:
    """Wait until the server has every answer and every undo of this window."""
    page.wait_for_function("""() => !document.querySelector("#place").ariaBusy
        && !Object.keys(localStorage).some((name) => name.startsWith("concord.answers."))""")


def expect_state(page: Page, words: str) -> None:
    """Wait for a word about the line; looked for in every frame, since some stand for a second only."""
    page.wait_for_function(
        "(words) => document.querySelector('#save-state').innerText.trim() === words", arg=words, timeout=20_000
    )


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for the database to say so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_two_people_label_with_the_keyboard_at_once_and_never_get_the_same_task(asked: Batch, page_as: Windows) -> None:
    ann, bob = start(page_as("ann")), start(page_as("bob"))
    seen: dict[str, list[str]] = {"ann": [], "bob": []}
    while Vote.objects.count() < 6:
        for name, page in (("ann", ann), ("bob", bob)):
            if page.locator("#place .card").count():
                seen[name].append(text(page))
                press(page, "1")
    for page in (ann, bob):
        expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    assert len(seen["ann"] + seen["bob"]) == 6 == len({*seen["ann"], *seen["bob"]})
    assert Vote.objects.count() == 6 == Vote.objects.values("task").distinct().count()
    assert min(len(seen["ann"]), len(seen["bob"])) >= 2


def test_the_next_card_is_there_before_the_server_has_answered(asked: Batch, page_as: Windows) -> None:
    page = page_as("ann")
    page.add_init_script(SLOW_LINE)
    start(page)
    second = asked.tasks.all()[1].text
    page.keyboard.press("2")
    expect(page.locator("#place .text")).to_have_text(second, timeout=5000)
    assert page.evaluate("document.activeElement.tagName") == "H1"
    expect_state(page, "Saving")
    expect_state(page, "Saved")
    assert Vote.objects.get().label.name == "Water and drains"
    assert text(page) == second


def test_undo_brings_the_last_task_back_and_names_what_it_undoes(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    first = text(page)
    press(page, "3")
    expect(page.locator("#place [data-do=undo]")).to_contain_text("“Noise and nuisance”")
    press(page, "u")
    assert text(page) == first and not Decision.objects.current().exists()
    press(page, "1")
    at_rest(page)
    assert Decision.objects.current().get().label.name == "Roads and lights"
    for key in ("s", "Backspace", "Control+z"):
        press(page, key)
        at_rest(page)
    assert text(page) == first


def test_a_colleagues_answer_moves_the_numbers_of_an_open_page(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("bob"))
    expect(page.locator("#pace")).to_contain_text("0 of 6")
    ann = start(page_as("ann"))
    page.evaluate("window.untouched = true")
    ann.keyboard.press("1")
    until(Vote.objects.exists)
    expect(page.locator("#pace")).not_to_contain_text("0 of 6", timeout=30_000)
    assert page.evaluate("window.untouched"), "without a reload"


def test_a_task_arrives_by_itself_where_nothing_waited(batch: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    ask(batch.tasks.first())
    expect(page.locator("#place .text")).to_contain_text("Mill Road", timeout=20_000)


def test_offline_answers_are_kept_and_sent_in_order_when_the_line_is_back(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.context.set_offline(True)
    press(page, "1")
    press(page, "2")
    expect_state(page, "Offline, 2 answers kept here")
    page.wait_for_timeout(170)
    page.keyboard.press("u")
    expect_state(page, "Offline, 1 answer kept here")
    press(page, "3")
    assert not Vote.objects.exists()
    page.context.set_offline(False)
    expect_state(page, "Saved")
    given = list(Vote.objects.order_by("pk").values_list("task__position", "label__position"))
    assert given == [(0, 0), (1, 2)]
    assert asked.tasks.all()[2].text == text(page)


def test_answers_that_could_not_be_sent_outlive_a_reload(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.route("**/label/*/", lambda route: route.abort())
    press(page, "2")
    expect_state(page, "Offline, 1 answer kept here")
    page.unroute("**/label/*/")
    page.reload()
    until(Vote.objects.exists)
    assert Vote.objects.get().task.position == 0
    expect(page.locator("#place .text")).to_have_text(asked.tasks.all()[1].text)


def test_an_answer_the_server_could_not_take_comes_back_with_the_reason(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    first = text(page)
    page.route("**/label/*/", lambda route: route.fulfill(status=500, body="no"))
    page.keyboard.press("2")
    expect(page.get_by_role("alert")).to_contain_text("Not saved: Water and drains.")
    expect_state(page, "Not saved: Water and drains")
    assert text(page) == first
    page.unroute("**/label/*/")
    page.get_by_role("button", name="Try again").click()
    expect_state(page, "Saved")
    assert Vote.objects.get().label.name == "Water and drains"


def test_answers_given_after_the_session_ended_are_sent_after_signing_in_again(
    asked: Batch, page_as: Windows, server: str
) -> None:
    page = start(page_as("ann"))
    Session.objects.all().delete()
    press(page, "2")
    expect(page.locator("#notes")).to_contain_text("You are signed out.")
    expect_state(page, "Not saved: Water and drains")
    page.context.add_cookies([{"name": "sessionid", "value": session_of("ann"), "url": server}])
    page.locator("#notes").get_by_role("button", name="Sign in").click()
    expect(page.locator(".ten a").first).to_have_text("Water")
    assert Vote.objects.get().label.name == "Water and drains"


def test_an_answer_whose_receipt_was_lost_is_not_given_twice(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))

    lost: list[str] = []

    def lose_the_receipt(route: Route) -> None:
        if lost or route.request.method != "POST":
            return route.fallback()
        lost.append(route.request.url)
        route.fetch()
        return route.abort()

    page.route("**/label/*/", lose_the_receipt)
    page.keyboard.press("2")
    expect_state(page, "Offline, 1 answer kept here")
    assert Vote.objects.count() == 1
    expect_state(page, "Saved")
    assert Vote.objects.count() == 1


def test_who_was_away_reads_that_a_colleague_took_the_task(asked: Batch, page_as: Windows) -> None:
    asked.project.lease_seconds = 1
    asked.project.save()
    page = page_as("ann", java_script_enabled=False)
    page.goto(AT_WORK)
    time.sleep(1.1)
    assert claiming.claim(person(asked.project, "bob")).escalation.task.text == text(page)
    page.get_by_role("button", name="Roads and lights").click()
    expect(page.locator("#notes .note")).to_contain_text("bob took this one while you were away.")
    assert Vote.objects.get().extra


def test_the_last_minute_of_a_lease_is_told_and_any_key_keeps_it(asked: Batch, page_as: Windows) -> None:
    asked.project.lease_seconds = 40
    asked.project.save()
    page = work(start(page_as("ann")))
    expect(page.locator("#lease")).to_contain_text("more seconds")
    type(asked.project).objects.update(lease_seconds=600)
    page.keyboard.press("x")
    expect(page.locator("#lease")).to_be_hidden()


def test_a_card_that_an_expert_settled_meanwhile_says_so(asked: Batch, page_as: Windows) -> None:
    from labeling.models import Escalation

    page = work(start(page_as("ann")))
    Escalation.objects.order_by("-priority").first().close("withdrawn")
    expect(page.locator("#notes")).to_contain_text("This one is settled by now.", timeout=20_000)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#place .text")).to_have_text(asked.tasks.all()[1].text)


def test_an_earlier_answer_is_opened_and_changed(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    press(page, "1")
    press(page, "2")
    expect(page.locator(".ten a")).to_have_text(["Water", "Roads"])
    shown = text(page)
    press(page, "ArrowLeft")
    press(page, "ArrowLeft")
    expect(page.locator("#place .source")).to_contain_text("You said Roads and lights")
    press(page, "3")
    expect(page.locator(".ten a")).to_have_text(["Noise", "Water"])
    assert text(page) == shown
    assert Decision.objects.current().get(task__position=0).label.name == "Noise and nuisance"


def test_keys_sleep_while_typing_and_the_note_goes_with_the_answer(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    first = text(page)
    page.keyboard.press("c")
    page.keyboard.type("2 services, f s u")
    assert text(page) == first
    page.keyboard.press("Enter")
    press(page, "1")
    until(Vote.objects.exists)
    assert Vote.objects.get().raw == "2 services, f s u"


def test_a_flag_takes_its_note_to_the_experts(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.keyboard.press("c")
    page.keyboard.type("Two requests in one.")
    page.keyboard.press("Enter")
    press(page, "f")
    expert = page_as("eve")
    expert.goto("/p/city/cases/")
    expect(expert.locator("#main")).to_contain_text("ann flagged it: “Two requests in one.”")
    press(page, "u")
    expect(expert.get_by_role("heading", name="No case to settle").or_(expert.locator("#state .gone"))).to_be_visible()


def test_a_key_can_be_changed_and_is_remembered(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann"))
    page.keyboard.press("?")
    page.get_by_text("Change the keys").click()
    field = page.get_by_label("Skip, or later")
    field.fill("u")
    page.get_by_role("button", name="Keep these keys").click()
    expect(page.locator(".rebind [role=alert]")).to_have_text("Two acts have the same key.")
    field.fill("x")
    page.get_by_role("button", name="Keep these keys").click()
    start(page)
    expect(page.locator("[data-do=skip] kbd")).to_have_text("x")
    first = text(page)
    page.keyboard.press("s")
    assert text(page) == first
    press(page, "x")
    assert text(page) != first


def test_one_of_many_labels_is_found_by_typing(asked: Batch, page_as: Windows) -> None:
    for place in range(3, 25):
        Label.objects.create(question=asked.project.first_question, position=place, name=f"Label {place}")
    page = start(page_as("ann"))
    page.keyboard.press("/")
    page.keyboard.type("label 17")
    expect(page.locator(".label:visible")).to_have_count(1)
    press(page, "Enter")
    until(Vote.objects.exists)
    assert Vote.objects.get().label.name == "Label 17"


def test_three_tasks_are_labeled_without_scripts(asked: Batch, page_as: Windows) -> None:
    page = page_as("ann", java_script_enabled=False)
    page.goto(AT_WORK)
    for name in ("Roads and lights", "Water and drains"):
        page.get_by_role("button", name=name).click()
    page.get_by_role("textbox", name="Note").fill("Two requests in one.")
    page.get_by_role("button", name="Flag").click()
    page.get_by_role("button", name="Undo “Flagged”").click()
    page.get_by_role("button", name="Noise and nuisance").click()
    assert list(Vote.objects.order_by("pk").values_list("label__position", flat=True)) == [0, 1, 2]
    page.get_by_role("link", name="Roads").click()
    page.get_by_role("button", name="Water and drains").click()
    assert Decision.objects.current().get(task__position=0).label.position == 1


def test_a_phone_shows_the_whole_card_and_swipes_skip_and_undo(asked: Batch, page_as: Windows) -> None:
    page = start(page_as("ann", "phone", has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in page.locator("#place .label").all():
        assert button.bounding_box()["height"] >= 44
    assert page.get_by_role("button", name="Guide").bounding_box()["y"] < 740
    first = text(page)
    swipe(page, -150)
    expect(page.locator("#place .text")).not_to_have_text(first)
    until(lambda: undoing.last_answers(person(asked.project, "ann")) != [])
    swipe(page, 150)
    expect(page.locator("#place .text")).to_have_text(first)


def swipe(page: Page, across: int) -> None:
    page.wait_for_timeout(170)
    page.evaluate(
        """(across) => {
        const on = document.querySelector("#place .text");
        const at = (x) => [new Touch({ identifier: 1, target: on, clientX: x, clientY: 150 })];
        const told = (kind, more) => on.dispatchEvent(new TouchEvent(kind, { bubbles: true, ...more }));
        told("touchstart", { touches: at(180), changedTouches: at(180) });
        told("touchend", { changedTouches: at(180 + across) });
    }""",
        across,
    )


ARRIVALS = """
    window.arrived = [];
    const note = (event) => event.animationName === "arrive" && arrived.push(event.target.dataset.card);
    addEventListener("animationstart", note, true);
"""


def test_a_card_arrives_once_however_often_the_page_is_opened(asked: Batch, page_as: Windows) -> None:
    """The word of the page that is left comes after the next one was laid out, and takes no card from it."""
    page = page_as("ann")
    page.add_init_script(ARRIVALS)
    start(page)
    card = page.locator("#place .card").get_attribute("data-card")
    for _ in range(3):
        start(page)
        page.wait_for_timeout(700)
        assert page.evaluate("arrived") == [card]
