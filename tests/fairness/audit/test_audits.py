"""Sentences put to models: each once, money held and booked, nothing settled by them, and what the page tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from fairness.audit import asking, making, told
from fairness.audit.sentences import Sentence
from fairness.models import Audit
from labeling import jobs as labeling_jobs
from labeling.files import exports
from labeling.models import Annotator, Batch, Decision, Project, Reservation, Task, Vote
from labeling.money import ledger
from labeling.people import recruiting, voters
from labeling.reports.batch.standing import standings
from labeling.rounds import calls
from tests.fake_openai import FakeOpenAI
from tests.labeling.managed import told as words

pytestmark = pytest.mark.django_db


def unequal(text: str, labels: list[str]) -> str:
    """Noise where a sister speaks, roads where a brother does."""
    return labels[2] if "sister" in text else labels[0]


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(oracle=unequal) as fake:
        yield fake


def pairs(n: int = 12) -> list[Sentence]:
    return [
        Sentence(f"frame {at}", variant, f"My {who} calls about lamp {at}.")
        for at in range(n)
        for variant, who in (("woman", "sister"), ("man", "brother"))
    ]


def chat(server: FakeOpenAI, read: str, written: str) -> str:
    return f"chat:m@{server.base_url}?local=yes&input={read}&output={written}&timeout=5"


def free(project: Project, server: FakeOpenAI) -> Annotator:
    return recruiting.add_models(project, [chat(server, "0", "0")])[0]


def paid(project: Project, server: FakeOpenAI) -> Annotator:
    return recruiting.add_paid(project, chat(server, "0.15", "0.60"))


def run(audit: Audit, most: int = 20) -> None:
    for _ in range(most):
        if not asking.step(audit.pk):
            return
    raise AssertionError("it never ends")


def begin(project: Project, *annotators: Annotator, cap: int = 0, n: int = 12) -> Audit:
    return making.begin(project.first_question, "Sisters", pairs(n), annotators, None, cap)


@pytest.mark.slow
def test_a_free_model_answers_each_sentence_once_and_every_pair_is_seen_to_flip(
    batch: Batch, server: FakeOpenAI
) -> None:
    audit = begin(batch.project, free(batch.project, server))
    run(audit)
    assert len(server.requests) == 24 and Vote.objects.filter(task__batch=audit.batch).count() == 24
    (one,) = told.told(audit).results
    (pair,) = one.pairs
    assert one.done and one.error == "" and pair.flip.value == 1.0 and pair.frames == 12
    assert pair.shift is not None and abs(pair.shift.more.value or 0) == 1.0 and pair.shift.p_adjusted < 0.05
    assert len(one.examples) == 3 and one.examples[0].said_first != one.examples[0].said_second
    asking.step(audit.pk)
    assert len(server.requests) == 24


@pytest.mark.slow
def test_a_paid_model_is_held_and_booked_to_the_micro_dollar(batch: Batch, server: FakeOpenAI) -> None:
    model = paid(batch.project, server)
    audit = begin(batch.project, model, cap=10_000_000)
    run(audit)
    audit.batch.purse.refresh_from_db()
    assert audit.batch.purse.spent_microdollars == server.bill_microdollars > 0
    assert audit.batch.purse.held_microdollars == 0 and ledger.faults() == []
    assert {one.state for one in Reservation.objects.filter(annotator=model)} == {"settled"}
    assert told.told(audit).results[0].cost_microdollars == server.bill_microdollars


@pytest.mark.slow
def test_it_ends_where_its_money_ends_and_goes_on_when_there_is_more(batch: Batch, server: FakeOpenAI) -> None:
    model = paid(batch.project, server)
    task = batch.tasks.all()[0]
    cap = calls.most_it_can_cost(voters.ready(model, batch), model, task) + 150
    audit = begin(batch.project, model, cap=cap)
    run(audit)
    member = audit.members.get()
    answered = Vote.objects.filter(task__batch=audit.batch).count()
    assert 0 < answered < 24 and "is spent" in member.error and member.done_at is not None
    ledger.set_cap(audit.batch.purse, 10_000_000)
    making.again(audit)
    run(audit)
    assert Vote.objects.filter(task__batch=audit.batch).count() == 24 and audit.members.get().error == ""
    assert len(server.requests) == 24


def test_without_money_nothing_is_asked(batch: Batch, server: FakeOpenAI) -> None:
    audit = begin(batch.project, paid(batch.project, server))
    run(audit)
    assert server.requests == [] and "is spent" in audit.members.get().error


def test_a_project_s_stop_of_paid_calls_holds_here_as_well(batch: Batch, server: FakeOpenAI) -> None:
    audit = begin(batch.project, paid(batch.project, server), cap=10_000_000)
    Project.objects.filter(pk=batch.project_id).update(calls_stopped_at=batch.created_at)
    run(audit)
    assert server.requests == [] and "stopped" in audit.members.get().error


@pytest.mark.slow
def test_a_call_that_was_cut_off_keeps_its_money_and_is_not_repeated(batch: Batch, server: FakeOpenAI) -> None:
    server.behaviours.extend(["label", "dropped"])
    audit = begin(batch.project, paid(batch.project, server), cap=10_000_000)
    run(audit)
    unknown = Reservation.objects.filter(state="unknown")
    assert unknown.count() == 1 and ledger.faults() == []
    making.again(audit)
    run(audit)
    assert Vote.objects.filter(task__batch=audit.batch).count() == 23 and unknown.count() == 1


@pytest.mark.slow
def test_a_model_that_fails_is_left_with_its_reason_and_others_go_on(batch: Batch, server: FakeOpenAI) -> None:
    server.behaviours.extend(["401"] * 30)
    first = paid(batch.project, server)
    with FakeOpenAI(oracle=unequal) as other:
        second = free(batch.project, other)
        audit = begin(batch.project, first, second, cap=10_000_000)
        run(audit)
    errors = dict(audit.members.values_list("annotator", "error"))
    assert errors[first.pk] != "" and errors[second.pk] == ""
    assert Vote.objects.filter(annotator=second).count() == 24


@pytest.mark.slow
def test_nothing_else_in_the_project_counts_the_sentences(settled: Batch, server: FakeOpenAI) -> None:
    before = list(exports.records(settled.project))
    audit = begin(settled.project, free(settled.project, server))
    run(audit)
    assert [one.batch.pk for one in standings(settled.project)] == [settled.pk]
    assert not Decision.objects.filter(task__batch=audit.batch).exists()
    assert set(Task.objects.filter(batch=audit.batch).values_list("stage", flat=True)) == {"not_asked"}
    assert list(exports.records(settled.project)) == before


def test_two_workers_do_not_ask_the_same_audit_at_once(batch: Batch, server: FakeOpenAI) -> None:
    audit = begin(batch.project, free(batch.project, server))
    assert Audit.objects.get(pk=audit.pk).lease(60)
    assert asking.step(audit.pk) is False and server.requests == []


def test_an_audit_without_a_model_is_refused(batch: Batch) -> None:
    with pytest.raises(making.CannotAudit, match="at least one model"):
        begin(batch.project)
    assert not Audit.objects.exists() and Batch.objects.count() == 1


def upload(lines: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("pairs.csv", lines.encode())


def form(model: Annotator, lines: str, **more: str) -> dict[str, Any]:
    return {"file": upload(lines), "annotators": [model.pk], "cap": "0", **more}


PAIRS = "first,second,pair\n" + "".join(f"My sister {n},My brother {n},woman/man\n" for n in range(12))


@pytest.mark.slow
def test_a_manager_uploads_pairs_and_reads_how_often_the_label_changes(
    manager: Client, batch: Batch, server: FakeOpenAI
) -> None:
    model = free(batch.project, server)
    answer = manager.post(reverse("audits", args=["city"]), form(model, PAIRS))
    audit = Audit.objects.get()
    assert answer.status_code == 302 and answer["Location"].endswith(f"/audits/{audit.pk}/")
    run(audit)
    page = words(manager.get(answer["Location"]))
    assert "changes its label" in page and "woman" in page and "100.0%" in page
    assert "pairs" in words(manager.get(reverse("audits", args=["city"])))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [("a,b\n1,2\n", "say which one holds the text"), ("first,second\n,\n", "no two sentences that differ")],
)
def test_a_file_that_cannot_be_used_is_told_beside_it(
    manager: Client, batch: Batch, server: FakeOpenAI, lines: str, sentence: str
) -> None:
    model = free(batch.project, server)
    answer = manager.post(reverse("audits", args=["city"]), form(model, lines))
    assert answer.status_code == 422 and sentence in words(answer) and not Audit.objects.exists()


def test_an_audit_of_another_project_is_not_found(manager: Client, batch: Batch, server: FakeOpenAI) -> None:
    other = Project.objects.create(name="Other", slug="other")
    audit = making.begin(other.first_question, "Theirs", pairs(), [free(other, server)])
    assert manager.get(reverse("audit", args=["city", audit.pk])).status_code == 404


class Killed(BaseException):
    """A worker that ends without a word."""


@pytest.mark.slow
def test_what_a_killed_worker_had_on_its_way_stays_held_and_the_sweep_brings_the_rest_back(
    batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed right after the answer of the third sentence came, before it was booked, and without any clean-up."""
    audit = begin(batch.project, paid(batch.project, server), cap=10_000_000)
    take, count = asking.Run._take, iter(range(100))

    def dies(run: asking.Run, task: Task, held: object, answer: object) -> None:
        if next(count) == 2:
            raise Killed
        take(run, task, held, answer)  # type: ignore[arg-type]

    monkeypatch.setattr(asking.Run, "_take", dies)
    monkeypatch.setattr(asking.Run, "keep_what_nobody_knows", lambda _: None)
    monkeypatch.setattr(Audit, "release", lambda _: None)
    with pytest.raises(Killed):
        asking.step(audit.pk)
    monkeypatch.undo()
    left = Reservation.objects.filter(task__batch=audit.batch, state="held").count()
    assert left >= 1 and asking.step(audit.pk) is False, "its lease still runs"
    Audit.objects.filter(pk=audit.pk).update(leased_until=batch.created_at)
    woken: list[int] = []
    monkeypatch.setattr("fairness.audit.jobs.go_on", woken.append)
    labeling_jobs.sweep()
    assert woken == [audit.pk]
    run(audit)
    assert Reservation.objects.filter(state="unknown").count() == left and ledger.faults() == []
    assert Vote.objects.filter(task__batch=audit.batch).count() == 24 - left
    purse = audit.batch.purse
    purse.refresh_from_db()
    assert server.bill_microdollars <= purse.spent_microdollars + purse.held_microdollars <= purse.cap_microdollars


def test_an_unforeseen_error_is_told_and_not_repeated_for_ever(
    batch: Batch, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = begin(batch.project, free(batch.project, server))
    monkeypatch.setattr(asking, "lessons", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asking.step(audit.pk)
    assert "division by zero" in audit.members.get().error and not Audit.objects.silent().exists()
