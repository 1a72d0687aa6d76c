"""The certificate's page: who gets in, what it says, what its buttons do, what is downloaded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from labeling.checks import certificates, draws
from labeling.models import Batch, Certificate, Escalation, Membership, Project
from tests.labeling.checks.test_certificates import EASY, answer_all, settled
from tests.labeling.managed import told

__all__ = ["settled"]

pytestmark = pytest.mark.django_db
ASK = {"error": "20", "confidence": "90", "about": "all", "rule": "anytime"}


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def checked(settled: Batch) -> Batch:
    Project.objects.filter(pk=settled.project_id).update(check_by="expert", wage_microdollars_per_hour=18_000_000)
    settled.project.refresh_from_db()
    draws.draw(settled, 60)
    answer_all(settled)
    return settled


@pytest.fixture
def enter(client: Client) -> Any:
    def as_user(name: str) -> Client:
        client.force_login(User.objects.get(username=name))
        return client

    return as_user


def page(batch: Batch) -> str:
    return reverse("certificate", args=["city", batch.pk])


@pytest.mark.slow
def test_a_batch_without_checks_says_what_a_certificate_is(enter: Any, settled: Batch) -> None:
    said = told(enter("max").get(page(settled)))
    assert "Nothing has been certified yet." in said and "0 of 30 checked" in said and "Certify" in said
    assert reverse("certificate", args=["city", settled.pk]) in told(enter("max").get(settled.get_absolute_url()))


@pytest.mark.slow
def test_a_batch_without_tasks_has_a_page(enter: Any, settled: Batch) -> None:
    empty = Batch.objects.create(project=settled.project, name="Empty")
    assert "Certify" in told(enter("max").get(page(empty)))
    assert "nobody can tell" in told(enter("max").post(page(empty), ASK, follow=True))


def test_a_manager_asks_and_reads_the_statement(enter: Any, checked: Batch) -> None:
    answer = enter("max").post(page(checked), ASK, follow=True)
    found = Certificate.objects.get()
    assert answer.redirect_chain == [(found.get_absolute_url(), 302)] and found.created_by.username == "max"
    said = told(answer)
    assert found.statement in said and "eve" in said and "60 checks" in said and "given" in said
    assert "All 60 checks are answered." in said and "came after this was asked" not in said


@pytest.mark.slow
def test_answers_that_came_since_are_told(enter: Any, checked: Batch) -> None:
    certificates.issue(checked, EASY)
    draws.draw(checked, 3)
    answer_all(checked)
    assert "3 answers came after this was asked; ask again" in told(enter("max").get(page(checked)))


@pytest.mark.slow
def test_a_second_press_issues_nothing_new(enter: Any, checked: Batch) -> None:
    for _ in range(2):
        enter("max").post(page(checked), ASK)
    assert Certificate.objects.count() == 1


def test_a_refusal_offers_the_checks_that_are_missing_with_their_price(enter: Any, settled: Batch) -> None:
    Project.objects.filter(pk=settled.project_id).update(wage_microdollars_per_hour=18_000_000)
    draws.draw(settled, 10)
    said = told(enter("max").post(page(settled), {**ASK, "error": "5"}, follow=True))
    missing = Certificate.objects.get().further
    assert f"{missing} checks are missing." in said and f"Draw {missing} more, about ${missing * 0.15:.2f}" in said
    assert "10 of 10 checks wait for an answer" in said and "the rate seen so far" not in said
    answer = enter("max").post(page(settled), {"draw": str(missing)}, follow=True)
    assert f"{missing} tasks, drawn at random, wait" in told(answer)
    assert Escalation.objects.open().filter(reason="audit").count() == 10 + missing


@pytest.mark.slow
def test_labels_known_from_the_file_stand_beside_the_number_of_checks(enter: Any, settled: Batch) -> None:
    settled.tasks.filter(position__lt=40).update(gold=settled.project.label_list()[0])
    said = told(enter("max").post(page(settled), ASK, follow=True))
    assert "beside them 40 labels known from the file count as checked" in said


@pytest.mark.slow
@pytest.mark.parametrize("count", ["0", "-4", "many", "9" * 30])
def test_a_draw_that_finds_nothing_says_so(enter: Any, settled: Batch, count: str) -> None:
    assert "No settled task is left" in told(enter("max").post(page(settled), {"draw": count}, follow=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong", [{"error": ""}, {"error": "0"}, {"error": "101"}, {"confidence": "100"}, {"about": "x"}, {"rule": "x"}]
)
def test_a_target_that_makes_no_sense_is_told_on_the_page(enter: Any, settled: Batch, wrong: dict[str, str]) -> None:
    answer = enter("max").post(page(settled), {**ASK, **wrong})
    assert answer.status_code == 422 and 'class="bad' in told(answer) + 'class="bad' * ("bad-note" in told(answer))
    assert not Certificate.objects.exists()


def test_the_rule_for_one_look_is_offered_once(enter: Any, checked: Batch) -> None:
    assert "fixed beforehand" in told(enter("max").get(page(checked)))
    enter("max").post(page(checked), ASK)
    assert "fixed beforehand" not in told(enter("max").get(page(checked)))
    assert enter("max").post(page(checked), {**ASK, "rule": "once"}).status_code == 422


def test_the_file_verifies(enter: Any, checked: Batch) -> None:
    found = certificates.issue(checked, EASY)
    answer = enter("eve").get(reverse("certificate_file", args=["city", checked.pk, found.pk]))
    assert (
        answer["Content-Disposition"] == f'attachment; filename="city-batch-{checked.pk}-certificate-{found.pk}.json"'
    )
    text = answer.content.decode()
    assert certificates.verify(text) == [] and json.loads(text)["statement"] == found.statement


def test_how_common_labels_are_by_group(enter: Any, checked: Batch) -> None:
    label = checked.project.label_list()[1].name
    answer = enter("eve").get(page(checked), {"label": label})
    assert answer.context["statistics"].label == label and "Harbour" in told(answer)


def test_an_expert_reads_but_does_not_ask(enter: Any, checked: Batch) -> None:
    certificates.issue(checked, EASY)
    said = told(enter("eve").get(page(checked)))
    assert "Ask for a certificate" not in said and "Download as JSON" in said
    assert enter("eve").post(page(checked), ASK).status_code == 403


def doors(batch: Batch, number: int = 1) -> list[str]:
    return [page(batch), reverse("certificate_file", args=["city", batch.pk, number])]


def test_other_verbs_are_refused(enter: Any, settled: Batch) -> None:
    for address in doors(settled):
        assert enter("max").delete(address).status_code == 405
    assert enter("max").post(doors(settled)[1]).status_code == 405


def test_the_anonymous_are_sent_to_sign_in(client: Client, settled: Batch) -> None:
    assert [client.get(address).status_code for address in doors(settled)] == [302, 302]


def test_annotators_are_refused_and_strangers_learn_nothing(enter: Any, settled: Batch) -> None:
    assert [enter("ann").get(address).status_code for address in doors(settled)] == [403, 403]
    User.objects.create_user("stranger")
    assert [enter("stranger").get(address).status_code for address in doors(settled)] == [404, 404]


def test_nothing_of_another_project_is_reachable(enter: Any, checked: Batch) -> None:
    found = certificates.issue(checked, EASY)
    other = Project.objects.create(name="Other", slug="other")
    Membership.objects.create(project=other, user=User.objects.get(username="max"), role="manager")
    mine = Batch.objects.create(project=other, name="Mine")
    client = enter("max")
    assert client.get(reverse("certificate", args=["other", checked.pk])).status_code == 404
    assert client.get(reverse("certificate_file", args=["other", mine.pk, found.pk])).status_code == 404
    assert client.get(page(mine).replace("city", "other"), {"shown": found.pk}).context["shown"] is None


def test_check_policy_is_set_on_the_settings_page(enter: Any, settled: Batch) -> None:
    address = reverse("settings", args=["city"])
    form = enter("max").get(address).context["form"]
    fields = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    labels = {"label-TOTAL_FORMS": "0", "label-INITIAL_FORMS": "0"}
    enter("max").post(address, {**fields, **labels, "checked": "7.5", "check_by": "expert"})
    project = Project.objects.get(slug="city")
    assert project.check_share == 0.075 and project.check_by == "expert"
