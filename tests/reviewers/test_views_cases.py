"""The page where experts settle cases, seen by its requests."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labeling.models import Batch, Decision, Escalation, Project, Vote
from reviewers.queue import answering, claiming, holding
from tests.reviewers.scenery import believe, make_case, model, person, say
from tests.reviewers.test_views_annotate import signed_in

pytestmark = pytest.mark.django_db
SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def eve(project: Any) -> Client:
    return signed_in("eve")


def url(name: str = "cases", *more: Any) -> str:
    return reverse(name, args=["city", *more])


def held(batch: Batch, name: str = "eve") -> int:
    return claiming.claim(person(batch.project, name, "expert")).pk


class TestPage:
    def test_shows_the_votes_side_by_side_most_believed_first_nothing_preselected(
        self, batch: Batch, eve: Client
    ) -> None:
        task = batch.tasks.first()
        say(task, model(batch.project, "Small 8B"), 1, probabilities=[0.2, 0.71, 0.09])
        say(task, model(batch.project, "Silent 9B"), None, "It depends on who owns the pipe")
        reason = '{"label": "Water and drains", "reason": "The pipe is the cause."}'
        say(task, model(batch.project, "Large", "paid"), 1, reason)
        believe(task, 0.4, 0.55, 0.05)
        make_case(task)
        page = eve.get(url()).content.decode()
        assert re.findall(r'class="name" dir="auto">([^<]+)', page)[:3] == [
            "Water and drains",
            "Roads and lights",
            "Noise and nuisance",
        ]
        assert "Small 8B" in page and "0.71" in page and "55%" in page
        assert "checked" not in page.split("<fieldset")[1].split("</fieldset>")[0]
        assert "“It depends on who owns the pipe”" in page and "The pipe is the cause." in page
        assert (
            "Lamps are roads." in page and "split between <b>Roads and lights</b> and <b>Water and drains</b>" in page
        )
        assert 'data-overruled="bob, who chose Water"' in page

    def test_escapes_what_models_and_people_wrote(self, batch: Batch, eve: Client) -> None:
        task = batch.tasks.first()
        say(task, model(batch.project, "<i>x</i>"), 1, "<script>alert(1)</script> is my long reason for this label")
        make_case(task)
        Escalation.objects.update(why="<img src=x> says Roads and lights")
        page = eve.get(url()).content.decode()
        assert "<script>alert" not in page and "<img" not in page and "<i>x" not in page
        assert "&lt;img src=x&gt; says <b>Roads and lights</b>" in page

    def test_shows_settled_tasks_that_read_alike_and_the_guide_of_the_labels_in_dispute(
        self, batch: Batch, eve: Client
    ) -> None:
        tasks = list(batch.tasks.all())
        make_case(tasks[3])
        question = Escalation.objects.create(task=tasks[1], to="expert", reason="flagged", why=".")
        settled = holding.take(question, person(batch.project, "max", "expert"))
        answering.submit(settled, batch.project.label_list()[1], uuid.uuid4())
        tasks[3].instance.parts = [["Text", "Water comes up through the gully on the road."]]
        tasks[3].instance.save()
        page, _whole_guide = eve.get(url()).content.decode().split('<aside class="sheet" id="guide"')
        assert "Water comes up through the drain in our yard." in page and "alike" in page
        assert "All about roads and lights." in page and "All about noise" not in page

    def test_a_case_that_a_colleague_has_can_be_read_but_not_settled(self, batch: Batch, eve: Client) -> None:
        case = make_case(batch.tasks.first())
        held(batch, "max")
        page = eve.get(url(), {"case": case.pk}).content.decode()
        assert "max has this case now." in page and 'type="radio"' not in page and 'class="settle"' not in page

    def test_says_so_when_no_case_waits(self, batch: Batch, eve: Client) -> None:
        assert b"No case to settle" in eve.get(url()).content

    def test_a_task_without_votes_or_belief_is_laid_out_too(self, batch: Batch, eve: Client) -> None:
        Escalation.objects.create(task=batch.tasks.first(), to="expert", reason="flagged", why="Flagged.")
        assert eve.get(url()).status_code == 200

    def test_a_case_that_is_not_there_is_not_found(self, batch: Batch, eve: Client) -> None:
        for wrong in ("0", "x", "9" * 30):
            assert eve.get(url(), {"case": wrong}).status_code == 404
            assert eve.get(url("cases_state"), {"case": wrong}).status_code == 404

    def test_a_case_of_another_project_is_not_found(self, batch: Batch, eve: Client) -> None:
        case = make_case(batch.tasks.first())
        other = Project.objects.create(name="Other", slug="other")
        batch.tasks.update(project=other)
        assert eve.get(url(), {"case": case.pk}).status_code == 404


class TestSettle:
    def test_settles_with_the_reason_and_shows_the_next_case(self, batch: Batch, eve: Client) -> None:
        first, second = batch.tasks.all()[:2]
        make_case(first)
        make_case(second)
        labels = batch.project.label_list()
        told = {"label": labels[1].pk, "note": "The pipe is the cause.", "key": str(uuid.uuid4())}
        page = eve.post(url("case_settle", held(batch)), told, headers=SCRIPT).content.decode()
        decision = Decision.objects.current().get()
        assert (decision.label, decision.decided_by, decision.why) == (labels[1], "expert", "The pipe is the cause.")
        assert second.text in page and "Case 2 of 2" in page and "Undo" in page

    def test_a_reason_goes_into_the_guide_once_when_asked(self, batch: Batch, eve: Client) -> None:
        for task in batch.tasks.all()[:2]:
            make_case(task)
        labels = batch.project.label_list()
        for _ in range(2):
            told = {"label": labels[1].pk, "note": "If water makes the ice,\nit is water.", "guide": "on"}
            eve.post(url("case_settle", held(batch)), told)
        batch.project.refresh_from_db()
        assert batch.project.guidelines == "Water and drains: If water makes the ice, it is water."
        assert "If water makes the ice, it is water." in signed_in("ann").get(url("annotate")).content.decode()

    def test_puts_off_sends_back_and_takes_back(self, batch: Batch, eve: Client) -> None:
        task = batch.tasks.first()
        make_case(task)
        first = held(batch)
        eve.post(url("case_settle", first), {"act": "later"})
        eve.post(url("case_settle", first), {"act": "undo"})
        settled = held(batch)
        eve.post(url("case_settle", settled), {"label": batch.project.label_list()[0].pk})
        assert Decision.objects.current().exists()
        eve.post(url("case_settle", settled), {"act": "undo"})
        assert not Decision.objects.current().exists()
        eve.post(url("case_settle", held(batch)), {"act": "back", "note": "Whose lamp is it?"})
        assert "Whose lamp is it?" in Escalation.objects.open().to_people().get().why

    def test_works_as_a_plain_form_too(self, batch: Batch, eve: Client) -> None:
        make_case(batch.tasks.first())
        page = eve.post(url("case_settle", held(batch)), {"label": batch.project.label_list()[0].pk}, follow=True)
        assert page.redirect_chain[0][0] == url() and b"No case to settle" in page.content

    def test_refuses_no_label_in_a_sentence_and_keeps_the_words(self, batch: Batch, eve: Client) -> None:
        make_case(batch.tasks.first())
        page = eve.post(url("case_settle", held(batch)), {"note": "Half a thought"}, headers=SCRIPT)
        assert page.status_code == 400 and "Choose one of the labels" in page.content.decode()
        assert 'value="Half a thought"' in page.content.decode()

    def test_a_colleagues_case_and_a_task_of_ones_own_are_not_found(self, batch: Batch, eve: Client) -> None:
        make_case(batch.tasks.first())
        theirs = held(batch, "max")
        told = {"label": batch.project.label_list()[0].pk}
        assert eve.post(url("case_settle", theirs), told).status_code == 404
        Escalation.objects.create(task=batch.tasks.last(), to="person", reason="uncertain", why=".")
        own_task = claiming.claim(person(batch.project, "eve"))
        assert eve.post(url("case_settle", own_task.pk), told).status_code == 404
        assert Vote.objects.filter(annotator__kind="expert").count() == 0


class TestState:
    def test_says_who_is_at_work_and_when_the_case_was_taken_settled_or_came_free(
        self, batch: Batch, eve: Client
    ) -> None:
        case = make_case(batch.tasks.first())
        ask = lambda: eve.get(url("cases_state"), {"case": case.pk}).content.decode()  # noqa: E731
        assert "This case is free." in ask()
        theirs = claiming.claim(person(batch.project, "max", "expert"))
        assert "max has this case now." in ask() and "max is on" in ask()
        answering.submit(theirs, batch.project.label_list()[0], uuid.uuid4())
        assert "max settled this case as Roads and lights." in ask()

    def test_says_nothing_about_ones_own_case(self, batch: Batch, eve: Client) -> None:
        case = make_case(batch.tasks.first())
        held(batch)
        assert "note gone" not in eve.get(url("cases_state"), {"case": case.pk}).content.decode()


class TestDoor:
    pages = [("get", "cases", ()), ("post", "case_settle", (1,)), ("get", "cases_state", ())]

    def test_only_experts_and_managers_come_in(self, project: Any) -> None:
        ann, manager = signed_in("ann"), signed_in("max")
        for way, name, more in self.pages:
            assert getattr(Client(), way)(url(name, *more)).url.startswith(reverse("login"))
            assert getattr(ann, way)(url(name, *more)).status_code == 403
            assert getattr(manager, way)(url(name, *more)).status_code in (200, 404)

    def test_the_wrong_method_is_refused(self, eve: Client) -> None:
        for way, name, more in self.pages:
            assert getattr(eve, "post" if way == "get" else "get")(url(name, *more)).status_code == 405


def test_the_count_beside_the_tab_follows_what_was_settled(batch: Batch, eve: Client) -> None:
    make_case(batch.tasks.first())
    assert 'id="cases-count">1<' in eve.get(url()).content.decode()
    form = {"label": batch.project.label_list()[0].pk}
    answer = eve.post(url("case_settle", held(batch)), form, headers=SCRIPT).content.decode()
    assert "No case to settle" in answer and 'id="cases-count" hx-swap-oob="true" hidden>0<' in answer
