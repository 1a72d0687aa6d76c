"""What one does with a batch: pause, go on, see skipped rows, take labels out, compare methods; and its tasks."""

from __future__ import annotations

import asyncio
import csv
import json
from collections import Counter
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from labeling.files import exports
from labeling.models import Annotator, Batch, Belief, Decision, Escalation, Round, SkippedRow, Vote
from labeling.reports import kept
from labeling.reports.batch import comparison
from labeling.truth import methods
from labeling.web.views import streams
from tests.labeling.managed import person, told

pytestmark = pytest.mark.django_db


def of(batch: Batch, name: str, *more: Any) -> str:
    return reverse(name, args=[batch.project.slug, batch.pk, *more])


def test_a_batch_is_paused_and_goes_on(manager: Client, batch: Batch) -> None:
    manager.post(of(batch, "batch_control"), {"action": "pause"})
    batch.refresh_from_db()
    assert batch.paused_at and not batch.error
    manager.post(of(batch, "batch_control"), {"action": "resume"})
    batch.refresh_from_db()
    assert not batch.paused_at


def test_trying_again_clears_the_error(manager: Client, batch: Batch) -> None:
    batch.stop("The server does not answer; start it.")
    assert "The server does not answer" in told(manager.get(batch.get_absolute_url()))
    manager.post(of(batch, "batch_control"), {"action": "resume"})
    batch.refresh_from_db()
    assert not batch.error and not batch.paused_at


def test_skipped_rows_are_listed_with_line_and_reason_page_by_page(manager: Client, batch: Batch) -> None:
    SkippedRow.objects.bulk_create(
        SkippedRow(batch=batch, line=n, kind="bad" if n % 2 else "duplicate", reason=f"Reason <{n}>.")
        for n in range(1, 151)
    )
    first = manager.get(of(batch, "batch_rows"))
    assert len(first.context["rows"]) == 100 and "Reason &lt;1&gt;." in told(first)
    second = manager.get(of(batch, "batch_rows"), {"after": first.context["after"]})
    assert [row.line for row in second.context["rows"]] == list(range(101, 151)) and second.context["after"] is None
    bad = manager.get(of(batch, "batch_rows"), {"kind": "bad"})
    assert {row.kind for row in bad.context["rows"]} == {"bad"}


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")  # the test client is no ASGI server
def test_labels_leave_as_csv_that_no_spreadsheet_runs(manager: Client, settled: Batch) -> None:
    settled.instances.filter(position=0).update(external_id="=SUM(A1)", groups={"Group": "@x"})
    answer = manager.get(of(settled, "batch_export", "csv"))
    assert answer["Content-Type"].startswith("text/csv") and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == f'attachment; filename="city-batch-{settled.pk}-labels.csv"'
    rows = list(csv.DictReader(b"".join(answer).decode().splitlines()))
    assert len(rows) == 120 and rows[0]["task"] == "'=SUM(A1)" and rows[0]["group"] == "'@x"


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")  # the test client is no ASGI server
def test_labels_leave_as_jsonl_for_the_whole_project(manager: Client, settled: Batch) -> None:
    answer = manager.get(reverse("project_export", args=["city", "jsonl"]))
    rows = [json.loads(line) for line in b"".join(answer).decode().splitlines()]
    assert len(rows) == 120 and rows[0]["decided_by"] == "crowd"


def test_other_formats_are_not_found(manager: Client, settled: Batch) -> None:
    assert manager.get(of(settled, "batch_export", "xlsx")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_downloads_are_written_block_by_block_under_an_asynchronous_server(settled: Batch) -> None:
    taken: list[int] = []

    def lines() -> Any:
        for number, line in enumerate(exports.jsonl(settled)):
            taken.append(number)
            yield line

    async def first_block() -> bytes:
        return await anext(streams.blocks(lines()))

    streams.TOGETHER, before = 10, streams.TOGETHER
    try:
        block = asyncio.run(first_block())
    finally:
        streams.TOGETHER = before
    assert block.count(b"\n") == 10 and len(taken) == 10


def test_methods_stand_side_by_side(manager: Client, settled: Batch) -> None:
    page = manager.get(of(settled, "batch_methods"))
    found = page.context["found"]
    most, share = Counter(settled.tasks.exclude(gold=None).values_list("gold__name", flat=True)).most_common(1)[0]
    assert found.common == (most, share / 60) and f"always saying <bdi>{most}</bdi> is right" in told(page)
    assert {line.name for line in found.lines} == set(methods.NAMES)
    majority = next(line for line in found.lines if line.name == "majority_vote")
    assert majority.right.value == pytest.approx(48 / 60) and majority.right.low < 48 / 60
    assert majority.agrees.value == 1.0 and majority.seconds is not None
    assert [line.name for line in found.lines if line.waits] == list(comparison.SLOW)


@pytest.mark.slow
def test_answers_with_probabilities_count_once_and_say_something(manager: Client, settled: Batch) -> None:
    for vote in settled.project.annotators.get(name="Gamma").votes.filter(label__isnull=False):
        place = vote.label.position
        chances = [0.7 if other == place else 0.15 for other in range(3)]
        corrected = {"task": vote.task, "annotator": vote.annotator, "label": vote.label, "corrects": vote}
        Vote.objects.create(**corrected, probabilities=chances)
    found = manager.get(of(settled, "batch_methods")).context["found"]
    assert found.votes == 360 and found.degenerate == ()


@pytest.mark.slow
def test_a_slow_method_runs_when_its_row_is_asked_for(manager: Client, settled: Batch) -> None:
    row = manager.get(of(settled, "batch_methods"), {"method": "glad"}, headers={"HX-Request": "true"})
    assert told(row).startswith("<tr>") and "run it now" not in told(row)
    found = manager.get(of(settled, "batch_methods")).context["found"]
    assert "glad" not in [line.name for line in found.lines if line.waits]


@pytest.mark.slow
def test_a_method_is_chosen_for_the_next_round(manager: Client, settled: Batch) -> None:
    manager.post(of(settled, "batch_methods"), {"aggregator": "ibcc"})
    settled.project.refresh_from_db()
    assert settled.project.aggregator == "ibcc"
    manager.post(of(settled, "batch_methods"), {"aggregator": "os.system"})
    settled.project.refresh_from_db()
    assert settled.project.aggregator == "ibcc"


def test_a_batch_without_votes_has_nothing_to_compare(manager: Client, batch: Batch) -> None:
    assert "Nobody has voted" in told(manager.get(of(batch, "batch_methods")))


@pytest.mark.slow
def test_tasks_are_filtered_and_paged_by_key(manager: Client, settled: Batch, batch: Batch) -> None:
    address = reverse("tasks", args=["city"])
    first = manager.get(address, {"batch": settled.pk, "group": "Harbour"}).context["page"]
    assert len(first.tasks) == 50 and {task.groups["Group"] for task in first.tasks} == {"Harbour"}
    second = manager.get(f"{address}?{first.query}").context["page"]
    assert second.tasks[0].pk > first.tasks[-1].pk and second.after is None
    assert len(manager.get(address, {"stage": "open"}).context["page"].tasks) == 6
    label = settled.project.label_list()[0].name
    named = manager.get(address, {"label": label, "by": "crowd"}).context["page"].tasks
    assert {task.standing[0].label.name for task in named} == {label}
    assert manager.get(address, {"by": "expert"}).context["page"].tasks == []


def test_names_that_are_no_filter_reach_no_query(manager: Client, settled: Batch) -> None:
    asked = {"project__memberships__user__password__startswith": "p", "order": "gold", "batch": "x", "id": "%00"}
    assert manager.get(reverse("tasks", args=["city"]), asked).status_code == 200


def test_a_task_shows_its_whole_history(manager: Client, settled: Batch) -> None:
    task = settled.tasks.first()
    ann = person(settled.project, "ann")
    evil = "<img src=x onerror=alert(1)>"
    Vote.objects.create(task=task, annotator=ann, label=None, raw=evil, prompt_version="v7", attempts=3)
    Escalation.objects.create(task=task, to="person", reason="uncertain", why=f"Torn {evil}.")
    Decision.objects.current().filter(task=task).update(superseded_at=task.instance.created_at)
    Decision.objects.create(
        task=task, label=settled.project.label_list()[2], decided_by="person", annotator=ann, confidence=1, entropy=0
    )
    page = told(manager.get(task.get_absolute_url()))
    assert "superseded" in page and "3 tries" in page and "prompt v7" in page and "Torn &lt;img" in page
    assert "<img src=x" not in page


def test_a_task_says_why_it_was_sent_where_in_order(manager: Client, settled: Batch) -> None:
    task, labels = settled.tasks.first(), settled.project.label_list()
    turn = Round.objects.create(batch=settled, number=2, method="auto", router="value")
    paid = Annotator.objects.create(project=settled.project, kind="paid", name="Dear", spec="x", price_microdollars=9)
    asked = Escalation.objects.create(
        task=task,
        round=turn,
        to="paid",
        annotator=paid,
        reason="uncertain",
        why="The crowd is torn.",
        expected_gain=0.18,
        price_microdollars=730,
    )
    vote = Vote.objects.create(task=task, annotator=paid, label=labels[1])
    asked.close("answered", vote)
    lost = Escalation.objects.create(task=task, to="person", reason="uncertain", why="Torn again.")
    lost.close("withdrawn")
    story = manager.get(task.get_absolute_url()).context["story"]
    titles = [event.title for event in story.events]
    settled_as = Decision.objects.current().get(task=task).label
    assert story.events[0].text.startswith(f"2 said {settled_as}; 1 said ")
    assert titles[0] == "3 models vote" and titles[2] == "Round 2: sent to Dear"
    assert titles[3] == "Dear says Water and drains" and titles[-1] == "The question to people is taken back"
    page = told(manager.get(task.get_absolute_url()))
    assert "expected to add 18.0 points for $0.00073" in page and "The crowd is torn." in page


def test_later_answers_show_how_they_moved_the_belief(manager: Client, settled: Batch) -> None:
    task = settled.tasks.first()
    task.belief.base, task.belief.probabilities = [0.25, 0.7, 0.05], [0.1, 0.85, 0.05]
    task.belief.save()
    answer = manager.get(task.get_absolute_url())
    assert [chance.moved for chance in answer.context["story"].chances] == [True, True, False]
    assert "was 70.0%" in told(answer) and "was 25.0%" in told(answer) and "was 5.0%" not in told(answer)


@pytest.mark.slow
def test_stored_names_are_only_text(manager: Client, settled: Batch) -> None:
    evil = "<script>alert(1)</script>"
    Batch.objects.filter(pk=settled.pk).update(name=evil, error=evil)
    settled.instances.update(groups={"Group": evil})
    settled.project.first_question.labels.filter(position=0).update(name=evil)
    settled.project.annotators.filter(name="Alpha").update(name=evil, error=evil)
    pages = [settled.get_absolute_url(), "/p/city/", "/p/city/crowd/", "/p/city/tasks/", of(settled, "batch_methods")]
    for address in pages:
        assert "<script>alert" not in manager.get(address).content.decode(), address


@pytest.mark.slow
def test_what_is_left_over_is_offered_to_people_at_its_price_or_accepted(manager: Client, batch: Batch) -> None:
    labels = batch.project.label_list()
    for task in batch.tasks.all():
        Belief.objects.create(
            task=task, probabilities=[0.6, 0.3, 0.1], base=[0.6, 0.3, 0.1], label=labels[0], confidence=0.6, entropy=1.3
        )
    page = told(manager.get(batch.get_absolute_url()))
    assert "6 tasks stay open" in page and "Ask people about 6 more" in page
    manager.post(of(batch, "batch_control"), {"action": "ask"})
    assert Escalation.objects.open().to_people().count() == 6
    assert "Ask people about" not in told(manager.get(batch.get_absolute_url()))
    manager.post(of(batch, "batch_control"), {"action": "accept"})
    batch.refresh_from_db()
    assert batch.accept_confidence == 0 and batch.stage == Batch.Stage.WEIGHING


def test_a_task_says_whether_the_label_of_the_file_settles_it_or_only_scores(manager: Client, settled: Batch) -> None:
    task = settled.tasks.filter(gold__isnull=False)[0]
    page, gold = told(manager.get(task.get_absolute_url())), task.gold
    assert f"The file says <bdi>{gold}</bdi>: no method sees it and it settles nothing, it only scores" in page
    assert "Known from the file" not in page
    settled.tasks.filter(pk=task.pk).update(slice="validation")
    page = told(manager.get(task.get_absolute_url()))
    assert f"Known from the file: <bdi>{gold}</bdi>" in page and "only scores" not in page


PARTS = [
    ("certificate", "standing"),
    ("certificate", "statistics"),
    ("replay", "standing"),
    ("replay", "report"),
    ("methods", "report"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "part"), PARTS)
def test_pages_of_kept_numbers_follow_and_fetch_newer_ones_by_themselves(
    manager: Client, settled: Batch, page: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept.Kept, "_left", lambda _: 7.0)  # whatever was computed once still serves for seven seconds
    cache.clear()
    address = f"/p/city/batches/{settled.pk}/{page}/"
    assert "load delay" not in told(manager.get(address))
    Vote.objects.create(task=settled.tasks.last(), annotator=person(settled.project, "ann"), label=None)
    said = told(manager.get(address, headers={"HX-Request": "true", "HX-Target": part}))
    assert said.strip().startswith("<div") and f'id="{part}"' in said and "<html" not in said
    assert "live-later from:body" in said and ("load delay:7s" in said or page + part == "certificatestanding")
