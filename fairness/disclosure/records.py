"""The data beside a Croissant file: settled answers of each question and the provenance of each task, as Parquet.

Parquet, since its types are exact: readers of lines of JSON or CSV guess, and make a number of an id such as 0012.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any

from fairness.datasheet import cooperation
from fairness.datasheet.names import names_of
from fairness.datasheet.plain import Plain, moment
from labeling.files import exports
from labeling.files.answers import Asking
from labeling.models import Batch, Decision, Question
from labeling.models.grouping import attributes

ROWS = 500
TEXT, NUMBER, INTEGER, TEXTS, INTEGERS = "text", "number", "integer", "texts", "integers"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its name, its sort, and what it holds."""

    name: str
    sort: str
    about: str


TOLD = ("task", "question", "decided_by", "led_by", "decided_at", "guidelines_version", "decisions_before")
"""Of a task's provenance, what stands in the file as it is."""
OF_ALL = (
    Column("task", TEXT, "The id of the instance."),
    Column("text", TEXT, "The text of the instance, its parts one under the other."),
    Column("pictures", TEXTS, "Names of its pictures."),
)
DECIDED = (
    Column("confidence", NUMBER, "The chance that the answer is right, as it was believed when it was decided."),
    Column("decided_by", TEXT, "Who decided: crowd, paid, person, expert or file."),
    Column("annotator", TEXT, "Who had the last word; people are numbered."),
    Column("decided_at", TEXT, "When, in UTC."),
)
PROVENANCE = (
    Column("task", TEXT, "The id of the instance."),
    Column("question", INTEGER, "The number of the question."),
    Column("decided_by", TEXT, "Who decided; nothing while it is open."),
    Column("led_by", TEXT, "Who led: model, human, equal, or file where the answer was known."),
    Column("decided_at", TEXT, "When it was decided, in UTC."),
    Column("handed_over_at", TEXT, "When machines first handed it to a person or an expert."),
    Column("handed_over_to", TEXT, "To whom: person or expert."),
    Column("handed_over_because", TEXT, "Why."),
    Column("guidelines_version", INTEGER, "Which version of the guidelines was in force when it was decided."),
    Column("decisions_before", INTEGER, "How many earlier decisions were superseded."),
    *(Column(f"answers_{kind}", INTEGER, f"Answers by {kind}.") for kind in ("model", "paid", "person", "expert")),
)


def columns_of(batch: Batch, asking: Asking) -> tuple[Column, ...]:
    """The columns of the file of one question."""
    groups = tuple(Column(f"group_{name}", TEXT, f"The group by {name}.") for name in attributes(batch))
    return (*OF_ALL, *_answer_columns(asking), *DECIDED, *groups)


def _answer_columns(asking: Asking) -> tuple[Column, ...]:
    wording = asking.question.wording
    if asking.question.answers.in_text:
        return (
            Column("labels", TEXTS, f"{wording} The label of each marked stretch of the text."),
            Column("starts", INTEGERS, "Where each begins, in code points of `text`."),
            Column("ends", INTEGERS, "Where each ends; the end is exclusive."),
        )
    if asking.spread:
        return (Column("labels", TEXTS, f"{wording} Every label that belongs; none is an answer."),)
    return (Column("label", TEXT, wording),)


def labels(batch: Batch, question: Question) -> Iterator[Plain]:
    """One record for each settled task of a question, without names of people."""
    asking, called, groups = Asking.of(question), names_of(batch.project), attributes(batch)
    for made in exports.decided(batch).filter(task__question=question).iterator(ROWS):
        task = made.task
        yield {
            "task": task.external_id,
            "text": task.text,
            "pictures": [file_name(one["file"]) for one in task.images],
            **_answer(made, asking),
            "confidence": made.confidence,
            "decided_by": made.decided_by,
            "annotator": called.get(made.annotator_id or 0),
            "decided_at": moment(made.created_at),
            **{f"group_{name}": task.groups.get(name) for name in groups},
        }


def _answer(made: Decision, asking: Asking) -> Plain:
    value = asking.value(asking.cells(made))
    if asking.question.answers.in_text:
        starts, ends, names = (list(column) for column in zip(*value, strict=True)) if value else ([], [], [])
        return {"labels": names, "starts": starts, "ends": ends}
    return {"labels": value} if asking.spread else {"label": str(value)}


def provenance(batch: Batch) -> Iterator[Plain]:
    """The provenance of each task as one flat record."""
    for one in cooperation.provenance(batch):
        handed = one["handed_over"] or {}
        yield {
            **{name: one[name] for name in TOLD},
            **{f"handed_over_{name}": handed.get(name) for name in ("at", "to", "because")},
            **{f"answers_{kind}": n for kind, n in one["answers"].items()},
        }


def file_name(kept: str) -> str:
    """The name of a picture without its folder."""
    return kept.rpartition("/")[2]


def parquet(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The rows as a Parquet file, written some hundred at a time."""
    import pyarrow as pa  # half a second that only this needs
    import pyarrow.parquet as pq

    types = {TEXT: pa.string(), NUMBER: pa.float64(), INTEGER: pa.int64()}
    types |= {TEXTS: pa.list_(pa.string()), INTEGERS: pa.list_(pa.int64())}
    schema = pa.schema([(one.name, types[one.sort]) for one in columns])
    out, coming = BytesIO(), iter(rows)
    with pq.ParquetWriter(out, schema) as writer:
        while some := list(islice(coming, ROWS)):
            writer.write_table(pa.Table.from_pylist([dict(one) for one in some], schema=schema))
    return out.getvalue()
