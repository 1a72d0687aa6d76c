"""The demo's second project: drawn pictures and reports, the same ones each time, and three kinds of questions."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from labeling.management.demo import people, street
from labeling.management.demo.street_reports import OBJECT, PLACE, WORDS, reports, unmarked
from labeling.management.demo.street_scenes import LAMP, SIDE, WATER, draw
from labeling.models import Decision, Escalation, Project, Vote
from labeling.rounds import story


def test_the_same_reports_come_each_time_and_their_marks_name_places_and_things() -> None:
    some, again = list(reports(12)), list(reports(12))
    assert some == again
    assert len({one.picture for one in some}) == 12
    for one in some:
        named = {one.text[start:end] for start, end, kind in one.marks if kind == OBJECT}
        assert len(named) == len(one.seen)
        assert all(named & set(WORDS[thing]) for thing in one.seen)
        assert any(kind == PLACE for _, _, kind in one.marks)
        assert 1 <= one.urgent <= 5


def test_brackets_become_marks() -> None:
    assert unmarked("At [Mill Lane] {a hole}.") == ("At Mill Lane a hole.", ((3, 12, PLACE), (13, 19, OBJECT)))


def test_what_a_scene_shows_is_to_be_seen() -> None:
    def pixels(*things: str, night: bool = False) -> np.ndarray:
        data = draw(things, night, np.random.default_rng(1))
        return np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)

    plain, wet, dark = pixels(), pixels(WATER), pixels(night=True)
    assert plain.shape == (SIDE, SIDE, 3)
    blue = [(image[70:, :, 2] - image[70:, :, 0] > 30).mean() for image in (plain, wet)]
    assert blue[0] < 0.01 < blue[1]
    assert dark.mean() < plain.mean() / 1.5
    assert (pixels(LAMP) != plain).any()


@pytest.mark.slow
@pytest.mark.django_db
def test_the_project_is_made_once_and_its_crowd_settles_every_kind(client: Client) -> None:
    people.sign_ins(Project.objects.create(name="City", slug="city"))
    project, made = street.prepare()
    assert made
    assert street.prepare() == (project, False)
    batch = project.batches.get()
    assert (batch.rows_new, batch.rows_bad) == (120, 0)
    assert Vote.objects.filter(task__project=project).count() == 3 * 120 * len(street.CROWD)
    assert Escalation.objects.in_project(project.pk).open().to_experts().count() == 1
    while story.advance(batch.pk):
        pass
    for question in project.questions.all():
        settled = Decision.objects.current().filter(task__question=question)
        assert settled.count() > 60, question.kind
    assert len(batch.attributes) == 2
    client.force_login(people.User.objects.get(username="miriam"))
    batches = f"batches/{batch.pk}/"
    for page in ("", "tasks/", batches, "crowd/", "money/", "cases/", "label/", "settings/", "export/"):
        assert client.get(f"/p/{project.slug}/{page}").status_code == 200, page
