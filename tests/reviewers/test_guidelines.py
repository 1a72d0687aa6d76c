"""Guidelines: Markdown that stays harmless, and a change of which everybody who labels hears."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from labeling.live import nudges
from labeling.managing import guidelines
from labeling.models import Project
from labeling.web.templatetags.markdown import markdown
from reviewers import guide
from tests.labeling.managed import told
from tests.labeling.web.test_people import SETTINGS, labels_form
from tests.reviewers.scenery import ask

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt&#58;alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "![a](https://example.org/track.png)",
    "<a href='/x' hx-get='/p/city/settings/' onclick='x()'>y</a>",
    "<style>body{display:none}</style>",
    "`<b hx-post=/x>`",
    '[a](https://example.org/"onmouseover="alert(1))',
    "<svg/onload=alert(1)>",
    "<iframe src=//example.org>",
    "[x]: javascript:alert(1)\n[x]",
]


class Elements(HTMLParser):
    """What a browser would make elements and attributes of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= dict(attrs)


class TestMarkdown:
    def test_lists_emphasis_tables_and_links_are_shown(self) -> None:
        text = "# Rules\n\n- one\n- **two**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[more](https://example.org/a)"
        made = markdown(text)
        assert "<h3>Rules</h3>" in made and "<li>one</li>" in made and "<strong>two</strong>" in made
        assert "<td>1</td>" in made and 'href="https://example.org/a" rel="noopener noreferrer"' in made

    def test_plain_lines_stay_lines(self) -> None:
        assert markdown("Read to the end.\nThen answer.") == "<p>Read to the end.<br>\nThen answer.</p>\n"

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_stays_inert(self, text: str) -> None:
        found = Elements()
        found.feed(markdown(text))
        assert found.tags <= {"p", "a", "code", "br"} and set(found.attributes) <= {"href", "rel"}
        assert all(value.startswith(("https:", "noopener")) for value in found.attributes.values())


@pytest.mark.django_db
class TestChanges:
    def save(self, manager: Client, project: Project, text: str) -> Any:
        names = [label.name for label in project.label_list()]
        return manager.post(
            "/p/city/settings/", {**SETTINGS, **labels_form(project, *names), "guidelines": text}, follow=True
        )

    def as_user(self, name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(username=name))
        return client

    @pytest.mark.slow
    def test_a_change_is_told_at_the_card_and_names_who_must_know(
        self, manager: Client, batch: Any, project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[tuple[str, ...]] = []
        monkeypatch.setattr(nudges, "announce", lambda _project, *what: said.append(what))
        ask(batch.tasks.first())
        ann = self.as_user("ann")
        assert "Guide changed" not in told(ann.get("/p/city/label/"))
        page = told(self.save(manager, project, "Ice from a **leak** is water."))
        assert (nudges.GUIDE,) in said
        assert "Two must know and have not read it yet: <bdi>ann</bdi>, <bdi>bob</bdi>." in page
        card = told(ann.get("/p/city/label/"))
        assert "Guide changed" in card and "<strong>leak</strong>" in card
        fetched = told(ann.get("/p/city/label/guide/", headers={"HX-Request": "true"}))
        assert "Guide changed" in fetched and 'hx-swap-oob="true"' in fetched and "<strong>leak</strong>" in fetched
        assert "Guide changed" not in told(ann.post("/p/city/label/guide/", headers={"HX-Request": "true"}))
        assert "Guide changed" not in told(ann.get("/p/city/label/"))
        eve, headers = self.as_user("eve"), {"HX-Request": "true"}
        bench = told(eve.get("/p/city/cases/"))
        assert "Guide changed" in bench and 'id="guide"' in bench and "<strong>leak</strong>" in bench
        eve.post("/p/city/label/guide/", headers=headers)
        assert "Guide changed" not in told(eve.get("/p/city/cases/"))
        page = told(manager.get("/p/city/settings/"))
        assert "One must know and has not read it yet: <bdi>bob</bdi>." in page

    def test_a_save_that_leaves_the_guidelines_alone_tells_nobody(self, manager: Client, project: Any) -> None:
        self.save(manager, project, project.guidelines)
        assert not guidelines.must_know(project) and Project.objects.get().guidelines_at is None

    def test_what_an_expert_adds_is_news_for_others_but_not_for_the_expert(self, project: Any) -> None:
        eve = User.objects.get(username="eve")
        guide.add(project.first_question, project.label_list()[1], "Ice is water.", eve)
        assert [one.user.username for one in guidelines.must_know(project)] == ["ann", "bob"]
        assert not guidelines.is_news(project.memberships.select_related("project").get(user=eve))

    def test_who_joins_later_reads_it_as_it_is(self, project: Any) -> None:
        guidelines.note_change(project, None)
        late = project.memberships.create(user=User.objects.create_user("late"), role="annotator")
        assert late not in guidelines.must_know(project)
        assert not guidelines.is_news(project.memberships.select_related("project").get(pk=late.pk))

    def test_strangers_get_no_guide(self, project: Any, client: Client) -> None:
        client.force_login(User.objects.create_user("stranger"))
        assert client.get("/p/city/label/guide/", headers={"HX-Request": "true"}).status_code == 404
