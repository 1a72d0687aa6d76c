"""`manage.py label FILE`: the main job without a browser (docs/commands.md)."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import F, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone

from labeling.crowd.errors import CrowdError
from labeling.files import exports
from labeling.files.tables import UnusableFile
from labeling.kinds import registry
from labeling.management import label_job, label_report
from labeling.management.tables import make_tables
from labeling.models import Batch
from labeling.money import ledger

Stage = Batch.Stage
PATIENCE = 120


class Command(BaseCommand):
    help = "Label a CSV or JSONL file: import, vote, infer, route, decide, export."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="CSV, JSON or XLSX, the first two also as .gz; - is standard input")
        parser.add_argument("--text", default="text", help="field or fields with the text, comma between")
        parser.add_argument(
            "--image",
            action="append",
            default=[],
            help="field with the path of a picture, from the folder of the file on",
        )
        parser.add_argument(
            "--kind",
            default="",
            help=f"what an answer is: {', '.join(registry.NAMES)}; by default the project's, or choice",
        )
        parser.add_argument(
            "--labels",
            default="",
            help="the labels, comma between; by default the project's, or those found in gold",
        )
        parser.add_argument("--gold", default="", help="field with the known label, where there is one")
        parser.add_argument(
            "--group", action="append", default=[], help="field with groups, for fairness; several with comma between"
        )
        parser.add_argument("--id", default="", help="field that names a row; by default id or task, else the line")
        parser.add_argument("--crowd", default="", help="annotators that vote on every task, comma between")
        parser.add_argument("--paid", action="append", default=[], help="annotator that costs money; may be repeated")
        parser.add_argument("--budget", default="0", help="US dollars that may be spent at most")
        parser.add_argument("--validation", type=int, help="known labels the methods may learn from")
        parser.add_argument("--question", default="", help="what is asked about each text")
        parser.add_argument("--guidelines", default="", metavar="FILE", help="Markdown that tells how to label")
        parser.add_argument(
            "--describe", action="append", default=[], metavar="LABEL=TEXT", help="what a label means; may be repeated"
        )
        parser.add_argument("--manager", default="", metavar="NAME", help="who manages the project in the browser")
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
            make_tables()
            batch = label_job.open_batch(options)
            for sentence in label_job.unused(options, batch):
                self.stderr.write(sentence)
            self.work(batch)
        except (UnusableFile, CrowdError, ledger.Refused) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        if options["output"]:
            write_labels(batch, options["output"])
        summary = label_report.summarise(batch, time.monotonic() - started)
        if options["json"]:
            self.stdout.write(json.dumps(summary))
        else:
            self.stdout.write("\n".join(label_report.lines(batch, summary)))

    def work(self, batch: Batch) -> None:
        """Advance until nothing is left to do by machine; a failure that needs a person is raised."""
        from labeling.rounds import story  # here and below: a second of imports that --help does not need

        last, told, silent_since = "", "", time.monotonic()
        while True:
            more = story.advance(batch.pk)
            batch.refresh_from_db()
            if batch.error:
                raise UnusableFile(batch.error)
            now = progress_line(batch)
            if now != last:
                last, silent_since = now, time.monotonic()
            line = now if self.stderr.isatty() else progress_line(batch, in_tenths=True)
            if line != told:
                self.stderr.write(line)
                told = line
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


def progress_line(batch: Batch, *, in_tenths: bool = False) -> str:
    """Where the batch is, in a line; `in_tenths`: it changes at most ten times while the models answer."""
    if batch.stage == Stage.IMPORTING:
        return f"{batch.get_stage_display()}: {batch.rows_read:,} rows" if not in_tenths else batch.get_stage_display()
    if batch.stage == Stage.VOTING:
        done = share_answered(batch)
        percent = math.floor(10 * done) * 10 if in_tenths else math.floor(100 * done)
        return f"{batch.get_stage_display()}: {percent}% of the models' answers are in{waited_for(batch)}"
    return str(batch.get_stage_display())


def share_answered(batch: Batch) -> float:
    """How much of what the models are asked about is answered, by the tasks of chunks, 0 of nothing."""
    tasks = F("last") - F("first") + 1
    chunks = batch.chunks.aggregate(all=Sum(tasks), done=Sum(tasks, filter=Q(done_at__isnull=False)))
    return (chunks["done"] or 0) / chunks["all"] if chunks["all"] else 0.0


def write_labels(batch: Batch, path: str) -> None:
    lines = exports.jsonl(batch, short=True)
    if path == "-":
        sys.stdout.writelines(lines)
        return
    with Path(path).open("w", encoding="utf-8") as stream:
        stream.writelines(lines)
