"""What `label` tells at its end: one object for programs, lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User

from labeling.models import Annotator, Batch, Decision, Membership, Question, SkippedRow, Vote
from labeling.money import ledger

SHOWN = 5
"""So many bad lines and duplicates are listed; the page of the batch has them all."""


def summarise(batch: Batch, seconds: float) -> dict[str, Any]:
    """The contract's JSON object."""
    from labeling.rounds import story

    now, question = story.progress(batch), batch.project.first_question
    votes = Vote.objects.current().filter(task__batch=batch)
    purse = batch.purse
    purse.refresh_from_db()
    return {
        "project": batch.project.name,
        "batch": batch.name,
        "kind": question.kind,
        "tasks": batch.tasks.count(),
        "rows": {"new": batch.rows_new, "duplicate": batch.rows_duplicate, "bad": batch.rows_bad},
        "annotators": batch.project.annotators.machines().count(),
        "votes": votes.answering().count(),
        "abstentions": votes.abstaining().count(),
        "decided": now["decided"],
        "open": now["open"],
        "for_people": now["for_people"] + now["for_experts"],
        "decided_by": count_by(batch),
        "cost_usd": purse.spent_microdollars / 1_000_000,
        "budget_usd": purse.cap_microdollars / 1_000_000,
        "seconds": round(seconds, 3),
        **_of(batch, question),
        **_of_each(batch),
    }


def _of(batch: Batch, question: Question) -> dict[str, Any]:
    """How right the answers to one question are."""
    return _of_one_label(batch, question) if question.votes_are_enough else _of_a_kind(batch, question)


def _of_each(batch: Batch) -> dict[str, Any]:
    """The same of every question, where there are several; the first one's figures stand beside as well."""
    asked = list(batch.project.questions.all())
    if len(asked) < 2:
        return {}
    rows = [{"question": one.number, "wording": one.wording, "kind": one.kind, **_of(batch, one)} for one in asked]
    return {"questions": rows}


def _of_one_label(batch: Batch, question: Question) -> dict[str, Any]:
    from labeling.checks import scores

    checked = scores.score(batch, question)
    return {
        "checked": checked.checked,
        "accuracy": checked.accuracy,
        "majority_accuracy": checked.majority_accuracy,
        "best_single_accuracy": checked.best_single_accuracy,
        "best_single": checked.best_single,
        "commonest_label": checked.commonest,
        "commonest_label_accuracy": checked.commonest_accuracy,
    }


def _of_a_kind(batch: Batch, question: Question) -> dict[str, Any]:
    """The kind's figures, `accuracy` being the share of answers that are wholly right; each with the majority's and
    the best model's beside it."""
    from labeling.management import kind_scores

    found, kind = kind_scores.score(batch, question), question.answers
    names = dict.fromkeys(("accuracy", *kind.metrics))
    return {
        "checked": found.checked,
        **{name: found.answers.get(name) for name in names},
        **{f"majority_{name}": found.majority.get(name) for name in names},
        **{f"best_single_{name}": found.best.get(name) for name in names},
        "best_single": found.best_name,
        "baselines": found.plain,
    }


def count_by(batch: Batch) -> dict[str, int]:
    current = Decision.objects.current().filter(task__batch=batch)
    return {by: current.filter(decided_by=by).count() for by in Decision.By.values}


def lines(batch: Batch, told: dict[str, Any]) -> Iterator[str]:
    """The same for people: rounded, with 95% intervals (Wilson), and what was left out."""
    by = {name: count for name, count in told["decided_by"].items() if count}
    models = "model" if told["annotators"] == 1 else "models"
    about = f" about {told['rows']['new']:,} instances" if "questions" in told else ""
    yield (
        f"{told['batch']}: {told['tasks']:,} tasks{about}, {told['annotators']} {models}, {told['votes']:,} votes, "
        + (f"{told['abstentions']:,} abstentions")
    )
    parts = ", ".join(f"{count:,} by the {name}" for name, count in by.items())
    waits = f", {told['for_people']:,} of them for people" if told["for_people"] else ""
    yield f"Settled {told['decided']:,}{f' ({parts})' if parts else ''}; open {told['open']:,}{waits}"
    yield f"Spent {_dollars(told['cost_usd'])} of {_dollars(told['budget_usd'])}, in {told['seconds']:.0f} s"
    yield from _untaught(batch, told)
    yield from _accuracy(told)
    yield from _skipped(batch)
    yield from _unasked(batch)
    yield from _rests(batch)
    yield in_the_browser(batch)


def _untaught(batch: Batch, told: dict[str, Any]) -> Iterator[str]:
    """Why models that learn from known labels have said nothing, and what to do."""
    from labeling.rounds import teaching

    if not told["votes"] + told["abstentions"] and teaching.awaited(batch):
        yield (
            "The built-in models learn from known labels and have too few: name the field that holds them with --gold, "
            f"or let people answer in the browser; the models vote once {teaching.FEWEST} are known."
        )


def _dollars(amount: float) -> str:
    return ledger.dollars(round(1_000_000 * amount))


def _accuracy(told: dict[str, Any]) -> Iterator[str]:
    count = told["checked"]
    if not count:
        return
    if "commonest_label" not in told:
        yield from _figures(told, count)
        return
    yield f"On the {count:,} known labels that no method has seen:"
    yield _row("always " + repr(told["commonest_label"]), told["commonest_label_accuracy"], count)
    if told["best_single"]:
        yield _row(f"best model, {told['best_single']}", told["best_single_accuracy"], count)
    yield _row("majority of the models", told["majority_accuracy"], count)
    yield _row("these labels", told["accuracy"], count)


def _figures(told: dict[str, Any], count: int) -> Iterator[str]:
    """The figures of a kind, a column each."""
    metrics = [name.removeprefix("majority_") for name in told if name.startswith("majority_")]
    yield f"On the {count:,} known answers that no method has seen:"
    yield f"  {'':<36}" + "".join(f" {name:>17}" for name in metrics)
    rows = {f"best model, {told['best_single']}": "best_single_", "majority of the models": "majority_"}
    for name, begin in {**rows, "these answers": ""}.items():
        values = (told[f"{begin}{metric}"] for metric in metrics)
        yield f"  {name[:36]:<36}" + "".join(f" {'-' if one is None else f'{one:.3f}':>17}" for one in values)


def _row(name: str, rate: float, count: int) -> str:
    from labeling.reports.estimates import limits

    low, high = limits(rate, count)
    return f"  {name[:44]:<44} {rate:.3f}  [{low:.3f}, {high:.3f}]"


def _skipped(batch: Batch) -> Iterator[str]:
    """Rows that became no task: how many, and the first of them with the reason."""
    for kind, said in ((SkippedRow.Kind.BAD, "cannot be used"), (SkippedRow.Kind.DUPLICATE, "are there already")):
        rows = SkippedRow.objects.filter(batch=batch, kind=kind).order_by("line")
        count = rows.count()
        if not count:
            continue
        yield f"{count:,} {'rows' if count > 1 else 'row'} {said if count > 1 else said.replace('are', 'is')}:"
        yield from (f"  line {row.line}: {row.reason}" for row in rows[:SHOWN])
        if count > SHOWN:
            yield f"  and {count - SHOWN:,} more"


def _unasked(batch: Batch) -> Iterator[str]:
    """Paid models that were asked about nothing, and why the buying ended."""
    why = batch.rounds.order_by("number").values_list("outcome", flat=True).last() or ""
    for one in batch.project.annotators.filter(kind=Annotator.Kind.PAID):
        if not one.votes.filter(task__batch=batch).exists():
            yield f"{one.name} was asked about nothing. {why}".strip()


def _rests(batch: Batch) -> Iterator[str]:
    """Members of the crowd that cost money and did not come to the end."""
    from labeling.reports.batch.resting import resting

    for one in resting(batch):
        yield f"{one.annotator.name} voted on {one.voted:,} of {one.tasks:,} tasks and rests. {one.why}"


def in_the_browser(batch: Batch) -> str:
    """How to open the project in a browser, for whoever manages it."""
    manager = batch.project.memberships.filter(role=Membership.Role.MANAGER).select_related("user").first()
    page = batch.project.get_absolute_url()
    if manager is not None:
        return f"In the browser: manage.py run, sign in as {manager.user.get_username()}, page {page}"
    if User.objects.filter(is_superuser=True).exists():
        return "Nobody manages this project yet: name somebody with --manager NAME, then manage.py run"
    return f"In the browser: manage.py first-user makes a sign-in that manages it; then manage.py run, page {page}"
