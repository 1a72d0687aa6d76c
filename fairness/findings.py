"""The finding in a sentence: what a manager reads first on a page."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import apnumber
from django.utils.text import capfirst

from fairness import label_gaps
from fairness.gaps import Gap, verdict
from fairness.groups import MARGIN, Fair
from fairness.quality import Good
from fairness.reports import Report
from labeling.models import Batch, Question
from labeling.money import ledger
from labeling.reports.batch.standing import Standing
from labeling.reports.money.bills import Meter
from labeling.reports.people import work

AGREE, SPLIT = 0.8, 0.667
STAGES = {
    Batch.Stage.IMPORTING: "The file is being read",
    Batch.Stage.VOTING: "The models are voting",
    Batch.Stage.WEIGHING: "The votes are being weighed",
    Batch.Stage.ASKING: "The paid model is answering",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence or a part of one; the strong ones can be read alone."""

    text: str
    strong: bool = False


def of_batch(report: Report, now: Standing, money: Meter, question: Question | None = None) -> list[Said]:
    """What a manager should know about a batch, in three or four sentences."""
    said = [_stage(now), _left(now)]
    if now.settled:
        about = question or now.batch.project.first_question
        noun = about.measures.noun
        said += [_quality(report.good, noun), _people(report, now, about), *_fairness(report.fair, noun)]
    if money.cap:
        said.append(Said(f"{capfirst(ledger.cents(money.free))} is still free.", strong=True))
    return [one for one in said if one.text]


def _stage(now: Standing) -> Said:
    words = STAGES.get(Batch.Stage(now.batch.stage), "")
    if now.batch.archived_at:
        return Said("This batch is put away: no model and no person is asked about it.", strong=True)
    if now.batch.paused_at:
        return Said("It has stopped; why stands below." if now.batch.error else "It is paused.", strong=True)
    if not words:
        return Said("")
    if now.batch.stage == Batch.Stage.IMPORTING:
        return Said(f"{words}: {now.batch.rows_read:,} rows so far.", strong=True)
    if now.batch.stage == Batch.Stage.VOTING:
        left = f", {now.left_words}" if now.left_words else ""
        return Said(f"{words}: {now.votes_done:,} of {now.votes_due:,} votes are in{left}.", strong=True)
    return Said(f"{words}.", strong=True)


def _left(now: Standing) -> Said:
    """Tasks that stay open below the threshold."""
    if not now.unasked or now.batch.paused_at:
        return Said("")
    one, from_where = now.unasked == 1, f"less than {now.batch.accepts_from:.0%} sure"
    noun = "task stays" if one else "tasks stay"
    return Said(
        f"{now.unasked:,} {noun} open: {from_where}, and nobody is asked about {'it' if one else 'them'}.", True
    )


def _quality(good: Good, noun: str = "label") -> Said:
    if good.overall.estimable and good.overall.value is not None:
        told = f"About {100 * good.overall.value:.0f} of 100 settled {noun}s are right"
        if good.base is None or good.base.beaten:
            return Said(f"{told}.", strong=True)
        lead = good.base.above.value or 0.0
        better = "not surely better" if lead > 0 else "no better"
        always = f"always saying {good.base.label}, which is right {100 * good.base.share:.0f} times"
        return Said(f"{told}: {better} than {always}.", strong=True)
    return Said(f"Too few {noun}s are checked to say how many are right: {good.checks} of 30.", strong=True)


def _people(report: Report, now: Standing, question: Question) -> Said:
    if report.together is None:
        return Said("")
    alpha = report.together.measures[1].people
    if not alpha.estimable or alpha.low is None or alpha.high is None:
        return Said("")
    if alpha.low >= AGREE:
        return Said("People agree well.")
    if alpha.high >= SPLIT:
        return Said("")
    cause = work.why_people_differ(question)
    return Said(f"People often disagree. {cause.sentence}" if cause.blames else "People often disagree.")


def _fairness(fair: Fair | None, noun: str) -> list[Said]:
    if fair is None:
        return []
    lacking = [row.group for row in fair.table.groups if not row.accuracy.estimable and row.n]
    lacks = Said(_lacking(lacking, len(fair.table.groups)))
    return [Said(_gap(fair.table.accuracy_difference, noun)), Said(_by_label(fair), strong=True), lacks]


def _by_label(fair: Fair) -> str:
    """The labels about which the evidence is clear, the surest one with its group; empty for none."""
    clear = label_gaps.clear(fair)
    if not clear:
        return ""
    label, look = clear[0]
    often = "more" if (look.difference or 0.0) > 0 else "less"
    more = f", and so {'is' if len(clear) == 2 else 'are'} {apnumber(len(clear) - 1)} more" if len(clear) > 1 else ""
    return f"“{label}” is clearly {often} often right in {look.group} than elsewhere{more}."


def _gap(gap: Gap, noun: str) -> str:
    if not gap.estimable or gap.low is None:
        return ""
    found = verdict(gap, MARGIN)
    if found == "pass":
        return f"All groups get right {noun}s about equally often, within 5 points."
    if found == "fail":
        return f"{gap.lowest} gets clearly fewer right {noun}s than {gap.highest}."
    if gap.lowest == gap.highest:
        return f"In the checks all groups got right {noun}s equally often; a true gap is not excluded yet."
    small = f"as small as {100 * gap.low:.1f} points" if gap.low >= 0.0005 else "none at all"
    seen = f"{gap.lowest} gets fewer right {noun}s than {gap.highest} in the checks"
    return f"{seen}; the true gap may be {small}, so it is not settled yet."


def _lacking(names: list[str], groups: int) -> str:
    if not names or len(names) == groups:
        return ""
    shown = ", ".join(names[:2]) if len(names) > 2 else " and ".join(names)
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{shown}{more} {'have' if len(names) > 1 else 'has'} too few checks to say."


def of_project(standings: list[Standing], good: Good, cases: int, question: Question | None = None) -> list[Said]:
    """What moves and what waits."""
    moving = [one for one in standings if one.moving]
    waiting = sum(one.asked.get("person", 0) for one in moving)
    unasked = sum(one.unasked for one in moving)
    if not standings:
        return [Said("No batch is at work.", strong=True), *([_waiting(0, cases, 0)] if cases else [])]
    said = [_moving(moving), _waiting(waiting, cases, unasked)]
    if any(one.settled for one in standings):
        said.append(_quality(good, question.measures.noun if question else "label"))
    return said


def _moving(moving: list[Standing]) -> Said:
    if not moving:
        return Said("Nothing moves; every batch is settled.", strong=True)
    if len(moving) == 1:
        return Said(f"{moving[0].batch.name} is moving: {moving[0].words}.", strong=True)
    return Said(f"{str(apnumber(len(moving))).capitalize()} batches are moving.", strong=True)


def _waiting(people: int, cases: int, unasked: int) -> Said:
    parts = [f"{people:,} {'task waits' if people == 1 else 'tasks wait'} for a person"] if people else []
    parts += [f"{cases:,} {'case' if cases == 1 else 'cases'} for an expert"] if cases else []
    if unasked:
        parts.append(f"{unasked:,} {'task is' if unasked == 1 else 'tasks are'} not sure enough, and nobody is asked")
    return Said(f"{_listed(parts)}." if parts else "Nobody has to do anything now.")


def _listed(parts: list[str]) -> str:
    """A, B and C."""
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
