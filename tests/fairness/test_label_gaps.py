"""Gaps label by label: with intervals and evidence that pay for how many labels are looked at, and on the page."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from fairness import groups, label_gaps, reports
from fairness.label_looks import strongest
from fairness.metrics import Labeled
from fairness.sequential import Watch, evidence
from labeling.models import Batch, Decision, Instance, Project, Task
from tests.commands import Shell
from tests.conftest import SHARED
from tests.labeling.managed import settled_batch, told

RATES = {measure: told[3] for measure, told in groups.MEASURES.items()}


def part(wrong_in_b: int, wrong_in_a: int = 0, n: int = 200) -> Labeled:
    """A label that half of the tasks bear; so many answers are wrong in each of two groups of `n`."""
    gold = np.tile(np.array([0, 1], dtype=np.int8), n)
    group = np.repeat(np.array([0, 1], dtype=np.int32), n)
    said = gold.copy()
    for start, wrong in ((0, wrong_in_a), (n, wrong_in_b)):
        said[start : start + wrong] = 1 - said[start : start + wrong]
    return Labeled(said, group, gold, ("no", "yes"), ("a", "b"))


def test_evidence_of_a_label_is_that_of_its_share_right_and_labels_share_the_chance_of_an_alarm() -> None:
    looks = strongest([part(60), part(2), part(0)], ["x", "y", "z"], RATES)
    one = looks["right", "x"]
    share = (200 + 140 + 1) / (400 + 2)
    assert one.evidence == pytest.approx(evidence(0.3, share * (1 - share) * (1 / 200 + 1 / 200), Watch().tau))
    assert one.threshold == pytest.approx(3 / 0.05) and one.verdict == "pause"
    assert abs(one.difference or 0) == pytest.approx(0.3)
    assert looks["right", "y"].verdict == "watching" and looks["right", "z"].evidence < 1


def test_a_label_that_few_were_checked_with_has_no_evidence() -> None:
    few = part(3, n=20)
    assert strongest([few], ["x"], RATES) == {}


@pytest.mark.django_db
class TestPage:
    @pytest.fixture(autouse=True)
    def _nothing_kept(self) -> None:
        cache.clear()

    @pytest.mark.slow
    def test_names_the_label_the_group_the_interval_and_the_evidence(self, manager: Client, project: Project) -> None:
        settled = settled_batch(project, 240)
        labels = settled.project.label_list()
        for task in Task.objects.filter(batch=settled):
            stands = Decision.objects.get(task=task)
            away = task.groups["Group"] == "Harbour" and stands.label == labels[0]
            task.gold = labels[1] if away else stands.label
            task.save()
        fair = reports.report(settled).fair
        assert fair is not None
        found = label_gaps.by_label(fair, groups.choose(fair, "right", ""))
        first, *_, last = found.lines
        assert {first.label, found.lines[1].label} == {labels[0].name, labels[1].name} and last.label == labels[2].name
        assert first.gap.lowest == "Harbour" and first.gap.low and first.gap.low > 0.1 and first.failed and first.alarm
        assert not last.alarm and last.gap.value == 0 and last.verdict == "pass at 5 points"
        page = told(manager.get(settled.get_absolute_url()))
        assert "is clearly less often right in Harbour than elsewhere, and so is one more." in page
        assert "<bdi>Harbour</bdi> below <bdi>Old Town</bdi>" in page and "from 60 on the difference is real" in page
        given = told(manager.get(settled.get_absolute_url(), {"measure": "given"}))
        assert given.count("screening only") >= len(labels)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.skipif(not (SHARED / "kinds").exists(), reason="the data sets are not on this machine")
class TestPeopleAtWork:
    """240 drawings in five skin tones: members that see them vote beside recorded annotators, worse on darker tones."""

    FOLDER = SHARED / "kinds" / "people_at_work"

    def items(self, folder: Path, gold: str) -> Path:
        right: dict[str, list[str]] = {}
        with (self.FOLDER / gold).open() as stream:
            for row in csv.DictReader(stream):
                right.setdefault(row["task"], []).extend([row["label"]] if row["label"] else [])
        with zipfile.ZipFile(self.FOLDER / "images.zip") as packed:
            packed.extractall(folder)
        rows = [json.loads(line) for line in (self.FOLDER / "items.jsonl").read_text().splitlines()]
        path = folder / "items.jsonl"
        told = [{"id": row["id"], "image": row["image"], "tone": row["tone"], "gold": right[row["id"]]} for row in rows]
        path.write_text("\n".join(map(json.dumps, told)))
        return path

    @pytest.mark.parametrize(("kind", "gold", "votes"), [
        ("choices", "gold_choices.csv", "votes_choices_simulated.csv"), ("choice", "gold.csv", "votes_simulated.csv"),
    ])  # fmt: skip
    def test_a_member_that_sees_votes_and_the_page_tells_the_gap_of_each_label_by_tone(
        self, kind: str, gold: str, votes: str, tmp_path: Path, client: Client
    ) -> None:
        recorded = [f"replay:{self.FOLDER / votes}?worker=s{n}" for n in (3, 4, 5)]
        boss = User.objects.create_user("boss")
        result = Shell("label").run_json(
            *(self.items(tmp_path, gold), "--kind", kind, "--image", "image", "--gold", "gold", "--group", "tone"),
            *("--validation", 60, "--crowd", ",".join(["image_gradients", *recorded]), "--manager", "boss"),
        )
        assert (result["tasks"], result["votes"], result["abstentions"], result["checked"]) == (240, 960, 0, 180)
        assert Instance.objects.filter(images__isnull=False).count() == 240
        batch = Batch.objects.get()
        fair = reports.report(batch).fair
        assert fair is not None and len(fair.table.groups) == 5
        told_by_label = label_gaps.by_label(fair, groups.choose(fair, "right", ""))
        names = {label.name for label in batch.project.label_list()}
        assert {one.label for one in told_by_label.lines} == names
        assert all(one.gap.estimable and one.look for one in told_by_label.lines), "36 checks in each tone"
        widest = max(told_by_label.lines, key=lambda one: one.gap.value or 0)
        assert widest.gap.lowest in ("dark", "medium-dark")
        client.force_login(boss)
        page = told(client.get(batch.get_absolute_url()))
        assert "gaps by tone" in page
        for one in told_by_label.lines:
            assert f"<bdi>{one.label}</bdi></a>" in page
