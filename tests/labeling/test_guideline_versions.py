"""What annotators are told is kept by version: every change makes a new one, the same words none."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from labeling.managing import guidelines
from labeling.models import Batch, GuidelineVersion, Label
from labeling.rounds import teaching
from reviewers import guide

pytestmark = pytest.mark.django_db


def numbers(project: Any) -> list[int]:
    return list(GuidelineVersion.objects.filter(project=project).values_list("number", flat=True))


def test_the_same_words_are_one_version(project: Any) -> None:
    first = GuidelineVersion.objects.keep(project)
    assert GuidelineVersion.objects.keep(project) == first and numbers(project) == [1]
    assert [label["name"] for label in first.told["questions"][0]["labels"]] == [
        *("Roads and lights", "Water and drains", "Noise and nuisance")
    ]


def test_a_change_of_a_label_or_of_the_guidelines_is_a_new_version(project: Any) -> None:
    GuidelineVersion.objects.keep(project)
    Label.objects.filter(name="Roads and lights").update(description="Streets too.")
    assert GuidelineVersion.objects.keep(project).number == 2
    guidelines.add(project.first_question, "Read twice.", why="a lesson")
    last = GuidelineVersion.objects.filter(project=project).last()
    assert last is not None and (last.number, last.why, last.told["guidelines"]) == (3, "a lesson", "Read twice.")


def test_what_was_told_before_the_first_change_is_kept_as_well(project: Any) -> None:
    guide.add(project.first_question, project.label_list()[0], "ice counts")
    before, after = GuidelineVersion.objects.filter(project=project)
    assert before.told["guidelines"] == "" and after.told["guidelines"] == "Roads and lights: ice counts"
    guide.add(project.first_question, project.label_list()[0], "ice counts")
    assert numbers(project) == [1, 2]


def test_a_batch_begins_with_a_version(batch: Batch) -> None:
    teaching.begin(batch)
    assert numbers(batch.project) == [1]


@pytest.mark.slow
def test_settings_keep_what_was_and_what_is(manager: Client, project: Any) -> None:
    page = manager.get("/p/city/settings/")
    form, labels = page.context["form"], page.context["labels"]
    sent = {name: "" if value is None else value for name, value in form.initial.items()}
    sent |= {one.html_name: one.value() for one in form if one.value() not in (None, False)}
    sent |= {one.html_name: one.value() or "" for row in labels for one in row}
    sent |= {one.html_name: one.value() for one in labels.management_form}
    answer = manager.post("/p/city/settings/", {**sent, "guidelines": "Read twice."})
    assert answer.status_code == 302
    before, after = GuidelineVersion.objects.filter(project=project)
    assert (before.told["guidelines"], after.told["guidelines"]) == ("", "Read twice.")
    assert after.by == User.objects.get(username="max")


def test_a_version_never_changes_nor_vanishes(project: Any) -> None:
    kept = GuidelineVersion.objects.keep(project)
    with pytest.raises(TypeError):
        kept.save()
    with pytest.raises(TypeError):
        kept.delete()
