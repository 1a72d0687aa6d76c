"""A model errs in one group: the line stops in mid-batch, open pages say so, the manager mends it, labels follow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from labeling.checks import alarms
from labeling.models import Alarm, AlarmAnswer, Batch, Decision, Project
from labeling.rounds import story
from tests.browser.conftest import findings
from tests.browser.test_live import listening
from tests.fairness.skewed import voted_batch

pytestmark = pytest.mark.django_db(transaction=True)
Windows = Callable[..., Page]
AT_ONCE = 1000
"""Milliseconds from the alarm to its note on an open page."""


@pytest.fixture
def skewed(project: Project) -> Batch:
    Project.objects.update(when_alarmed="pause", check_share=0, review_share=0, accept_confidence=0.6)
    return voted_batch(Project.objects.get())


def right(batch: Batch, group: str) -> float:
    tasks = batch.tasks.in_group(["Group"], group).scorable()
    made = Decision.objects.current().filter(task__in=tasks).values_list("label", "task__gold")
    return sum(label == gold for label, gold in made) / len(made)


@pytest.mark.parametrize("address", ["/p/city/", "/p/city/tasks/", "/p/city/crowd/"])
def test_an_alarm_stands_on_an_open_page_within_a_second(skewed: Batch, page_as: Windows, address: str) -> None:
    page = listening(page_as("max"), address)
    page.wait_for_timeout(1500)
    expect(page.locator("#stopped .note")).to_have_count(0)
    concern = alarms.Concern(
        skewed.project.first_question, "Group", ["South"], "", "right", threshold=20, gap=-0.2, at_least=0.1
    )
    why = "South gets 20.0 points fewer right labels than the others; evidence 30 when it was raised, alarm at 20."
    alarms.raise_about(skewed.project, Alarm.Kind.GAP, "South", why, 30, batch=skewed, concern=concern, pauses=True)
    expect(page.locator("#stopped .note")).to_contain_text("The line is stopped for South", timeout=AT_ONCE)


def test_the_line_stops_in_mid_batch_and_the_manager_mends_it(skewed: Batch, page_as: Windows, worker: None) -> None:
    page = listening(page_as("max"), "/p/city/")
    story.advance(skewed.pk)
    note = page.locator("#stopped .note")
    expect(note).to_contain_text("The line is stopped for South")
    before = right(skewed, "South")
    note.get_by_role("link", name="Decide").click()
    expect(page.get_by_role("heading", name="The watch of June")).to_be_visible()
    expect(page.get_by_text("errs here")).to_be_visible()
    assert findings(page) == []
    page.get_by_label("Skewed").check()
    page.get_by_role("button", name="Pause the chosen model and settle anew").click()
    expect(page.get_by_text("taken back and settled anew").first).to_be_visible()
    expect(page.locator("#stopped .note")).to_have_count(0)
    for _ in range(100):
        if not skewed.tasks.undecided().exclude(belief=None).filter(belief__confidence__gte=0.6).exists():
            break
        page.wait_for_timeout(200)
    assert right(skewed, "South") > before + 0.1
    assert not Alarm.objects.standing().exists() and AlarmAnswer.objects.get().what == "model"
    page.goto(f"/p/city/batches/{skewed.pk}/watch/")
    expect(page.get_by_text("stopped the line")).to_be_visible()
    expect(page.get_by_text("its votes in June are left out")).to_be_visible()
    told = Decision.objects.filter(task__in=skewed.tasks.in_group(["Group"], "South")).exclude(superseded_at=None)
    page.goto(f"/p/city/tasks/{told.latest('pk').task_id}/")
    expect(page.locator(".events .over").first).to_be_visible()


def test_an_override_is_written_by_keyboard_and_kept(skewed: Batch, page_as: Windows) -> None:
    story.advance(skewed.pk)
    page = page_as("max", "phone")
    page.goto(f"/p/city/batches/{skewed.pk}/watch/")
    assert findings(page) == []
    page.get_by_label("Why the line may go on").fill("The known labels of the South are old.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The known labels of the South are old.")).to_be_visible()
    assert not Alarm.objects.standing().exists()
