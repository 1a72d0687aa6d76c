"""From random checks to a certificate that anybody can recompute: the slice, the evidence, the row, the file."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from labeling.checks import certificates, draws, evidence, results
from labeling.checks.certificates import CannotCertify, Target
from labeling.models import Batch, Certificate, Decision, Escalation, Project, Task, Vote
from labeling.reports.batch.prevalence import prevalence
from labeling.rounds import story
from labeling.routing.lots import lot
from reviewers import cases
from reviewers.queue import answering, claiming, undoing
from tests.commands import Shell
from tests.labeling.managed import person, settled_batch

pytestmark = pytest.mark.django_db
EASY = Target(0.2, 0.1)


@pytest.fixture
def settled(project: Any) -> Batch:
    """120 settled tasks, every tenth label wrong and unsure, no gold."""
    made = settled_batch(project, gold_every=10**6)
    Task.objects.filter(batch=made).update(gold=None)
    Project.objects.filter(pk=project.pk).update(check_share=0)
    project.check_share = 0
    doubtful = [task.pk for task in made.tasks.all() if task.position % 10 == 0]
    Decision.objects.filter(task__in=doubtful).update(confidence=0.55)
    return made


def answer_next(batch: Batch, kind: str = "expert", count: int = 1) -> None:
    """Answer waiting checks from the queue with the truth: not the settled label on every tenth task."""
    labels = batch.project.label_list()
    who = person(batch.project, "eve" if kind == "expert" else "ann", kind)
    for _ in range(count):
        held = claiming.claim(who)
        assert held is not None
        answering.submit(held, labels[truth_of(held.escalation)], uuid.uuid4())


def truth_of(check: Escalation) -> int:
    assert check.checks is not None
    return (check.checks.label.position + (check.task.position % 10 == 0)) % 3


def answer_all(batch: Batch, count: int = 1000) -> None:
    """The same for many at once, by the expert eve, in a few statements."""
    labels, eve, now = batch.project.label_list(), person(batch.project, "eve", "expert"), timezone.now()
    waiting = Escalation.objects.open().filter(reason="audit").select_related("checks__label", "task").order_by("pk")
    checks = list(waiting[:count])
    told = [labels[truth_of(check)] for check in checks]
    for check, label in zip(checks, told, strict=True):
        check.vote = Vote(task=check.task, annotator=eve, label=label)
        check.state, check.closed_at = "answered", now
    Vote.objects.bulk_create(check.vote for check in checks if check.vote)
    Escalation.objects.bulk_update(checks, ["vote", "state", "closed_at"])
    Decision.objects.current().filter(task__in=[check.task_id for check in checks]).update(superseded_at=now)
    Decision.objects.bulk_create(
        Decision(task=check.task, label=label, decided_by="expert", annotator=eve, confidence=1, entropy=0)
        for check, label in zip(checks, told, strict=True)
    )


def with_slice(batch: Batch) -> Batch:
    Project.objects.filter(pk=batch.project_id).update(check_share=0.05)
    batch.project.refresh_from_db()
    return batch


def by_experts(batch: Batch) -> Batch:
    Project.objects.filter(pk=batch.project_id).update(check_by="expert")
    batch.project.refresh_from_db()
    return batch


@pytest.mark.parametrize("to", ["person", "expert"])
def test_a_check_takes_the_place_of_what_the_same_people_are_asked_about_a_settled_task(
    settled: Batch, to: str
) -> None:
    Project.objects.filter(pk=settled.project_id).update(check_by=to)
    asked = [Escalation(task=task, to=to, reason="uncertain") for task in settled.tasks.all()[:100]]
    Escalation.objects.bulk_create(asked)
    assert draws.draw(Batch.objects.get(pk=settled.pk), 60) == 60
    checks = Escalation.objects.open().filter(reason="audit")
    assert checks.count() == 60 and set(checks.values_list("to", flat=True)) == {to}
    withdrawn = Escalation.objects.filter(state="withdrawn", closed_at__isnull=False)
    assert withdrawn.count() == 60 - checks.exclude(task__in=[one.task_id for one in asked]).count() > 0


def certified(batch: Batch, checks: int = 60, target: Target = EASY) -> Certificate:
    draws.draw(batch, checks)
    answer_all(batch)
    return certificates.issue(batch, target)


def test_a_batch_gets_its_random_checks_when_it_is_weighed_and_only_once(settled: Batch) -> None:
    assert draws.draw_slice(with_slice(settled)) > 0
    drawn = set(Task.objects.filter(check_probability__isnull=False).values_list("instance__external_id", flat=True))
    cut = draws.policy_cut(settled)
    assert cut == pytest.approx(10 / 120)
    seed = draws.seed_of(settled)
    assert drawn == {f"M-{n}" for n in range(120) if lot(seed, f"M-{n}") <= cut}
    assert draws.draw_slice(settled) == 0 and Escalation.objects.count() == len(drawn)
    assert not Task.objects.undecided().exists(), "the crowd's labels stand meanwhile"


def test_weighing_a_batch_draws_its_checks_and_settles_what_it_would_settle_anyway(settled: Batch) -> None:
    """Weighed twice, as after a worker's death: nothing is drawn twice."""
    with_slice(settled)
    Decision.objects.all().delete()
    settled.tasks.update(stage="open")
    for _ in range(2):
        Batch.objects.filter(pk=settled.pk).update(stage=Batch.Stage.WEIGHING, leased_until=None)
        while story.advance(settled.pk):
            pass
    audits = Escalation.objects.filter(reason="audit")
    assert 0 < audits.count() == audits.values("task").distinct().count() < 30
    assert not audits.filter(task__stage="open").exists() and story.progress(settled)["decided"] > 60
    assert all(audit.checks == Decision.objects.current().get(task=audit.task) for audit in audits)


def test_the_share_to_check_follows_the_size_and_the_policy(settled: Batch) -> None:
    settled.project.check_share = 0.4
    assert draws.policy_cut(settled) == 0.4
    settled.project.check_share = 0
    assert draws.policy_cut(settled) == 0
    settled.project.check_share = 0.05
    settled.tasks.filter(position__gte=20).update(gold=settled.project.label_list()[0])
    assert draws.policy_cut(settled) == 0.25, "of 20 tasks a quarter, not ten"
    settled.project.memberships.all().delete()
    assert draws.policy_cut(settled) == 0, "nobody is there to answer"


def test_tasks_settled_later_are_drawn_by_the_same_rule(settled: Batch) -> None:
    settled.tasks.filter(position__gte=60).update(stage="open")
    draws.draw_slice(with_slice(settled))
    settled.tasks.update(stage="decided")
    draws.draw_slice(settled)
    seed, cut = draws.seed_of(settled), draws.policy_cut(settled)
    drawn = Task.objects.filter(check_probability__isnull=False).values_list("instance__external_id", flat=True)
    assert set(drawn) == {f"M-{n}" for n in range(120) if lot(seed, f"M-{n}") <= cut}


def test_waiting_checks_do_not_hold_a_batch_up(settled: Batch) -> None:
    story.finish(with_slice(settled))
    settled.refresh_from_db()
    assert settled.stage == Batch.Stage.DONE and Escalation.objects.open().filter(reason="audit").exists()


def test_an_expert_sees_a_check_without_what_others_said(settled: Batch) -> None:
    draws.draw(by_experts(settled), 1)
    held = claiming.claim(person(settled.project, "eve", "expert"))
    assert held is not None
    case = cases.lay_out(held.escalation, held)
    assert case.belief is None and not case.said and not case.near and not case.silent
    assert [row.label for row in case.rows] == settled.project.label_list()
    assert all(row.share is None and not row.voices and not row.families for row in case.rows)


def test_the_answer_of_an_expert_settles_the_task_and_counts_as_a_check_of_the_crowd(settled: Batch) -> None:
    draws.draw(by_experts(settled), 12)
    answer_next(settled, count=12)
    found = results.load(settled)
    assert found.checks.sum() == 12 and {results.BY[by] for by in found.by[found.checks]} == {"crowd"}
    wrong = Task.objects.filter(check_probability__isnull=False, position__in=range(0, 120, 10)).count()
    assert (~found.right[found.checks]).sum() == wrong
    assert Decision.objects.current().filter(decided_by="expert").count() == 12


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["person", "expert"])
def test_a_check_taken_back_lets_the_crowd_s_label_stand(settled: Batch, kind: str) -> None:
    if kind == "expert":
        by_experts(settled)
    draws.draw(settled, 1)
    answer_next(settled, kind)
    task = Task.objects.get(check_probability__isnull=False)
    before = task.decisions.order_by("pk").first()
    assert undoing.undo(person(settled.project, "eve" if kind == "expert" else "ann", kind)) is not None
    task.refresh_from_db()
    now = Decision.objects.current().get(task=task)
    assert task.stage == "decided" and (now.label_id, now.decided_by) == (before.label_id, "crowd")
    again = Escalation.objects.open().get(task=task, reason="audit")
    assert again.checks_id == before.pk and results.load(settled).checks.sum() == 0


def test_a_certificate_names_its_experts_and_what_it_rests_on(settled: Batch) -> None:
    found = certified(by_experts(settled))
    assert found.given and found.checks == 60 and found.total == 120 and found.accepted in (108, 120)
    assert found.experts == [{"name": "eve", "kind": "expert", "checks": 60}]
    assert "relative to eve (expert)" in found.statement and "90% confidence" in found.statement
    rows = found.evidence["checks"]
    assert len(found.evidence["tasks"]) == 120 and len(rows) == 60
    assert [row["lot"] for row in rows] == sorted(row["lot"] for row in rows)
    assert all(row["probability"] == 0.5 and row["answer"] and row["by"] == "eve" for row in rows)


def test_labels_that_an_expert_gave_or_that_were_checked_need_no_expert_any_more() -> None:
    told = {"open": 2, "checks": [{"task": "b", "answer": "yes"}, {"task": "c", "answer": None}]}
    told["tasks"] = [["open"], ["open, too"], ["by an expert"], ["a", 0.1], ["b", 0.3], ["c", 0.3], ["d", 0.4]]
    assert evidence.without_label(told, 0.2) == 4, "two that are open, c and d"
    assert evidence.without_label(told, None) == 5 and evidence.without_label(told, 0.3) == 3


def test_the_same_question_about_the_same_checks_has_one_answer(settled: Batch) -> None:
    first = certified(by_experts(settled))
    assert certificates.issue(settled, EASY).pk == first.pk
    assert certificates.issue(settled, Target(0.3, 0.1)).pk != first.pk


def test_too_few_checks_are_refused_with_what_is_missing(settled: Batch) -> None:
    found = certified(by_experts(settled), 10, Target(0.05, 0.05))
    assert not found.given and found.accepted == 0 and found.further and "No certificate" in found.statement
    draws.draw(settled, found.further)
    answer_all(settled)
    assert certificates.issue(settled, Target(0.05, 0.05)).checks == 10 + found.further


RATE = "the rate seen so far"


def test_a_refusal_speaks_of_a_rate_of_errors_only_where_a_check_was_answered(settled: Batch) -> None:
    by_experts(settled)
    said = certificates.issue(settled, Target(0.05, 0.05)).statement
    assert "nothing was checked at random yet" in said and "if none of them finds a wrong label" in said
    assert RATE not in said and "0 random checks" not in said
    draws.draw(settled, 10)
    said = certificates.issue(settled, Target(0.05, 0.05)).statement
    assert "10 random checks, of which 10 wait" in said and RATE not in said
    answer_all(settled)
    assert RATE in certificates.issue(settled, Target(0.05, 0.05)).statement


def test_checks_that_were_looked_at_cannot_be_looked_at_once(settled: Batch) -> None:
    certified(by_experts(settled))
    with pytest.raises(CannotCertify, match="looked at before"):
        certificates.issue(settled, Target(0.2, 0.1, "once"))


def test_one_look_at_a_number_fixed_beforehand_is_allowed(settled: Batch) -> None:
    assert certified(by_experts(settled), target=Target(0.2, 0.1, "once")).given


def test_unanswered_checks_count_as_wrong(settled: Batch) -> None:
    draws.draw(by_experts(settled), 60)
    answer_all(settled, 10)
    found = certificates.issue(settled, EASY)
    assert not found.given and found.checks == 60 and found.further == 0
    assert "60 random checks, of which 50 wait for an answer, cannot tell" in found.statement


def test_open_tasks_and_experts_labels_are_never_released(settled: Batch) -> None:
    settled.tasks.filter(position=1).update(stage="open")
    Decision.objects.filter(task__position=1).update(superseded_at="2026-01-01T00:00Z")
    Decision.objects.filter(task__position=2).update(decided_by="expert")
    found = certified(by_experts(settled))
    rows = {row[0]: row[1:] for row in found.evidence["tasks"]}
    assert rows["M-1"] == [] and rows["M-2"] == [] and found.accepted <= 118
    assert found.evidence["open"] == 1


def test_labels_known_from_the_file_need_no_check(project: Any) -> None:
    made = settled_batch(project, gold_every=1)
    found = certificates.issue(made, Target(0.2, 0.05))
    assert found.given and found.accepted == 120 and found.checks == 0 and found.stands == pytest.approx(0.1)
    assert "the labels known from the file" in found.statement
    assert evidence.known_from_file(found.evidence) == 120, "so that no page says it rests on nothing"
    assert not certificates.issue(made, Target(0.05, 0.05)).given


def test_checks_of_one_group_alone_do_not_count_as_checks_of_the_whole(settled: Batch) -> None:
    draws.draw(by_experts(settled), 20, group="Harbour")
    answer_all(settled)
    found = certificates.issue(settled, EASY)
    assert found.checks < 20 and len(found.evidence["checks"]) == 20
    assert {row[3] for row in found.evidence["tasks"] if len(row) > 3} == {round(20 / 60, 9)}


def test_a_certificate_never_changes(settled: Batch) -> None:
    found = certified(by_experts(settled))
    with pytest.raises(TypeError, match="never changes"):
        found.save()
    with pytest.raises(TypeError, match="never vanishes"):
        found.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Certificate.objects.filter(pk=found.pk).update(alpha=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Certificate.objects.filter(pk=found.pk).update(threshold=None)


def test_the_file_is_recomputed_without_the_database(settled: Batch) -> None:
    text = certificates.as_file(certified(by_experts(settled)))
    with connection.execute_wrapper(lambda *_: pytest.fail("the database was asked")):
        assert certificates.verify(text) == []


def tampered(text: str, change: Any) -> list[str]:
    told = json.loads(text)
    change(told)
    if "digest" in told and "evidence" in told:
        told["digest"] = evidence.digest(told["evidence"])
    return certificates.verify(json.dumps(told))


def test_a_file_that_was_changed_is_found_out(settled: Batch) -> None:
    """Also where whoever changed it computed the digest anew."""
    text = certificates.as_file(certified(by_experts(settled)))
    assert any("accepted" in fault for fault in tampered(text, lambda told: told["result"].update(accepted=119)))
    assert any("checks" in fault for fault in tampered(text, lambda told: told["evidence"]["checks"].pop(0)))
    assert any("statement" in fault for fault in tampered(text, lambda told: told.update(statement="All is right.")))
    assert any("experts" in fault for fault in tampered(text, lambda told: told.update(experts=[])))
    wrong = json.loads(text)
    wrong["evidence"]["tasks"][0][1] = 0.4
    assert any("digest" in fault for fault in certificates.verify(json.dumps(wrong)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.pop("format"), "no certificate of the form"),
        (lambda told: told.pop("evidence"), "lacks evidence"),
        (lambda told: told["evidence"].pop("seed"), "not complete"),
        (lambda told: told["evidence"].pop("open"), "not complete"),
        (lambda told: told["evidence"]["tasks"].append(told["evidence"]["tasks"][0]), "twice"),
        (lambda told: told["evidence"]["tasks"].append(["x", "much"]), "not complete"),
        (lambda told: told["target"].update(alpha=2), "makes no sense"),
        (lambda told: told["target"].update(more=2), "makes no sense"),
    ],
)
@pytest.mark.slow
def test_what_is_no_certificate_is_refused_in_a_sentence(settled: Batch, change: Any, said: str) -> None:
    text = certificates.as_file(certified(by_experts(settled)))
    with pytest.raises(evidence.NotEvidence, match=said):
        tampered(text, change)


def test_the_command_certifies_and_verifies(settled: Batch, tmp_path: Path) -> None:
    draws.draw(by_experts(settled), 60)
    answer_all(settled)
    out, again = io.StringIO(), io.StringIO()
    call_command("certify", settled.pk, alpha=0.2, delta=0.1, json=True, stdout=out)
    path = tmp_path / "certificate.json"
    path.write_text(out.getvalue())
    call_command("certify", verify=str(path), stdout=again)
    assert again.getvalue().startswith("Verified, every number follows from the file: ")
    path.write_text(out.getvalue().replace('"accepted": 1', '"accepted": 2', 1))
    with pytest.raises(SystemExit) as ended:
        call_command("certify", verify=str(path), json=True, stdout=(told := io.StringIO()))
    assert ended.value.code == 1 and json.loads(told.getvalue())["verified"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name a batch"),
        ([987654], "There is no batch 987654"),
        (["--verify", "/nowhere.json"], "cannot be read"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[object], said: str) -> None:
    assert said in Shell("certify").refusal(*arguments)


def test_the_command_refuses_a_target_that_makes_no_sense(settled: Batch) -> None:
    assert "error target" in Shell("certify").refusal(settled.pk, "--alpha", 1.5)


def test_a_database_without_tables_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object) -> None:
        raise OperationalError("no such table: labeling_batch")

    monkeypatch.setattr(Batch.objects, "kept", missing)
    said = Shell("certify").refusal(1)
    assert said == (
        "The database cannot be read (no such table: labeling_batch); make its tables with: manage.py migrate"
    )


@pytest.mark.slow
def test_how_common_labels_are_is_corrected_by_the_checks(settled: Batch) -> None:
    draws.draw(by_experts(settled), 60)
    answer_all(settled)
    found = prevalence(settled)
    assert [line.checks for line in found.labels] == [60, 60, 60] and len(found.groups) == 2
    truth = [0, 0, 0]
    for task in settled.tasks.all():
        stood = task.decisions.order_by("pk").first().label.position
        truth[(stood + (task.position % 10 == 0)) % 3] += 1
    for line, true in zip(found.labels, truth, strict=True):
        width = line.share.high - line.share.low
        assert abs(line.share.value - true / 120) < width, "within twice the interval"
        assert line.share.high - line.share.low < line.alone.high - line.alone.low
    assert sum(line.labeled for line in found.labels) == pytest.approx(1)


def test_too_few_checks_tell_nothing_of_how_common_labels_are(settled: Batch) -> None:
    found = prevalence(settled)
    assert all(not line.share.estimable and line.share.reason == "0 of 30 checked" for line in found.labels)


def test_a_refusal_in_the_words_of_before_is_true_still(settled: Batch) -> None:
    told = json.loads(certificates.as_file(certificates.issue(settled, EASY)))
    further = EASY.find(evidence.audit_of(told["evidence"])).further
    cannot = "No certificate: 0 random checks cannot tell that at most 20% of all labels are wrong with 90% confidence."
    told["statement"] = f"{cannot} With about {further:,} more they would, if errors keep the rate seen so far."
    assert certificates.verify(json.dumps(told)) == []
    told["statement"] = f"{cannot} With about {further + 1:,} more they would, if errors keep the rate seen so far."
    assert certificates.verify(json.dumps(told)) == ["The statement is not what these numbers say."]
