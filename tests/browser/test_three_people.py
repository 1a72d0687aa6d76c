"""An annotator, an expert and a manager, each from the door to their own work; and what a page may not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from labeling.models import Batch, Escalation
from tests.labeling.managed import settled_batch
from tests.reviewers.scenery import ask, believe, make_case, model, person, say

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]


def come_in(browser: Any, server: str, name: str) -> Page:
    """Through the door, with name and password."""
    User.objects.filter(username=name).update(password=PBKDF2PasswordHasher().encode("right-horse-1", "salt", 1000))
    page = browser.new_page(base_url=server)
    page.goto("/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("right-horse-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/city/**")
    return page


def test_each_of_the_three_arrives_where_their_work_is(batch: Batch, browser: Any, server: str) -> None:
    ask(batch.tasks.all()[0])
    make_case(batch.tasks.all()[1])
    ann, eve, boss = (come_in(browser, server, name) for name in ("ann", "eve", "max"))
    expect(ann.locator("#place .card")).to_be_visible()
    assert ann.locator(".tabs a").count() == 0, "nothing but the task"
    eve.get_by_role("link", name="Adjudicate").click()
    expect(eve.get_by_role("heading", name="Case 1 of 1")).to_be_visible()
    assert eve.get_by_role("link", name="Money").count() == 0
    boss.get_by_role("link", name="Money").click()
    expect(boss.get_by_role("heading", level=1)).to_be_visible()
    for page in (ann, eve, boss):
        page.context.close()


def test_the_manager_reads_the_report_and_takes_the_labels_home(project: Any, page_as: Windows) -> None:
    batch = settled_batch(project, 60)
    page = page_as("max")
    page.goto("/p/city/")
    page.get_by_role("link", name="Batch report").click()
    for question in ("How good", "How fair", "How far", "How much"):
        expect(page.get_by_text(question, exact=True).first).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Export 60 labels").click()
    rows = taken.value.path().read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + batch.tasks.count()


def test_an_open_report_follows_what_people_settle_without_a_reload(batch: Batch, page_as: Windows) -> None:
    ask(batch.tasks.all()[0])
    report, ann = page_as("max"), page_as("ann")
    report.goto(f"/p/city/batches/{batch.pk}/")
    report.evaluate("window.untouched = true")
    before = report.locator("main").inner_text()
    ann.goto("/p/city/label/")
    expect(ann.locator("#main")).to_have_attribute("data-ready", "1")
    ann.keyboard.press("1")
    report.wait_for_function("(old) => document.querySelector('main').innerText !== old", arg=before, timeout=90_000)
    assert report.evaluate("window.untouched")


def test_nothing_that_reaches_the_browser_tells_what_others_said(batch: Batch, page_as: Windows) -> None:
    """Every answer of the server and every nudge of the socket, until the own answer is in."""
    first, second = batch.tasks.all()[4:6]
    crowd = model(batch.project, "Canary 7B")
    for task in (first, second):
        say(task, crowd, 1, "canary-words", probabilities=[0.11173, 0.77737, 0.1109])
        say(task, person(batch.project, "bob"), 1, "canary-note")
        believe(task, 0.11173, 0.77737, 0.1109)
        ask(task)
    Escalation.objects.update(why="The crowd is only 78% sure of canary-why.")
    page, heard = page_as("ann"), []
    page.on("response", lambda got: heard.append(got.text()) if "/static/" not in got.url else None)
    page.on("websocket", lambda line: line.on("framereceived", lambda told: heard.append(str(told))))
    page.goto("/p/city/label/")
    expect(page.locator("#main")).to_have_attribute("data-ready", "1")
    ask(batch.tasks.all()[0])
    expect(page.locator("#pace")).to_contain_text("of 3")
    wanted = (first.text, second.text, '"what"')  # the card, the one in hand, a nudge
    for _ in range(50):
        told = "\n".join([*heard, page.content()])
        if all(one in told for one in wanted):
            break
        page.wait_for_timeout(100)
    assert all(one in told for one in wanted)
    for secret in ("Canary", "canary", "0.777", "77737", "Harbour", "Old Town", "bob"):
        assert secret not in told, secret
