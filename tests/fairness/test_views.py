"""The overview and the batch report as pages: what they say, what refreshes itself, what their buttons do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling.models import Batch, Decision, Escalation, Task
from labeling.reports import kept
from labeling.reports.batch.standing import standing
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def test_an_empty_project_says_what_to_do(manager: Client, project: Any) -> None:
    page = told(manager.get("/p/city/"))
    assert "No batch yet" in page and "Choose a file" in page and "Nothing waits for you." in page


def test_the_overview_answers_the_four_questions(manager: Client, settled: Batch) -> None:
    page = told(manager.get("/p/city/"))
    for words in ("80.0% <small>68.2–88.2</small>", "120 <small>of 120</small>", "$0.00 <small>of $50.00</small>"):
        assert words in page
    assert "widest gap between groups" in page


@pytest.mark.parametrize("page", ["", "batches/{}/", "money/"])
def test_every_page_tells_the_same_number_for_right(manager: Client, settled: Batch, page: str) -> None:
    found = told(manager.get(f"/p/city/{page.format(settled.pk)}"))
    assert "80.0%" in found and "68.2–88.2" in found


def test_labels_no_better_than_the_commonest_one_are_called_so_first(manager: Client, settled: Batch) -> None:
    said = Counter(settled.tasks.exclude(gold=None).values_list("gold", flat=True))
    label, often = said.most_common(1)[0]
    Decision.objects.update(label=label)
    name = settled.project.first_question.labels.get(pk=label).name
    page = manager.get(settled.get_absolute_url())
    words = f"no better than always saying {name}, which is right {100 * often / 60:.0f} times"
    assert words in told(page)
    assert f"<b>No better than always saying <bdi>{name}</bdi></b>" in told(page)


def test_the_overview_says_what_waits(manager: Client, settled: Batch, batch: Batch) -> None:
    tasks = list(batch.tasks.all())
    Escalation.objects.create(task=tasks[0], to="expert", reason="people_disagree", why="Split.")
    Escalation.objects.create(task=tasks[1], to="person", reason="uncertain", why="Torn.")
    Batch.objects.filter(pk=batch.pk).update(rows_bad=3, rows_read=9)
    settled.stop("The key is refused; set a right one.")
    said = [(todo.strong, todo.text) for todo in manager.get("/p/city/").context["todos"]]
    assert said == [
        ("May", "has stopped"),
        ("1 case", "needs an expert"),
        ("1 task", "waits for a person"),
        ("4 tasks", "of March are not sure enough, and nobody is asked"),
        ("3 lines", "of March could not be read"),
    ]


@pytest.mark.slow
def test_parts_refresh_by_themselves(manager: Client, settled: Batch) -> None:
    htmx = {"HX-Request": "true"}
    part = manager.get("/p/city/", headers={**htmx, "HX-Target": "standing"})
    assert told(part).startswith('<div class="page-part" id="standing"') and "<html" not in told(part)
    part = manager.get("/p/city/", headers={**htmx, "HX-Target": "todo"})
    assert told(part).startswith('<div class="block" id="todo"')
    part = manager.get(settled.get_absolute_url(), headers={**htmx, "HX-Target": "standing"})
    assert "How good" in told(part) and "Cohen" not in told(part)
    assert "<html" in told(manager.get("/p/city/", headers={**htmx, "HX-Target": "anything"}))


@pytest.mark.slow
def test_the_report_has_no_number_without_its_interval(manager: Client, settled: Batch) -> None:
    page = told(manager.get(settled.get_absolute_url()))
    assert "<b>80.0%</b> <small>68.2–88.2</small>" in page and "Krippendorff" in page and "Crowd of 3 models" in page
    assert "undecided at 5 points" in page and "screening only" in page


def test_measure_and_label_are_chosen_by_address(manager: Client, settled: Batch) -> None:
    label = settled.project.label_list()[1].name
    answer = manager.get(settled.get_absolute_url(), {"measure": "found", "label": label})
    assert answer.context["choice"].measure == "found" and answer.context["choice"].label == label


def test_a_batch_that_nobody_labeled_yet_has_a_page(manager: Client, batch: Batch) -> None:
    for stage in Batch.Stage.values:
        Batch.objects.filter(pk=batch.pk).update(stage=stage)
        assert manager.get(batch.get_absolute_url()).status_code == 200


@pytest.mark.slow
def test_a_button_sends_settled_tasks_of_a_group_to_people(manager: Client, settled: Batch) -> None:
    address = reverse("check_more", args=["city", settled.pk])
    answer = manager.post(address, {"group": "Old Town", "count": "4"}, follow=True)
    assert "4 tasks of Old Town, drawn at random, wait" in told(answer)
    assert set(Escalation.objects.open().values_list("task__instance__groups__Group", "reason")) == {
        ("Old Town", "audit")
    }
    assert Task.objects.filter(check_probability__isnull=False).count() == 4
    assert "4 checks wait" in told(manager.get(settled.get_absolute_url()))


@pytest.mark.slow
@pytest.mark.parametrize("form", [{"count": "many"}, {"count": "-3"}, {}, {"count": "5", "group": "Nowhere"}])
def test_a_draw_that_finds_nothing_says_so(manager: Client, settled: Batch, form: dict[str, str]) -> None:
    answer = manager.post(reverse("check_more", args=["city", settled.pk]), form, follow=True)
    assert "No settled task is left" in told(answer) and not Escalation.objects.exists()


def test_a_vanished_batch_that_was_just_started_explains_itself(manager: Client, project: Any) -> None:
    session = manager.session
    session["started"] = [4711]
    session.save()
    answer = manager.get("/p/city/batches/4711/", follow=True)
    assert answer.redirect_chain == [("/p/city/import/", 302)] and "no batch was made" in told(answer)
    assert manager.get("/p/city/batches/4712/").status_code == 404


def test_where_a_batch_stands(project: Any, batch: Batch, settled: Batch) -> None:
    now = standing(settled)
    assert (now.total, now.settled, now.open, now.solid, now.words) == (120, 120, 0, 1.0, "with people")
    Escalation.objects.create(task=batch.tasks.first(), to="expert", reason="flagged", why="Odd.")
    assert standing(batch).words == "with experts" and standing(batch).asked == {"expert": 1}
    batch.stop("")
    batch.refresh_from_db()
    assert standing(batch).words == "paused"


def test_the_cost_of_a_page_does_not_grow_with_the_batches(
    manager: Client, project: Any, django_assert_max_num_queries: Any
) -> None:
    for n in range(12):
        Batch.objects.create(project=project, name=f"b{n}")
    manager.get("/p/city/")
    with django_assert_max_num_queries(45):
        manager.get("/p/city/")


@pytest.mark.slow
def test_a_page_that_shows_an_older_number_fetches_itself_once_more(
    manager: Client, settled: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 10_000)
    for address in (settled.get_absolute_url(), "/p/city/"):
        assert "load delay" not in told(manager.get(address))
    Escalation.objects.create(task=settled.tasks.first(), to="person", reason="uncertain", why="Torn.")
    for address in (settled.get_absolute_url(), "/p/city/"):
        assert told(manager.get(address)).count(", load delay:") == 2


def test_a_batch_that_is_put_away_stopped_or_paused_says_so_first(manager: Client, batch: Batch) -> None:
    batch.stop("")
    assert "<b>It is paused.</b>" in told(manager.get(batch.get_absolute_url()))
    batch.stop("The key is refused; set a right one.")
    assert "It has stopped; why stands below." in told(manager.get(batch.get_absolute_url()))
    Batch.objects.filter(pk=batch.pk).update(archived_at=timezone.now())
    page = told(manager.get(batch.get_absolute_url()))
    assert "This batch is put away" in page and "Bring it back" in page and 'id="control"' not in page
    overview = told(manager.get("/p/city/"))
    assert "Every batch is put away" in overview and "settled. Nobody" not in overview


def test_one_check_is_spoken_of_as_one(manager: Client, settled: Batch) -> None:
    answer = manager.post(reverse("check_more", args=["city", settled.pk]), {"count": "1"}, follow=True)
    assert "1 task, drawn at random, waits in the queue" in told(answer)


def test_labels_of_the_file_alone_are_not_taken_for_a_batch_without_groups(manager: Client, settled: Batch) -> None:
    Task.objects.filter(batch=settled).exclude(gold=None).update(slice="validation")
    Decision.objects.filter(task__gold=None).delete()
    Task.objects.filter(batch=settled, gold=None).update(stage="open")
    page = told(manager.get(settled.get_absolute_url()))
    assert "No groups" not in page and "not in groups" not in page
    assert "nothing is settled yet but what the file knew" in page
