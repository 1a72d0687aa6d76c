"""The card of each kind in real windows: keys alone, mouse, offline in between, two windows, without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch, Decision, Escalation, Label, Vote
from tests.browser.conftest import findings
from tests.browser.test_labeling import at_rest, expect_state, press, start, until, work
from tests.reviewers.kinds import asks, mark, says
from tests.reviewers.scenery import ask, person

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
KINDS = ("choices", "scale", "spans")
LOOKS = [(size, theme) for size in ("wide", "phone") for theme in ("light", "dark")]
STEPS = [str(at) for at in range(-100, 101)]


def asking(batch: Batch, kind: str, names: tuple[str, ...] | list[str] = (), **more: object) -> Batch:
    asks(batch, kind, names, **more)
    for place, task in enumerate(batch.tasks.all()):
        ask(task, priority=9 - place)
    return batch


def keys(page: Page, *pressed: str) -> None:
    page.wait_for_timeout(170)
    for key in pressed:
        page.keyboard.press(key)


def said() -> list[object]:
    return [vote.marks if vote.label is None else vote.label.name for vote in Vote.objects.order_by("pk")]


def give(page: Page, kind: str) -> None:
    """Answer the card on the screen by keys alone."""
    if kind == "choices":
        keys(page, "1", "2")
        press(page, "Enter")
    elif kind == "scale":
        press(page, "3")
    else:
        keys(page, "ArrowRight", "1", "ArrowRight", "ArrowRight", "ArrowRight", "2")
        press(page, "Enter")


GIVEN = {"choices": [0, 1], "scale": "3", "spans": [[0, 5, 0], [16, 20, 1]]}
WORDS = {"choices": "Water, Roads", "scale": "3", "spans": "2 stretches"}


@pytest.mark.parametrize("kind", KINDS)
def test_keys_alone_answer_take_back_and_answer_again(batch: Batch, page_as: Windows, kind: str) -> None:
    page = start(asking(batch, kind) and page_as("ann"))
    give(page, kind)
    until(lambda: said() == [GIVEN[kind]])
    at_rest(page)
    expect(page.locator("#place [data-undone]")).to_have_text(WORDS[kind])
    press(page, "u")
    at_rest(page)
    until(lambda: not Decision.objects.current().exists())
    give(page, kind)
    until(lambda: Decision.objects.current().count() == 1)


@pytest.mark.parametrize("kind", KINDS)
def test_offline_in_between_nothing_is_lost(batch: Batch, page_as: Windows, kind: str) -> None:
    page = start(asking(batch, kind) and page_as("ann"))
    give(page, kind)
    at_rest(page)
    page.context.set_offline(True)
    give(page, kind)
    expect_state(page, "Offline, 1 answer kept here")
    page.context.set_offline(False)
    until(lambda: said() == [GIVEN[kind]] * 2)
    expect_state(page, "Saved")


@pytest.mark.parametrize("kind", KINDS)
def test_two_windows_share_the_queue(batch: Batch, page_as: Windows, kind: str) -> None:
    asking(batch, kind)
    ann, bob = start(page_as("ann")), start(page_as("bob"))
    give(ann, kind)
    give(bob, kind)
    until(lambda: Vote.objects.count() == 2)
    assert Vote.objects.values("task").distinct().count() == 2
    assert said() == [GIVEN[kind]] * 2


@pytest.mark.parametrize(("kind", "button"), [("choices", "None of these"), ("spans", "Nothing to mark")])
def test_an_empty_answer_takes_a_second_enter_or_its_button(
    batch: Batch, page_as: Windows, kind: str, button: str
) -> None:
    page = start(asking(batch, kind) and page_as("ann"))
    keys(page, "Enter")
    expect(page.locator("#place .told")).to_contain_text("Press enter once more")
    assert not Vote.objects.exists()
    press(page, "Enter")
    until(lambda: said() == [[]])
    page.wait_for_timeout(170)
    page.locator("#place").get_by_role("button", name=button, exact=True).click()
    until(lambda: said() == [[], []])


def test_a_scale_is_walked_by_arrows_and_a_long_one_takes_an_exact_number(batch: Batch, page_as: Windows) -> None:
    page = start(asking(batch, "scale") and page_as("ann"))
    keys(page, "ArrowRight", "ArrowRight")
    press(page, "Enter")
    until(lambda: said() == ["2"])


def test_many_steps_have_a_slider_and_an_exact_field(batch: Batch, page_as: Windows) -> None:
    page = start(asking(batch, "scale", STEPS) and page_as("ann"))
    keys(page, "Enter")
    expect(page.locator("#place .told")).to_contain_text("Say a place on the scale first.")
    keys(page, "-", "3", "7")
    press(page, "Enter")
    until(lambda: said() == ["-37"])
    keys(page, "ArrowRight", "ArrowRight")
    expect(page.locator("#place [name=place]")).to_have_value("1")
    press(page, "Enter")
    until(lambda: said() == ["-37", "1"])


def test_one_of_many_labels_is_found_toggled_and_sent_by_keys(batch: Batch, page_as: Windows) -> None:
    page = start(asking(batch, "choices", [f"Code {at:04d}" for at in range(1000)]) and page_as("ann"))
    keys(page, "1", "a", "/")
    page.keyboard.type("0777")
    keys(page, "Enter")
    page.keyboard.type("0500")
    keys(page, "Enter")
    expect(page.locator("#place .told")).to_contain_text("4 chosen")
    page.keyboard.press("Escape")
    press(page, "Enter")
    until(lambda: said() == [[0, 10, 500, 777]])


class TestSpans:
    TEXT = "Zo\u0065\u0301 Müller 👩\u200d👧 met O'Brien in New York.\nשלום from תל אביב."

    def marked(self, page: Page) -> str:
        return page.locator("#place [name=spans]").input_value()

    def drag(self, page: Page, words: str, inner: bool = False) -> None:
        """Select words by mouse, from inside the first to inside the last one."""
        x1, x2, y = page.evaluate(
            """([words]) => { for (const line of document.querySelectorAll('#place .line')) {
                 const at = line.textContent.indexOf(words); if (at < 0) continue;
                 const range = document.createRange();
                 range.setStart(...Concord.pointAt(line, at, true));
                 range.setEnd(...Concord.pointAt(line, at + words.length));
                 const box = range.getBoundingClientRect();
                 return [box.left, box.right, box.top + box.height / 2]; } }""",
            [words],
        )
        off = 14 if inner else 1
        page.mouse.move(x1 + off, y)
        page.mouse.down()
        page.mouse.move(x2 - off, y, steps=4)
        page.mouse.up()
        page.wait_for_timeout(60)

    @pytest.fixture
    def page(self, batch: Batch, page_as: Windows) -> Page:
        return start(asking(batch, "spans", text=self.TEXT) and page_as("ann"))

    def test_the_mouse_snaps_to_words_and_offsets_count_code_points(self, page: Page) -> None:
        self.drag(page, "New York", inner=True)
        page.keyboard.press("2")
        press(page, "Enter")
        at = self.TEXT.index("New York")
        until(lambda: said() == [[[at, at + 8, 1]]])

    def test_with_alt_single_characters_are_taken_and_never_half_of_one(self, page: Page) -> None:
        page.keyboard.press("ArrowRight")  # Zoé, whose last letter is two code points
        keys(page, "Alt+Shift+ArrowLeft", "1")
        keys(page, "Enter")
        until(lambda: said() == [[[0, 2, 0]]])

    def test_a_type_pressed_first_marks_whatever_is_selected_and_a_click_removes(self, page: Page) -> None:
        page.keyboard.press("1")
        self.drag(page, "O'Brien", inner=True)
        self.drag(page, "Müller", inner=True)
        expect(page.locator("#place mark")).to_have_count(2)
        page.keyboard.press("Escape")
        page.locator("#place mark", has_text="O'Brien").click()
        expect(page.locator("#place mark")).to_have_count(1)
        expect(page.locator("#place [data-undone]")).to_have_text("removal on O'Brien")
        page.keyboard.press("Control+z")
        expect(page.locator("#place mark")).to_have_count(2)
        page.keyboard.press("ArrowRight")
        keys(page, "Delete")

    def test_marks_that_meet_yield_in_a_sentence(self, page: Page) -> None:
        self.drag(page, "New York")
        page.keyboard.press("2")
        self.drag(page, "York", inner=True)
        page.keyboard.press("3")
        expect(page.locator("#place .told")).to_contain_text("it took the place of “New York”, Place")
        expect(page.locator("#place mark")).to_have_count(1)

    def test_lines_that_read_from_right_to_left(self, page: Page) -> None:
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Escape")
        self.drag(page, "אביב")
        page.keyboard.press("2")
        press(page, "Enter")
        at = self.TEXT.index("אביב")
        until(lambda: said() == [[[at, at + 4, 1]]])

    def test_where_the_question_allows_it_marks_lie_over_each_other(self, batch: Batch, page_as: Windows) -> None:
        page = start(asking(batch, "spans", text=self.TEXT, overlaps=True) and page_as("ann"))
        self.drag(page, "New York")
        page.keyboard.press("2")
        self.drag(page, "York", inner=True)
        page.keyboard.press("3")
        press(page, "Enter")
        at = self.TEXT.index("New York")
        until(lambda: said() == [[[at, at + 8, 1], [at + 4, at + 8, 2]]])


def test_what_the_server_refuses_comes_back_with_all_marks(batch: Batch, page_as: Windows) -> None:
    page = start(asking(batch, "spans") and page_as("ann"))
    keys(page, "ArrowRight", "3")
    Label.objects.filter(name="Organisation").delete()  # meanwhile, on another page
    keys(page, "Enter")
    expect(page.locator("#notes")).to_contain_text("does not belong to this question")
    expect(page.locator("#place mark")).to_have_text("Maria")


@pytest.mark.parametrize("kind", ["choices", "spans"])
def test_what_is_half_done_outlives_a_reload(batch: Batch, page_as: Windows, kind: str) -> None:
    page = work(start(asking(batch, kind) and page_as("ann")))
    keys(page, "ArrowRight", "1", "c")
    page.keyboard.type("Perhaps.")
    page.reload()
    expect(page.locator("#main")).to_have_attribute("data-ready", "1")
    expect(page.locator("#place [name=note]")).to_have_value("Perhaps.")
    expect(page.locator("#place").locator("mark" if kind == "spans" else ":checked")).to_have_count(1)
    page.locator("#place h1").focus()
    press(page, "Enter")
    until(lambda: said() == [{"choices": [0], "spans": [[0, 5, 0]]}[kind]])
    assert Vote.objects.get().raw == "Perhaps."
    expect(page.locator("#place [name=note]")).to_have_value("")


@pytest.mark.parametrize("kind", KINDS)
def test_without_scripts_every_kind_is_a_form(batch: Batch, page_as: Windows, kind: str) -> None:
    asking(batch, kind)
    page = page_as("ann", java_script_enabled=False)
    page.goto("/p/city/label/")
    if kind == "choices":
        page.get_by_label("Water").check()
        page.get_by_label("Roads").check()
        page.get_by_role("button", name="Send").click()
    elif kind == "scale":
        page.locator("#place").get_by_role("button", name="3", exact=True).click()
    else:
        for place, (words, label) in enumerate([("Maria", "Person"), ("Oslo", "Place")]):
            page.get_by_label("Words").nth(place).fill(words)
            page.locator("[name=type]").nth(place).select_option(label)
        page.get_by_role("button", name="Send").click()
    assert said() == [GIVEN[kind]]


@pytest.mark.parametrize(("size", "theme"), LOOKS)
@pytest.mark.parametrize("kind", [*KINDS, "slider"])
def test_cards_have_no_barriers(batch: Batch, page_as: Windows, kind: str, size: str, theme: str) -> None:
    if kind == "slider":
        asking(batch, "scale", STEPS)
    else:
        asking(batch, kind, **({"overlaps": True} if kind == "spans" else {}))
    page = start(page_as("ann", size, color_scheme=theme))
    if kind == "choices":
        keys(page, "1", "3")
    elif kind == "spans":
        keys(page, "ArrowRight", "1", "ArrowRight", "ArrowRight", "2", "ArrowRight")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


SIDES = {"choices": ([0, 1], [1, 2]), "scale": (1, 5), "spans": ([[0, 5, 0], [16, 20, 1]], [[0, 10, 0], [24, 30, 1]])}


def disputed(batch: Batch, kind: str) -> Escalation:
    asks(batch, kind)
    task = batch.tasks.first()
    says(task, "Maria flew from Oslo to Zürich.")
    for name, answer in zip(("ann", "bob"), SIDES[kind], strict=True):
        mark(task, person(batch.project, name), answer, "I am sure." if name == "ann" else "")
    return Escalation.objects.create(task=task, to="expert", reason="people_disagree", why="They differ.", priority=1)


@pytest.mark.parametrize("kind", KINDS)
def test_an_expert_takes_one_answer_changes_it_and_settles_by_keys(batch: Batch, page_as: Windows, kind: str) -> None:
    disputed(batch, kind)
    page = page_as("eve")
    page.goto("/p/city/cases/")
    page.get_by_role("link", name="Take the answer of ann").click()
    if kind == "choices":
        keys(page, "3")
    elif kind == "scale":
        keys(page, "7")
    else:
        keys(page, "ArrowRight", "3")
    keys(page, "Enter")
    until(lambda: Decision.objects.current().exists())
    final = Decision.objects.current().get()
    wanted = {"choices": [0, 1, 2], "scale": "7", "spans": [[0, 5, 2], [16, 20, 1]]}[kind]
    assert (final.marks if final.label is None else final.label.name) == wanted


@pytest.mark.parametrize(("size", "theme"), LOOKS)
@pytest.mark.parametrize("kind", KINDS)
def test_cases_have_no_barriers(batch: Batch, page_as: Windows, kind: str, size: str, theme: str) -> None:
    disputed(batch, kind)
    page = page_as("eve", size, color_scheme=theme)
    page.goto("/p/city/cases/")
    page.get_by_role("link", name="Take the answer of ann").click()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
