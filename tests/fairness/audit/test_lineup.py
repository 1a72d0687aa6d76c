"""Candidates of a project on the same checked tasks: what the page tells of each, and who may check the crowd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from fairness.audit import asking, rows
from fairness.models import Audit
from labeling.models import Annotator, Batch, Decision, Task, Vote
from labeling.models.grouping import chosen
from labeling.money import ledger
from labeling.people import recruiting
from tests.fake_openai import FakeOpenAI
from tests.labeling.managed import person, settled_batch, told
from tests.reviewers.scenery import model

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def lineup(batch: Batch) -> rows.Lineup:
    return rows.lineup(batch.project.first_question, chosen(batch.project))


def says(batch: Batch, one: Annotator, wrong_every: int = 10, cost: int = 0) -> None:
    """The annotator answers every task with a known label, wrongly where the number is a multiple."""
    labels = batch.project.label_list()
    for at, task in enumerate(Task.objects.filter(batch=batch, gold__isnull=False).order_by("position")):
        true = next(place for place, label in enumerate(labels) if label.pk == task.gold_id)
        said = labels[(true + (at % wrong_every == 0)) % len(labels)]
        Vote.objects.create(task=task, annotator=one, label=said, cost_microdollars=cost, seconds=2.0)


@pytest.fixture
def wide(project: object) -> Batch:
    return settled_batch(project, 240)


def test_everybody_stands_on_the_same_checks_with_right_share_price_and_pace(wide: Batch) -> None:
    large = model(wide.project, "gpt-4.1", "paid")
    says(wide, large, 12, cost=3_000)
    found = lineup(wide)
    standing = {row.standing.name: row for row in found.rows}
    assert found.checks == 120 and set(standing) == {"Alpha", "Beta", "Gamma", "gpt-4.1"}
    assert standing["gpt-4.1"].standing.right.value == pytest.approx(110 / 120)
    assert standing["gpt-4.1"].profile.price.per_1000 == pytest.approx(3.0)
    assert standing["gpt-4.1"].profile.price.seconds == pytest.approx(2.0)
    assert standing["Gamma"].standing.silent == pytest.approx(0, abs=0.2)


def test_only_who_is_not_of_the_crowd_s_kin_may_check_it(wide: Batch) -> None:
    large = model(wide.project, "gpt-4.1", "paid")
    says(wide, large, 12)
    found = lineup(wide)
    why = {row.standing.name: row.why_not for row in found.rows}
    assert why["gpt-4.1"] == "" and all(why[name] for name in ("Alpha", "Beta", "Gamma"))
    assert found.choice is not None and found.choice.name == "gpt-4.1" and found.rows[0].chosen


def test_a_paid_model_of_the_crowd_s_line_may_not(wide: Batch) -> None:
    Annotator.objects.filter(project=wide.project, name="Alpha").update(name="gpt-oss-20b")
    says(wide, model(wide.project, "gpt-4.1", "paid"), 12)
    found = lineup(wide)
    told_why = next(row.why_not for row in found.rows if row.standing.name == "gpt-4.1")
    assert "same line of models as the crowd, gpt" in told_why and found.choice is None


def test_who_answered_too_few_waits_and_nobody_is_measured_on_their_own_checks(wide: Batch) -> None:
    ann = person(wide.project, "ann")
    for task in Task.objects.filter(batch=wide, gold__isnull=False)[:20]:
        Vote.objects.create(task=task, annotator=ann, label=wide.project.label_list()[0])
    found = lineup(wide)
    assert [(one.name, one.answered) for one in found.waiting] == [("ann", 20)]


def test_the_page_names_the_fairest_and_says_what_it_was_chosen_on(manager: Client, wide: Batch) -> None:
    says(wide, model(wide.project, "gpt-4.1", "paid"), 12)
    page = told(manager.get(reverse("lineup", args=["city"])))
    assert "Four candidates on the same 120 checked tasks" in page
    assert "chosen on 60 of them; on the other 60 it is right" in page and "votes in the crowd itself" in page


def test_without_checks_the_page_says_so(manager: Client, batch: Batch) -> None:
    assert "Nobody can be compared yet" in told(manager.get(reverse("lineup", args=["city"])))


@pytest.mark.parametrize("name", ["ann", "eve"])
def test_annotators_and_experts_do_not_see_how_others_do(client: Client, batch: Batch, name: str) -> None:
    client.force_login(User.objects.get(username=name))
    for address in ("lineup", "audits"):
        assert client.get(reverse(address, args=["city"])).status_code == 403


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(oracle=lambda text, labels: labels[0]) as fake:
        yield fake


@pytest.mark.slow
def test_a_paid_model_that_never_voted_answers_copies_of_the_checks_and_stands_beside_the_others(
    manager: Client, wide: Batch, server: FakeOpenAI
) -> None:
    spec = f"chat:claude-x@{server.base_url}?local=yes&input=0.15&output=0.60&timeout=5"
    new = recruiting.add_paid(wide.project, spec)
    assert "claude-x" not in [row.standing.name for row in lineup(wide).rows]
    answer = manager.post(reverse("lineup", args=["city"]), {"annotators": [new.pk], "cap": "5"})
    audit = Audit.objects.get()
    assert answer["Location"].endswith(f"/audits/{audit.pk}/") and audit.batch.rows_new == 120
    while asking.step(audit.pk):
        pass
    found = lineup(wide)
    one = next(row for row in found.rows if row.standing.name == "claude-x")
    first = wide.project.label_list()[0]
    right = Task.objects.filter(batch=wide, gold=first).count() / 120
    assert one.standing.right.value == pytest.approx(right) and found.checks == 120
    assert not Decision.objects.filter(task__batch=audit.batch).exists()
    audit.batch.purse.refresh_from_db()
    assert audit.batch.purse.spent_microdollars == server.bill_microdollars > 0 and ledger.faults() == []
    assert not Vote.objects.filter(task__batch=wide, annotator=new).exists()
    assert "copies of checked tasks" in told(manager.get(answer["Location"]))


def test_nobody_is_asked_where_nothing_is_checked(manager: Client, batch: Batch) -> None:
    Task.objects.filter(batch=batch).update(gold=None)
    new = model(batch.project, "m")
    answer = manager.post(reverse("lineup", args=["city"]), {"annotators": [new.pk], "cap": "0"})
    assert answer.status_code == 422 and not Audit.objects.exists()
