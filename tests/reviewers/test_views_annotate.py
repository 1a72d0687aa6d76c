"""The page where people label, seen by its requests."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling.models import Batch, Decision, Escalation, Label, Membership, Vote
from reviewers.models import Assignment
from reviewers.queue import claiming
from tests.reviewers.scenery import answer, ask, believe, model, person, say

pytestmark = pytest.mark.django_db
SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def ann(project: Any) -> Client:
    return signed_in("ann")


def signed_in(name: str) -> Client:
    from django.contrib.auth.models import User

    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(name: str = "annotate", *more: Any) -> str:
    return reverse(name, args=["city", *more])


def cards(html: bytes) -> list[int]:
    """The assignments on a page: the one shown, then the one in hand."""
    return [int(found) for found in re.findall(r'data-card="(\d+)"', html.decode())]


def label(batch: Batch, place: int) -> Label:
    return batch.project.label_list()[place]


class TestPage:
    def test_shows_the_next_task_with_its_question_and_a_button_per_label(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        page = ann.get(url()).content.decode()
        assert "The street lamp on Mill Road is out." in page
        assert "Which service should act first?" in page
        assert re.findall(r'aria-keyshortcuts="(\d)"', page) == ["1", "2", "3"]

    def test_without_scripts_only_the_task_shown_is_taken_with_scripts_the_next_one_too(
        self, batch: Batch, ann: Client
    ) -> None:
        for task in batch.tasks.all()[:3]:
            ask(task)
        assert len(cards(ann.get(url()).content)) == 1
        assert len(cards(ann.get(url(), headers=SCRIPT).content)) == 2
        assert Assignment.objects.live().count() == 2

    def test_says_so_when_nothing_waits(self, batch: Batch, ann: Client) -> None:
        page = ann.get(url()).content
        assert b"Nothing waits for you" in page and b"New tasks come here by themselves." in page

    def test_says_why_nothing_is_handed_out_once_the_money_is_spent(self, batch: Batch, ann: Client) -> None:
        batch.project.wage_microdollars_per_hour = 10**9
        batch.project.save()
        ask(batch.tasks.first())
        page = ann.get(url()).content.decode()
        assert "Paid answers rest" in page and "1 task waits" in page

    def test_never_tells_votes_beliefs_gold_group_or_the_reason_of_asking(self, batch: Batch, ann: Client) -> None:
        task = batch.tasks.last()
        say(task, model(batch.project, "Canary 7B"), 1, "canary-words", probabilities=[0.1117, 0.7773, 0.111])
        say(task, person(batch.project, "bob"), 1, "canary-note")
        believe(task, 0.11117, 0.77773, 0.11110)
        ask(task)
        Escalation.objects.update(why="The crowd is only 78% sure of canary-why.")
        for headers in ({}, SCRIPT):
            page = ann.get(url(), headers=headers).content.decode()
            assert task.text in page
            for secret in ("Canary", "canary", "7773", "0.777", task.groups["Group"], "Harbour", "data-gold", "bob"):
                assert secret not in page, secret

    def test_shows_an_experts_words_to_whoever_is_asked_once_more(self, batch: Batch, ann: Client) -> None:
        question = ask(batch.tasks.first())
        Escalation.objects.filter(pk=question.pk).update(reason="sent_back", why="eve asks: “Whose lamp is it?”")
        assert "Whose lamp is it?" in ann.get(url()).content.decode()

    def test_shows_titled_parts_and_escapes_what_people_wrote(self, batch: Batch, ann: Client) -> None:
        task = batch.tasks.first()
        task.instance.parts = [["Premise", "<b hx-get='/x'>It rains.</b>"], ["Hypothesis", "שלום"]]
        task.instance.about = {"channel": "<script>alert(1)</script>", "guess": "Trash"}
        batch.mapping = {"text": ["text"], "shown": ["channel"]}
        batch.save()
        task.instance.save()
        ask(task)
        page = ann.get(url()).content.decode()
        assert "<h2>Premise</h2>" in page and "&lt;b hx-get" in page and "<script>alert" not in page
        assert page.count('<p dir="auto" data-from=') >= 2

    def test_twenty_five_labels_have_ten_keys_and_a_field_to_find_one(self, batch: Batch, ann: Client) -> None:
        for place in range(3, 25):
            Label.objects.create(question=batch.project.first_question, position=place, name=f"Label {place}")
        ask(batch.tasks.first())
        page = ann.get(url()).content.decode()
        assert page.count('class="label"') == 25 and 'class="find"' in page
        assert re.findall(r'aria-keyshortcuts="(\d)"', page) == [*"1234567890"]

    def test_opens_one_of_the_last_answers_to_change_it(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        done = claiming.claim(person(batch.project, "ann"))
        answer(done, 2)
        page = ann.get(url(), {"answer": done.pk}).content.decode()
        assert "You said <b>Noise and nuisance</b>" in page and f'data-card="{done.pk}"' in page

    def test_an_answer_that_is_not_there_is_not_found(self, batch: Batch, ann: Client) -> None:
        for wrong in ("0", "x", "²", "9" * 30, ""):
            assert ann.get(url(), {"answer": wrong}).status_code == 404

    def test_somebody_elses_answer_is_not_found(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        answer(other := claiming.claim(person(batch.project, "bob")), 0)
        assert ann.get(url(), {"answer": other.pk}).status_code == 404


class TestSubmit:
    def test_takes_the_label_and_answers_with_the_next_card(self, batch: Batch, ann: Client) -> None:
        for task in batch.tasks.all()[:3]:
            ask(task)
        first, second = cards(ann.get(url(), headers=SCRIPT).content)
        told = {"label": label(batch, 1).pk, "key": str(uuid.uuid4()), "seconds": "0.5", "note": "It drips."}
        page = ann.post(url("annotate_submit", first), told, headers=SCRIPT)
        assert page.status_code == 200 and cards(page.content)[0] == second
        vote = Vote.objects.get()
        assert (vote.label.name, vote.raw, vote.annotator.name) == ("Water and drains", "It drips.", "ann")
        assert 0 < vote.seconds <= 0.5

    def test_works_as_a_plain_form_too(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        held = cards(ann.get(url()).content)[0]
        page = ann.post(url("annotate_submit", held), {"label": label(batch, 1).pk})
        assert page.status_code == 302 and page.url == url()
        assert Decision.objects.get().label.name == "Water and drains"

    def test_the_same_key_twice_is_one_vote_and_another_label_under_it_is_refused(
        self, batch: Batch, ann: Client
    ) -> None:
        ask(batch.tasks.first())
        held = cards(ann.get(url()).content)[0]
        told = {"label": label(batch, 1).pk, "key": str(uuid.uuid4())}
        for _ in range(2):
            assert ann.post(url("annotate_submit", held), told, headers=SCRIPT).status_code == 200
        page = ann.post(url("annotate_submit", held), {**told, "label": label(batch, 0).pk}, headers=SCRIPT)
        assert page.status_code == 409 and "Not saved: Roads and lights." in page.content.decode()
        assert Vote.objects.count() == 1

    def test_a_late_answer_is_kept_and_the_page_says_who_has_the_task_now(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        held = cards(ann.get(url()).content)[0]
        Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        claiming.claim(person(batch.project, "bob"))
        page = ann.post(url("annotate_submit", held), {"label": label(batch, 0).pk}, headers=SCRIPT).content.decode()
        assert "bob took this one while you were away." in page and "extra opinion" in page
        assert Vote.objects.get().extra

    def test_skips_and_flags(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        held = cards(ann.get(url()).content)[0]
        ann.post(url("annotate_submit", held), {"act": "skip"})
        again = cards(ann.get(url()).content)[0]
        assert again != held and Assignment.objects.get(pk=held).state == "skipped"
        ann.post(url("annotate_submit", again), {"act": "flag", "note": "Two requests in one."})
        assert "Two requests in one." in Escalation.objects.get(to="expert").why

    def test_gives_a_card_back_that_was_only_in_hand(self, batch: Batch, ann: Client) -> None:
        for task in batch.tasks.all()[:3]:
            ask(task)
        _, ahead = cards(ann.get(url(), headers=SCRIPT).content)
        assert ann.post(url("annotate_submit", ahead), {"act": "release"}).status_code == 204
        assert Assignment.objects.live().count() == 1

    def test_changes_an_earlier_answer(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        answer(done := claiming.claim(person(batch.project, "ann")), 2)
        ann.post(url("annotate_submit", done.pk), {"label": label(batch, 0).pk}, headers=SCRIPT)
        assert Decision.objects.current().get().label.name == "Roads and lights"

    def test_refuses_what_is_no_answer_in_a_sentence(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        held = cards(ann.get(url()).content)[0]
        for told in ({}, {"label": "0"}, {"label": "x"}, {"act": "delete"}):
            page = ann.post(url("annotate_submit", held), told, headers=SCRIPT)
            assert page.status_code == 400 and "Not saved." in page.content.decode()
        page = ann.post(url("annotate_submit", held), {"note": "a\0b"}, headers=SCRIPT)
        assert page.status_code == 400 and "take it out and send it again" in page.content.decode()
        assert not Vote.objects.exists()

    def test_refuses_a_label_of_another_project(self, batch: Batch, ann: Client) -> None:
        from labeling.models import Project

        foreign = Label.objects.create(
            question=Project.objects.create(name="B", slug="b").first_question, position=0, name="Theirs"
        )
        ask(batch.tasks.first())
        held = cards(ann.get(url()).content)[0]
        assert ann.post(url("annotate_submit", held), {"label": foreign.pk}, headers=SCRIPT).status_code == 400

    def test_a_task_on_another_desk_and_a_case_are_not_found(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        ask(batch.tasks.last(), to="expert")
        theirs = claiming.claim(person(batch.project, "bob"))
        case = claiming.claim(person(batch.project, "eve", "expert"))
        told = {"label": label(batch, 0).pk}
        assert ann.post(url("annotate_submit", theirs.pk), told).status_code == 404
        assert signed_in("eve").post(url("annotate_submit", case.pk), told).status_code == 404


class TestUndoKeepAndPace:
    def test_undo_puts_the_task_back_on_the_desk_and_repeats_harmlessly(self, batch: Batch, ann: Client) -> None:
        for place, task in enumerate(batch.tasks.all()[:3]):
            ask(task, priority=3 - place)
        done = claiming.claim(person(batch.project, "ann"))
        answer(done, 2)
        page = ann.post(url("annotate_undo"), {"target": done.pk}, headers=SCRIPT).content.decode()
        assert batch.tasks.first().text in page and not Decision.objects.current().exists()
        again = ann.post(url("annotate_undo"), {"target": done.pk}, headers=SCRIPT).content.decode()
        assert "Nothing was taken back." in again and Vote.objects.count() == 2

    def test_keep_starts_the_lease_anew_and_says_how_long(self, batch: Batch, ann: Client) -> None:
        ask(batch.tasks.first())
        held = cards(ann.get(url()).content)[0]
        Assignment.objects.update(leased_until=timezone.now() + timedelta(seconds=20))
        keep = lambda: ann.post(url("annotate_keep", held), headers=SCRIPT)  # noqa: E731
        assert 598 <= keep().json()["left"] <= 600
        assert Assignment.objects.get().seconds_left > 590
        Escalation.objects.update(state="withdrawn")
        assert keep().status_code == 409
        assert ann.post(url("annotate_keep", held)).url == url(), "without scripts, back to the card"

    def test_pace_counts_todays_answers_and_names_what_is_still_held(self, batch: Batch, ann: Client) -> None:
        for task in batch.tasks.all()[:4]:
            ask(task)
        me = person(batch.project, "ann")
        answer(claiming.claim(me), 0, seconds=5)
        held = claiming.claim(me)
        page = ann.get(url("annotate_pace")).content.decode()
        assert "<b>1</b> of 4" in page and f'data-held="{held.pk}"' in page
        held.escalation.close("withdrawn")
        assert 'data-held=""' in ann.get(url("annotate_pace")).content.decode()

    def test_an_estimate_of_the_time_left_appears_after_five_answers(self, batch: Batch, ann: Client) -> None:
        for task in batch.tasks.all():
            ask(task)
        me = person(batch.project, "ann")
        for count in range(1, 6):
            answer(claiming.claim(me), 0, seconds=120)
            page = ann.get(url("annotate_pace")).content.decode()
            assert ("about <bdi>2 min left (2–2)</bdi>" in page) == (count == 5)


class TestDoor:
    gets = [("annotate", ()), ("annotate_pace", ()), ("mine", ())]
    posts = [("annotate_undo", ()), ("annotate_submit", (1,)), ("annotate_keep", (1,))]

    def statuses(self, client: Client, way: str, pages: list[tuple[str, tuple[int, ...]]]) -> set[int]:
        return {getattr(client, way)(url(name, *more)).status_code for name, more in pages}

    def test_anonymous_people_go_to_the_sign_in(self, project: Any) -> None:
        assert self.statuses(Client(), "get", self.gets) == {302}
        assert self.statuses(Client(), "post", self.posts) == {302}
        assert Client().get(url()).url.startswith(reverse("login"))

    def test_strangers_find_nothing(self, project: Any) -> None:
        stranger = signed_in("bob")
        Membership.objects.filter(user__username="bob").delete()
        assert self.statuses(stranger, "get", self.gets) == {404}
        assert self.statuses(stranger, "post", self.posts) == {404}

    def test_the_wrong_method_is_refused(self, ann: Client) -> None:
        assert self.statuses(ann, "post", self.gets) == {405}
        assert self.statuses(ann, "get", self.posts) == {405}

    def test_changes_need_the_token_of_the_page(self, batch: Batch) -> None:
        from django.contrib.auth.models import User

        strict = Client(enforce_csrf_checks=True)
        strict.force_login(User.objects.get(username="ann"), backend="django.contrib.auth.backends.ModelBackend")
        assert strict.post(url("annotate_undo")).status_code == 403
