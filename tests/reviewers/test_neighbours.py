"""Settled tasks that read alike."""

from __future__ import annotations

import time
import uuid

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from labeling.models import Batch, Decision, Escalation
from reviewers import neighbours
from reviewers.queue import answering, holding
from tests.reviewers.scenery import person

TEXTS = {
    1: "Burst main floods the pavement, now an ice rink.",
    2: "Path by the canal is iced over again, no grit.",
    3: "Drain cover gone, cyclists swerve into traffic.",
    4: "The main is burst again and the pavement floods.",
}


def test_the_cosines_are_those_of_scikit_learn() -> None:
    asked = "A burst main has flooded the pavement by the canal."
    found = neighbours.build(TEXTS).alike(asked)
    oracle = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+")
    expected = (oracle.fit_transform(TEXTS.values()) @ oracle.transform([asked]).T).toarray().ravel()
    assert [found[key] for key in TEXTS] == pytest.approx(expected, abs=1e-12)


def test_a_text_is_exactly_alike_to_itself_and_not_at_all_to_strange_words() -> None:
    index = neighbours.build(TEXTS)
    assert index.alike(TEXTS[3])[3] == pytest.approx(1)
    assert not index.alike("xyzzy")
    assert not neighbours.build({}).alike(TEXTS[1])


def test_scripts_without_spaces_are_compared_by_pairs_of_letters() -> None:
    water, road = (
        "昨日から道路の水道管が破裂して水があふれています",
        "街灯が消えていて夜道がとても暗いので直してください",
    )
    found = neighbours.build({1: water, 2: road}).alike("水道管が破裂して道路に水があふれて困っています")
    assert found[1] > 0.3 > found[2]


@pytest.mark.slow
def test_three_thousand_texts_are_indexed_in_well_under_a_second() -> None:
    texts = {key: f"Lamp {key % 97} on road {key % 89} is out since day {key % 31}." for key in range(3000)}
    begin = time.process_time()
    neighbours.build(texts).alike(texts[5])
    assert time.process_time() - begin < 1.0


@pytest.mark.django_db
def test_only_current_decisions_of_the_project_are_shown(batch: Batch) -> None:
    tasks = list(batch.tasks.all())
    labels, eve = batch.project.label_list(), person(batch.project, "eve", "expert")
    for task in tasks[:2]:
        question = Escalation.objects.create(task=task, to="expert", reason="flagged", why=".")
        answering.submit(holding.take(question, eve), labels[1], uuid.uuid4())
    tasks[3].instance.parts = [["Text", "The street lamp is out, water comes up through the drain."]]
    neighbours._indexes.clear()
    near = neighbours.settled_before(tasks[3])
    assert {one.task for one in near} == set(tasks[:2]) and near[0].alike >= near[1].alike
    Decision.objects.filter(task=tasks[0]).update(superseded_at="2026-01-01T00:00Z")
    assert {one.task for one in neighbours.settled_before(tasks[3])} == {tasks[1]}
