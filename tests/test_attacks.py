"""What an outsider, or a member who wants more than their role gives, may try on every address there is.

New addresses are found by themselves: one that takes a key of a new kind fails here until the key is named below.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from fairness.audit import making
from fairness.audit.sentences import Sentence
from fairness.models import Audit
from labeling.checks import certificates
from labeling.models import Alarm, Annotator, Batch, Escalation, Instance, Label, Membership, Project, Task
from labeling.money import ledger
from reviewers.queue import answering, claiming
from tests.reviewers.scenery import answer, ask, believe, make_case, model, person, say

pytestmark = pytest.mark.django_db
OPEN_TO_ANNOTATORS = {
    "annotate", "annotate_submit", "annotate_undo", "annotate_pace", "annotate_keep", "annotate_rest", "guide", "mine",
    "picture", "thumbnail", "about_me",
}  # fmt: skip
VERBS = ("get", "post")
EVIL = """"'><script id=evil>alert(1)</script><img id=evil src=x onerror=alert(1)><b id=evil hx-get="/evil">x</b>"""


def addresses() -> Iterator[tuple[str, list[str]]]:
    """The name of every address inside a project, and the names of the keys it takes."""
    for entry in get_resolver().url_patterns:
        for pattern in getattr(entry, "url_patterns", [entry]):
            if isinstance(pattern, URLPattern) and str(pattern.pattern).startswith("p/<slug:slug>/"):
                yield str(pattern.name), list(pattern.pattern.converters)


def audit_of(batch: Batch) -> Audit:
    """An audit of the batch's project that put two sentences to a model."""
    two = [Sentence("frame", name, f"{name} is here.") for name in ("She", "He")]
    return making.begin(batch.project.first_question, "Pairs", two, [model(batch.project, "Audited")])


def keys_in(batch: Batch) -> dict[str, Any]:
    """One real key of each kind that addresses take, from this batch's project."""
    held = claiming.hand_out(person(batch.project, "ann"))
    paid = Annotator.objects.filter(project=batch.project, kind="paid").get()
    refusal = certificates.issue(batch, certificates.Target(0.1, 0.05))
    return {
        "alarm": Alarm.objects.create(project=batch.project, batch=batch, kind="gap", about="Harbour", why="A gap.").pk,
        "batch": batch.pk,
        "task": batch.tasks.all()[0].pk,
        "instance": batch.instances.all()[0].pk,
        "index": 0,
        "voter": paid.pk,
        "member": batch.project.memberships.all()[0].pk,
        "invitation": batch.project.invitations.create(username="nobody", role="annotator").pk,
        "assignment": held[0].pk,
        "call": ledger.reserve(batch.tasks.all()[0], paid, 100).pk,
        "number": refusal.pk,
        "upload": uuid.uuid4(),
        "audit": audit_of(batch).pk,
        "kind": "csv",
    }


@pytest.fixture
def keys(batch: Batch) -> dict[str, Any]:
    model(batch.project, "Large", "paid")
    ask(batch.tasks.all()[1])
    return keys_in(batch)


def url(name: str, wanted: list[str], slug: str, keys: dict[str, Any]) -> str:
    unknown = set(wanted) - {"slug", *keys}
    assert not unknown, f"{name} takes {unknown}: name a real key of that kind in keys_in()"
    return reverse(name, kwargs={"slug": slug, **{key: keys[key] for key in wanted if key != "slug"}})


def signed_in(name: str, **more: Any) -> Client:
    client = Client(**more)
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def statuses(client: Client, slug: str, keys: dict[str, Any], besides: set[str] = frozenset()) -> dict[str, set[int]]:  # type: ignore[assignment]
    """What each address answers to reading and to sending an empty form."""
    return {
        name: {getattr(client, verb)(url(name, wanted, slug, keys)).status_code for verb in VERBS}
        for name, wanted in addresses()
        if name not in besides
    }


def wrong(found: dict[str, set[int]], right: set[int]) -> dict[str, set[int]]:
    """Addresses that answered anything but these statuses, or nothing except that the verb is wrong."""
    return {name: got for name, got in found.items() if got - right - {405} or got == {405}}


class TestAddresses:
    def test_there_are_many(self) -> None:
        assert len(list(addresses())) > 25 and {name for name, _ in addresses()} >= OPEN_TO_ANNOTATORS

    def test_the_anonymous_are_sent_to_sign_in(self, keys: dict[str, Any]) -> None:
        assert wrong(statuses(Client(), "city", keys), {302}) == {}

    @pytest.mark.slow
    def test_strangers_learn_nothing(self, keys: dict[str, Any]) -> None:
        User.objects.create_user("stranger")
        assert wrong(statuses(signed_in("stranger"), "city", keys), {404}) == {}

    @pytest.mark.slow
    def test_annotators_are_refused_what_is_not_theirs(self, keys: dict[str, Any]) -> None:
        assert wrong(statuses(signed_in("ann"), "city", keys, OPEN_TO_ANNOTATORS), {403}) == {}

    @pytest.mark.slow
    def test_keys_of_another_project_are_not_found_in_ones_own(self, batch: Batch, keys: dict[str, Any]) -> None:
        """The manager of one project tries the keys of another under the own project's address."""
        mine = Project.objects.create(name="Mine", slug="mine")
        mallory = User.objects.create_user("mallory")
        Membership.objects.create(project=mine, user=mallory, role="manager")
        of_objects = {name for name, wanted in addresses() if set(wanted) & (set(keys) - {"kind", "upload"})}
        found = statuses(signed_in("mallory"), "mine", keys)
        assert wrong({name: got for name, got in found.items() if name in of_objects}, {404}) == {}
        assert wrong(statuses(signed_in("mallory"), "city", keys), {404}) == {}

    def test_a_form_sent_from_another_site_is_refused(self, keys: dict[str, Any]) -> None:
        client = signed_in("max", enforce_csrf_checks=True)
        found = {
            name: client.post(url(name, wanted, "city", keys), {"label": "1"}).status_code
            for name, wanted in addresses()
        }
        assert {name: status for name, status in found.items() if status not in (403, 405)} == {}
        assert client.post("/sign-out/").status_code == 403


class TestHoldsOfOthers:
    """A member of the same project who tries the holds of a colleague."""

    def test_nobody_answers_keeps_or_takes_back_for_somebody_else(self, keys: dict[str, Any]) -> None:
        bob, theirs = signed_in("bob"), keys["assignment"]
        told = {"label": Label.objects.first().pk, "key": str(uuid.uuid4())}
        assert bob.post(reverse("annotate_submit", args=["city", theirs]), told).status_code == 404
        assert bob.post(reverse("annotate_submit", args=["city", theirs]), {"act": "release"}).status_code == 404
        assert bob.post(reverse("annotate_keep", args=["city", theirs])).status_code == 404
        assert bob.post(reverse("annotate_undo", args=["city"]), {"target": theirs}).status_code == 404
        assert bob.get(reverse("annotate", args=["city"]), {"answer": theirs}).status_code == 404

    def test_a_label_of_another_project_is_refused(self, keys: dict[str, Any]) -> None:
        other = Label.objects.create(
            question=Project.objects.create(name="M", slug="m").first_question, position=0, name="Mine"
        )
        told = {"label": other.pk, "key": str(uuid.uuid4())}
        answered = signed_in("ann").post(reverse("annotate_submit", args=["city", keys["assignment"]]), told)
        assert answered.status_code == 400 and not Task.objects.get(pk=keys["task"]).votes.exists()

    def test_a_case_of_another_project_is_not_shown(self, batch: Batch) -> None:
        mine = Project.objects.create(name="Mine", slug="mine")
        Membership.objects.create(project=mine, user=User.objects.get(username="eve"), role="expert")
        Membership.objects.filter(project=batch.project, user__username="eve").delete()
        case = make_case(batch.tasks.first())
        for name in ("cases", "cases_state"):
            assert signed_in("eve").get(reverse(name, args=["mine"]), {"case": case.pk}).status_code == 404


class TestKeys:
    """The same key and body is the same answer; another body is refused."""

    @pytest.mark.slow
    @pytest.mark.parametrize("changed", [{"label": 1}, {"note": "other"}])
    def test_another_body_under_the_same_key_is_refused(self, keys: dict[str, Any], changed: dict[str, Any]) -> None:
        labels = Project.objects.get(slug="city").label_list()
        told = {"label": labels[0].pk, "key": str(uuid.uuid4()), "note": "first"}
        ann, address = signed_in("ann"), reverse("annotate_submit", args=["city", keys["assignment"]])
        script = {"HX-Request": "true"}
        assert [ann.post(address, told, headers=script).status_code for _ in range(2)] == [200, 200]
        other = {**told, **({"label": labels[1].pk} if "label" in changed else changed)}
        assert ann.post(address, other, headers=script).status_code == 409
        assert Task.objects.filter(votes__isnull=False).count() == 1

    def test_a_key_that_somebody_else_used_is_refused(self, batch: Batch, keys: dict[str, Any]) -> None:
        ask(batch.tasks.all()[2])
        label, key = batch.project.label_list()[0], uuid.uuid4()
        answering.submit(claiming.claim(person(batch.project, "ann")), label, key)
        theirs = claiming.claim(person(batch.project, "bob"))
        told = {"label": label.pk, "key": str(key)}
        page = signed_in("bob").post(
            reverse("annotate_submit", args=["city", theirs.pk]), told, headers={"HX-Request": "true"}
        )
        assert page.status_code == 409 and theirs.escalation.task.votes.count() == 0


class Reader(HTMLParser):
    """Notes everything on a page that user text could have smuggled in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "script" and not (told.get("src") or "").startswith("/static/"):
            self.found.append(f"script {told}")
        for name, value in attrs:
            text = value or ""
            smuggled = name.startswith("on") or name == "style" or (name == "id" and text == "evil")
            if smuggled or (name.startswith("hx-") and "/evil" in text) or text.startswith("javascript:"):
                self.found.append(f"{tag} {name}={text}")


@pytest.fixture
def hostile(batch: Batch) -> Batch:
    """Markup wherever people, files or models can put words."""
    project = batch.project
    Project.objects.filter(pk=project.pk).update(
        name=EVIL[:120], guidelines=f"{EVIL}\nRoads and lights: {EVIL}", group_name=EVIL[:60]
    )
    project.questions.update(wording=EVIL[:300], guidelines=EVIL)
    for label in project.label_list():
        Label.objects.filter(pk=label.pk).update(
            name=f"{label.position}{EVIL}"[:120], short=EVIL[:40], hint=EVIL[:120], description=EVIL
        )
    User.objects.filter(username="ann").update(first_name=EVIL[:150], last_name="javascript:alert(1)")
    Batch.objects.filter(pk=batch.pk).update(name=EVIL[:120], error=EVIL, attributes=[EVIL])
    for task in batch.tasks.all():
        Instance.objects.filter(tasks=task).update(
            parts=[[EVIL, EVIL], ["Second", EVIL]], about={EVIL: EVIL, "link": "javascript:alert(1)"},
            groups={EVIL: EVIL[:120]}, external_id=f"{task.pk}{EVIL}"[:200],
        )  # fmt: skip
    voter, paid = model(project, EVIL[:120]), model(project, f"paid {EVIL}"[:120], "paid")
    Annotator.objects.filter(pk=paid.pk).update(error=EVIL)
    for task in batch.tasks.all():
        believe(task, 0.5, 0.4, 0.1)
        say(task, voter, 0, f'{{"reason": "{EVIL}"}}', probabilities=[0.5, 0.4, 0.1])
        say(task, paid, None, EVIL)
    first, second, third = batch.tasks.all()[:3]
    make_case(first)
    Escalation.objects.update(why=EVIL)
    ask(second)
    answer(claiming.claim(person(project, "ann")), 0, note=EVIL)
    ask(third)
    return batch


class TestWords:
    @pytest.mark.slow
    def test_markup_in_any_words_stays_words_on_every_page(self, hostile: Batch) -> None:
        keys = keys_in(hostile)
        looked, found, clients = 0, {}, [signed_in(who) for who in ("max", "ann")]
        for name, wanted in addresses():
            for client in clients:
                page = client.get(url(name, wanted, "city", keys))
                if page.status_code != 200 or not page["Content-Type"].startswith("text/html"):
                    continue
                reader = Reader()
                reader.feed(page.content.decode())
                looked += 1
                if reader.found:
                    found[name] = reader.found[:2]
        assert looked > 15 and found == {}

    def test_the_reader_sees_what_it_is_there_to_see(self) -> None:
        reader = Reader()
        reader.feed(f"<p>{EVIL}</p>")
        assert len(reader.found) >= 4

    def test_the_content_security_policy_allows_nothing_inline(self, batch: Batch) -> None:
        policy = signed_in("ann").get(reverse("annotate", args=["city"]))["Content-Security-Policy"]
        assert "unsafe" not in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
