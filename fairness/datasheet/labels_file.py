"""The file of the labels: its hash, and the commands that write it, and the votes behind it, again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from fairness.datasheet.plain import Plain
from labeling.files import exports
from labeling.kinds.registry import ONE_LABEL
from labeling.models import Batch, Question
from labeling.reports.build import build

MANAGE = "manage.py"


def lines(batch: Batch, question: Question) -> Iterator[bytes]:
    """The settled answers to one question, as `manage.py export BATCH --what labels --format jsonl` writes them."""
    return (line.encode() for line in exports.jsonl(batch, question.number))


def labels_file(batch: Batch, question: Question) -> Plain:
    """Rows, bytes and SHA-256 of the file of one question's labels, and the command that writes the same bytes."""
    told, rows, size = hashlib.sha256(), 0, 0
    for line in lines(batch, question):
        told.update(line)
        rows, size = rows + 1, size + len(line)
    return {
        "name": name(batch, question),
        "rows": rows,
        "bytes": size,
        "sha256": told.hexdigest(),
        "command": f"{MANAGE} export {batch.pk} --what labels --format jsonl --question {question.number} "
        f"--output {name(batch, question)}",
    }


def name(batch: Batch, question: Question) -> str:
    return f"{batch.project.slug}-{batch.pk}-question-{question.number}.jsonl"


def reproduce(batch: Batch) -> Plain:
    """The build of the product, and what to type: this sheet again, and of each question its votes, weighed again."""
    return {
        "build": build(),
        "sheet": f"{MANAGE} datasheet {batch.pk} --format json --output sheet.json",
        "weighing": [command for asked in batch.project.questions.all() for command in _weighing(batch, asked)],
        "note": "The command of each file of labels gives the same bytes. Weighing the votes again gives what machines "
        "make of them; what people decided stands in the files of labels.",
    }


def _weighing(batch: Batch, question: Question) -> list[str]:
    """Write the votes on one question out, and weigh them once more by the same method and seed."""
    form = "jsonl" if question.answers.form == "line" else "csv"
    votes = f"{batch.project.slug}-{batch.pk}-votes-{question.number}.{form}"
    method = batch.project.aggregator if question.votes_are_enough else "auto"
    kind = "" if question.kind == ONE_LABEL else f" --kind {question.kind}"
    return [
        f"{MANAGE} export {batch.pk} --what votes --format {form} --question {question.number} --output {votes}",
        f"{MANAGE} aggregate {votes}{kind} --method {method} --seed {batch.seed}",
    ]
