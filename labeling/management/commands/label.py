"""`manage.py label FILE`: the main job without a browser (docs/commands.md)."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.utils import timezone

from labeling.crowd.errors import CrowdError
from labeling.files import exports, imports, workbooks
from labeling.files.guesses import fields_for
from labeling.files.rows import Fields, check_encoding
from labeling.files.tables import UnusableFile
from labeling.files.uploads import LINES, WORKBOOK
from labeling.models import Batch, Decision, Project, Vote
from labeling.money import ledger

Stage = Batch.Stage
PATIENCE = 120


class Command(BaseCommand):
    help = "Label a CSV or JSONL file: import, vote, infer, route, decide, export."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="CSV, JSON or XLSX, the first two also as .gz; - is standard input")
        parser.add_argument("--text", default="text", help="field or fields with the text, comma between")
        parser.add_argument("--labels", default="", help="the labels, comma between; by default those found in gold")
        parser.add_argument("--gold", default="", help="field with the known label, where there is one")
        parser.add_argument("--group", default="", help="field with the group, for fairness")
        parser.add_argument("--id", default="", help="field that names a row; by default id or task, else the line")
        parser.add_argument("--crowd", default="", help="annotators that vote for free, comma between")
        parser.add_argument("--paid", default="", help="annotator that costs money")
        parser.add_argument("--budget", default="0", help="US dollars that may be spent at most")
        parser.add_argument("--validation", type=int, help="known labels the methods may learn from")
        parser.add_argument("--project", default="", help="a new project, or one that has the same labels")
        parser.add_argument("--aggregator", default="", help="truth inference method, auto by default")
        parser.add_argument(
            "--people", type=float, default=None, help="share of the tasks left for people, 0 by default"
        )
        parser.add_argument(
            "--accept", type=float, default=0.0, help="leave tasks open of which the crowd is less sure; 0 by default"
        )
        parser.add_argument("--output", default="", help="where the labels go, as JSONL")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            migrate_if_needed()
            batch = open_batch(options)
            self.work(batch)
        except (UnusableFile, CrowdError, ledger.Refused) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        if options["output"]:
            write_labels(batch, options["output"])
        summary = summarise(batch, time.monotonic() - started)
        self.stdout.write(json.dumps(summary) if options["json"] else as_table(summary))

    def work(self, batch: Batch) -> None:
        """Advance until nothing is left to do by machine; a failure that needs a person is raised."""
        from labeling.rounds import story  # here and below: a second of imports that --help does not need

        last, silent_since = "", time.monotonic()
        while True:
            more = story.advance(batch.pk)
            batch.refresh_from_db()
            if batch.error:
                raise UnusableFile(batch.error)
            now = progress_line(batch)
            if now != last:
                self.stderr.write(now)
                last, silent_since = now, time.monotonic()
            if not more and batch.stage not in Batch.WORKING:
                return
            if not more:
                if time.monotonic() - silent_since > PATIENCE and not waited_for(batch):
                    raise UnusableFile(why_nothing_moves(batch))
                time.sleep(0.5)


def waited_for(batch: Batch) -> str:
    """The free model that rests and will be asked again, once only such ones still owe votes; else nothing."""
    if batch.stage != Stage.VOTING or batch.chunks.free().exclude(annotator__retry_at__gt=Now()).exists():
        return ""
    rests = batch.chunks.wanted().filter(annotator__retry_at__gt=Now()).select_related("annotator").first()
    return (
        f"; waits until {timezone.localtime(rests.annotator.retry_at):%H:%M:%S}: {rests.annotator.error}"
        if rests
        else ""
    )


def why_nothing_moves(batch: Batch) -> str:
    failing = batch.project.annotators.machines().exclude(error="").exclude(failures=0).first()
    told = f" {failing}: {failing.error}" if failing else ""
    return f"Nothing has moved for two minutes; look at the annotators and run it again.{told}"


def migrate_if_needed() -> None:
    """Make the tables of a fresh database, so that the command works right after installation."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def open_batch(options: dict[str, Any]) -> Batch:
    """Everything that can be refused is refused here, before a row is written."""
    from labeling.people import recruiting

    budget = microdollars(options["budget"])
    if not 0 <= options["accept"] <= 1:
        raise UnusableFile(f"--accept is {options['accept']}; give a share between 0 and 1, e.g. 0.8.")
    path = local_path(options["file"])
    check_encoding(path)
    fields = fields_for(path, split(options["text"]), options["gold"], options["group"], options["id"])
    labels = imports.label_names(path, fields, split(options["labels"]))
    with transaction.atomic():
        project = find_project(options, fields, path)
        imports.set_labels(project, labels)
        names = split(options["crowd"]) or recruiting.embedded_crowd(len(fields.text))
        recruiting.add_models(project, names)
        if options["paid"]:
            recruiting.add_paid(project, options["paid"])
        batch = imports.open_batch(project, path, fields, validation=options["validation"], seed=options["seed"])
        batch.accept_confidence = options["accept"]
        batch.save(update_fields=["accept_confidence"])
        ledger.open_purse(batch, budget)
    return batch


def find_project(options: dict[str, Any], fields: Fields, path: str) -> Project:
    from labeling.managing.new_projects import free_slug

    name = options["project"] or Path(path).stem.split(".")[0]
    known = Project.objects.filter(name=name).first() if options["project"] else None
    if known:
        return known
    policy: dict[str, Any] = {"review_share": options["people"] or 0}
    if options["aggregator"]:
        policy["aggregator"] = options["aggregator"]
    if fields.group:
        policy["group_name"] = fields.group[:60]
    return Project.objects.create(name=name[:120], slug=free_slug(name), **policy)


def microdollars(text: str) -> int:
    """US dollars as written, in whole micro-dollars, rounded down."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise UnusableFile(f"--budget is {text!r}; give a number of US dollars, e.g. 5 or 0.50.") from None
    if not amount.is_finite() or amount < 0:
        raise UnusableFile(f"--budget is {text}; give zero or more US dollars.")
    return int(amount * 1_000_000)


def local_path(name: str) -> str:
    """The file's path; standard input, and the sheet of a workbook, are kept in a temporary file."""
    if name.endswith(WORKBOOK):
        lines = Path(tempfile.mkdtemp()) / f"{Path(name).stem}{LINES}"
        workbooks.as_json_lines(Path(name), lines, name)
        return str(lines)
    if name != "-":
        return name
    start = sys.stdin.buffer.read(64)
    suffix = ".jsonl" if start.lstrip().startswith(b"{") else ".csv"
    with tempfile.NamedTemporaryFile(prefix="standard-input-", suffix=suffix, delete=False) as copy:
        copy.write(start)
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return copy.name


def split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def progress_line(batch: Batch) -> str:
    if batch.stage == Stage.IMPORTING:
        return f"{batch.get_stage_display()}: {batch.rows_read:,} rows"
    if batch.stage == Stage.VOTING:
        done = batch.chunks.exclude(done_at=None).count()
        return f"{batch.get_stage_display()}: {done} of {batch.chunks.count()} chunks{waited_for(batch)}"
    return str(batch.get_stage_display())


def write_labels(batch: Batch, path: str) -> None:
    lines = exports.jsonl(batch, short=True)
    if path == "-":
        sys.stdout.writelines(lines)
        return
    with Path(path).open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


def summarise(batch: Batch, seconds: float) -> dict[str, Any]:
    """The contract's JSON object."""
    from labeling.checks import scores
    from labeling.rounds import story

    now = story.progress(batch)
    votes = Vote.objects.current().filter(task__batch=batch)
    checked = scores.score(batch)
    purse = batch.purse
    purse.refresh_from_db()
    return {
        "project": batch.project.name,
        "batch": batch.name,
        "tasks": batch.rows_new,
        "rows": {"new": batch.rows_new, "duplicate": batch.rows_duplicate, "bad": batch.rows_bad},
        "annotators": batch.project.annotators.machines().count(),
        "votes": votes.filter(label__isnull=False).count(),
        "abstentions": votes.filter(label=None).count(),
        "decided": now["decided"],
        "open": now["open"],
        "for_people": now["for_people"] + now["for_experts"],
        "decided_by": count_by(batch),
        "cost_usd": purse.spent_microdollars / 1_000_000,
        "budget_usd": purse.cap_microdollars / 1_000_000,
        "seconds": round(seconds, 3),
        "checked": checked.checked,
        "accuracy": checked.accuracy,
        "majority_accuracy": checked.majority_accuracy,
        "best_single_accuracy": checked.best_single_accuracy,
        "best_single": checked.best_single,
        "commonest_label": checked.commonest,
        "commonest_label_accuracy": checked.commonest_accuracy,
    }


def count_by(batch: Batch) -> dict[str, int]:
    current = Decision.objects.current().filter(task__batch=batch)
    return {by: current.filter(decided_by=by).count() for by in Decision.By.values}


def as_table(summary: dict[str, Any]) -> str:
    return "\n".join(
        f"{name.replace('_', ' '):<22} {'–' if value is None else value}" for name, value in summary.items()
    )
