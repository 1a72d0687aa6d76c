"""Reports: from rows to the numbers on the page, held against values computed by hand or by the plain formula."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from fairness import agreeing, findings, groups, quality, reports
from fairness.intervals import wilson
from labeling.checks import draws, results
from labeling.models import Annotator, Batch, Decision, Escalation, Task, Vote
from labeling.money import ledger
from labeling.reports import kept
from labeling.reports.batch.standing import standing
from labeling.reports.money import bills
from reviewers.queue import answering, claiming
from tests.labeling.managed import person, settled_batch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def test_the_share_right_is_counted_on_checks_with_wilson_s_interval(settled: Batch) -> None:
    good = reports.report(settled).good
    low, high = wilson(48, 60)
    assert good.checks == 60 and good.overall.value == pytest.approx(48 / 60)
    assert (good.overall.low, good.overall.high) == (pytest.approx(float(low)), pytest.approx(float(high)))
    (row,) = good.rows
    assert (row.kind, row.count, row.name) == ("crowd", 120, "Crowd of 3 models")


def test_few_checks_are_not_estimable(project: Any) -> None:
    good = reports.report(settled_batch(project, 40)).good
    assert not good.overall.estimable and good.overall.reason == "20 of 30 checked"


def test_what_the_file_knew_proves_nothing(settled: Batch) -> None:
    Task.objects.filter(batch=settled, gold__isnull=False).update(slice="validation")
    report = reports.report(settled)
    assert report.good.learned == 60 and report.good.checks == 0 and not report.good.overall.estimable


def test_agreement_is_that_of_the_votes(settled: Batch) -> None:
    found = agreeing.together(settled)
    assert found is not None and found.model_tasks == 120 and found.people_tasks == 0
    raw = next(row for row in found.measures if row.name == "Raw agreement")
    votes = np.array(Vote.objects.filter(task__batch=settled).values_list("task_id", "label_id"), dtype=object)
    shares = []
    for task in set(votes[:, 0]):
        mine = [label for label in votes[votes[:, 0] == task, 1] if label is not None]
        pairs = [(a, b) for i, a in enumerate(mine) for b in mine[:i]]
        shares.append(np.mean([a == b for a, b in pairs]))
    assert raw.models.value == pytest.approx(np.mean(shares)) and raw.models.low < raw.models.value < raw.models.high
    assert not raw.people.estimable and "no task has two labels" in raw.people.reason


def test_pairs_of_annotators_are_compared_where_they_share_enough(settled: Batch) -> None:
    ann = person(settled.project, "ann")
    for task in Task.objects.filter(batch=settled)[:29]:
        Vote.objects.create(task=task, annotator=ann, label=settled.project.label_list()[0])
    heat = reports.report(settled).together.pairs
    assert [row.name for row in heat.rows] == ["ann", "Alpha", "Beta", "Gamma"]
    alpha_ann, beta_alpha = heat.rows[1].cells[0], heat.rows[2].cells[1]
    assert alpha_ann.missing and "29 shared tasks" in alpha_ann.title
    assert beta_alpha.text == "1.00" and beta_alpha.title.endswith("to 1.00")
    assert heat.rows[0].cells[0].same and heat.rows[3].cells[2].step is not None


def test_people_are_held_against_the_plain_majority(settled: Batch) -> None:
    ann = person(settled.project, "ann")
    for task in Task.objects.filter(batch=settled, position__lt=40):
        Vote.objects.create(task=task, annotator=ann, label=Decision.objects.get(task=task).label)
    found = reports.report(settled).together
    assert found.against_tasks == 40 and found.against_raw.value == 1.0


@pytest.mark.slow
def test_groups_are_compared_and_the_gap_pays_for_its_choice(settled: Batch) -> None:
    Task.objects.filter(batch=settled).update(gold=None)
    for task in Task.objects.filter(batch=settled):
        wrong = task.groups["Group"] == "Harbour" and task.position % 2
        labels = settled.project.label_list()
        stands = Decision.objects.get(task=task).label
        task.gold = labels[(stands.position + 1) % 3] if wrong else stands
        task.save()
    fair = reports.report(settled).fair
    gap = fair.table.accuracy_difference
    assert (gap.highest, gap.lowest) == ("Old Town", "Harbour") and gap.low > 0.2
    lines = groups.gap_lines(fair)
    assert lines[0].verdict == "fail at 5 points" and lines[3].verdict == "screening only"
    assert "Harbour gets clearly fewer right labels than Old Town." in said(settled)
    assert fair.watch.look.verdict == "pause" and fair.watch.points[-1][0] == 120


def test_a_group_with_few_checks_says_how_many_it_needs(settled: Batch) -> None:
    settled.tasks.in_group(["Group"], "Old Town").filter(position__gt=40).update(gold=None)
    fair = reports.report(settled).fair
    line = next(one for one in groups.choose(fair, "right", "").lines if one.group == "Old Town")
    assert not line.found.estimable and line.counted + line.needed == 30
    assert "Old Town has too few checks to say." in said(settled)


def test_measures_of_one_label_are_those_of_the_table(settled: Batch) -> None:
    fair = reports.report(settled).fair
    label = settled.project.label_list()[1].name
    choice = groups.choose(fair, "given", label)
    by_hand = Decision.objects.filter(
        task__batch=settled, label__name=label, task__instance__groups__Group="Harbour"
    ).count()
    line = next(one for one in choice.lines if one.group == "Harbour")
    assert line.found.value == pytest.approx(by_hand / line.counted) and choice.label == label
    assert groups.choose(fair, "nonsense", "nonsense").measure == "right"


def test_many_small_groups_become_one(project: Any) -> None:
    names = tuple(f"g{n:02d}" for n in range(30))
    index = np.repeat(np.arange(30), [100 - n for n in range(30)]).astype(np.int32)
    group, called = groups.merged(index, names)
    assert len(called) == 25 and called[-1] == "6 smaller groups"
    assert (group == 24).sum() == sum(100 - n for n in range(24, 30))


def test_tasks_without_groups_have_no_fairness_section(settled: Batch) -> None:
    settled.instances.update(groups={})
    assert reports.report(settled).fair is None


def test_beliefs_are_held_against_the_checks(settled: Batch) -> None:
    found = reports.report(settled).calibration
    assert found.tasks == 60 and found.calibrated
    assert len(found.bins) == 1, "beliefs that say the same share a bin"
    assert all(one.said == pytest.approx(0.9) for one in found.bins)
    assert found.error.value == pytest.approx(abs(0.9 - 0.8), abs=0.05) and found.error.low < found.error.high


def test_beliefs_that_a_person_had_moved_are_no_evidence(settled: Batch) -> None:
    ann = person(settled.project, "ann")
    for task in Task.objects.filter(batch=settled):
        Vote.objects.create(task=task, annotator=ann, label=settled.project.label_list()[0])
    assert quality.calibration_of(results.load(settled)) is None


@pytest.mark.slow
def test_a_right_label_has_its_price(settled: Batch) -> None:
    paid = Annotator.objects.create(
        project=settled.project, kind="paid", name="gpt", spec="chat:x", price_microdollars=1
    )
    for task in Task.objects.filter(batch=settled)[:50]:
        ledger.settle(ledger.reserve(task, paid, 20_000), 10_000)
    Decision.objects.filter(task__batch=settled).update(decided_by="paid")
    cost = next(one for one in reports.report(settled).costs if one.line.kind == "paid")
    assert cost.line.spent == 500_000 and cost.each.value == pytest.approx(0.5 / (120 * 0.8))
    assert cost.each.low < cost.each.value < cost.each.high


def test_a_report_is_kept_until_something_changes(settled: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 0)
    first = reports.report(settled)
    assert reports.report(settled).as_of == first.as_of
    Vote.objects.create(task=settled.tasks.first(), annotator=person(settled.project, "ann"), label=None)
    assert reports.report(settled).as_of > first.as_of


def test_a_report_that_took_long_serves_a_while(settled: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 10_000)
    first = reports.report(settled)
    Vote.objects.create(task=settled.tasks.first(), annotator=person(settled.project, "ann"), label=None)
    assert reports.report(settled).as_of == first.as_of


def said(batch: Batch) -> str:
    found = findings.of_batch(reports.report(batch), standing(batch), bills.meter(batch))
    return " ".join(one.text for one in found)


def test_the_finding_opens_with_what_is_known(settled: Batch) -> None:
    assert said(settled).startswith("About 80 of 100 settled labels are right.")
    assert said(settled).endswith("$50.00 is still free.")


def test_the_finding_of_a_batch_under_way_says_how_far_it_is(batch: Batch) -> None:
    batch.stage = Batch.Stage.VOTING
    assert said(batch).startswith("The models are voting: 0 of 0 votes are in.")
    batch.stage = Batch.Stage.IMPORTING
    assert said(batch).startswith("The file is being read: 6 rows so far.")


def test_the_project_s_answers_cover_all_its_batches(settled: Batch, batch: Batch) -> None:
    found = reports.answers(settled.project)
    assert found.good.checks == 60 and found.good.overall.value == pytest.approx(0.8)
    Decision.objects.bulk_create(
        Decision(task=task, label=task.gold, decided_by="crowd", confidence=1, entropy=0)
        for task in batch.tasks.filter(gold__isnull=False)
    )
    cache.clear()
    assert reports.answers(settled.project).good.checks == 62


@pytest.mark.slow
def test_drawn_checks_enter_the_report(settled: Batch) -> None:
    from labeling.checks import draws

    Task.objects.filter(batch=settled).update(gold=None)
    draws.draw(settled, 40)
    while claimed := claiming.claim(person(settled.project, "ann")):
        stands = Decision.objects.current().get(task=claimed.escalation.task).label
        answering.submit(claimed, stands, uuid.uuid4())
    assert not Escalation.objects.open().exists()
    good = reports.report(settled).good
    assert good.checks == 40 and good.overall.value == 1.0 and good.overall.low > 0.85


def test_a_report_of_before_the_last_change_says_when_it_is_computed_anew(
    settled: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 10_000)
    assert reports.report_and_wait(settled)[1] == 0
    Vote.objects.create(task=settled.tasks.first(), annotator=person(settled.project, "ann"), label=None)
    assert 1 <= reports.report_and_wait(settled)[1] <= kept.LONGEST
    monkeypatch.setattr(kept, "PATIENCE", 0)
    assert reports.report_and_wait(settled)[1] == 0


@pytest.mark.slow
def test_no_more_checks_are_offered_than_are_missing_and_can_be_drawn(settled: Batch) -> None:
    assert reports.report(settled).to_check == 30
    draws.draw(settled, 55)
    cache.clear()
    found = reports.report(settled)
    assert (found.to_check, found.pending) == (5, 55)
    draws.draw(settled, 5)
    cache.clear()
    assert reports.report(settled).to_check == 0
