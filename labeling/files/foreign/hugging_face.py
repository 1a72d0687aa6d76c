"""A folder that `datasets.load_dataset` reads: Parquet with typed columns, pictures inside, a README with the features.

Source: huggingface.co/docs/hub/datasets-cards and datasets-manual-configuration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice
from typing import Any

from labeling.files.foreign.settled import Asked, Settled, Told, Unsuited, labels_of, spans_of

ROWS = 500
"""Rows that are written together."""
DATA, CARD = "data/train-00000-of-00001.parquet", "README.md"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how Arrow holds it, `features` as its file says it, `card` as a README does, `value` of an instance."""

    arrow: Any
    features: dict[str, Any]
    card: dict[str, Any]
    value: Callable[[Settled], Any]


def files(settled: Iterable[Settled], asked: Sequence[Asked], told: Told) -> Iterator[tuple[str, bytes]]:
    """Names and contents; all rows are in the split `train`. Raises Unsuited for a kind that it has no form for."""
    rows = iter(settled)
    first = next(rows, None)
    columns = _columns(asked, first)
    data, count = _parquet([first] if first else [], rows, columns)
    yield CARD, _card(columns, count, asked).encode()
    yield DATA, data


def _columns(asked: Sequence[Asked], first: Settled | None) -> dict[str, Column]:
    import pyarrow as pa  # half a second that only this format needs

    columns = {"task": _plain(lambda one: one.task), "text": _plain(lambda one: one.text)}
    for place in range(len(first.images) if first else 0):
        kept = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        name = f"image_{place + 1}" if place else "image"
        columns[name] = Column(kept, {"_type": "Image"}, {"dtype": "image"}, partial(_image, place))
    for question in asked:
        if question.kind not in FORMS:
            raise Unsuited(f"A datasets folder has no form for {question.kind}; choose csv or jsonl.")
        columns[question.name] = FORMS[question.kind](question)
    for name in first.groups if first else ():
        if name not in columns:
            columns[name] = _plain(partial(_group, name))
    return columns


def _plain(value: Callable[[Settled], Any]) -> Column:
    import pyarrow as pa

    return Column(pa.string(), {"dtype": "string", "_type": "Value"}, {"dtype": "string"}, value)


def _group(name: str, one: Settled) -> str | None:
    return one.groups.get(name)


def _image(place: int, one: Settled) -> dict[str, Any] | None:
    if place >= len(one.images):
        return None
    return {"bytes": one.images[place].read(), "path": one.images[place].file.rpartition("/")[2]}


def _cells(one: Settled, question: Asked) -> Sequence[Any] | None:
    return next((cells for which, cells in one.answers if which.number == question.number), None)


def _one_label(question: Asked) -> Column:
    import pyarrow as pa

    place = {label: at for at, label in enumerate(question.labels)}

    def value(one: Settled) -> int | None:
        cells = _cells(one, question)
        return None if cells is None else place[str(cells[0])]

    features = {"names": list(question.labels), "_type": "ClassLabel"}
    return Column(pa.int64(), features, {"dtype": _names(question)}, value)


def _some_labels(question: Asked) -> Column:
    import pyarrow as pa

    place = {label: at for at, label in enumerate(question.labels)}

    def value(one: Settled) -> list[int] | None:
        cells = _cells(one, question)
        return None if cells is None else [place[label] for label in labels_of(cells)]

    features = {"feature": {"names": list(question.labels), "_type": "ClassLabel"}, "_type": "List"}
    return Column(pa.list_(pa.int64()), features, {"list": _names(question)}, value)


def _place(question: Asked) -> Column:
    import pyarrow as pa

    steps = {label: at for at, label in enumerate(question.labels)}

    def value(one: Settled) -> float | None:
        cells = _cells(one, question)
        try:
            return None if cells is None else float(cells[0])
        except ValueError:
            return float(steps[str(cells[0])]) if cells else None

    return Column(pa.float64(), {"dtype": "float64", "_type": "Value"}, {"dtype": "float64"}, value)


def _stretches(question: Asked) -> Column:
    import pyarrow as pa

    names = ("start", "end", "label")

    def value(one: Settled) -> list[dict[str, Any]] | None:
        cells = _cells(one, question)
        return None if cells is None else [dict(zip(names, span, strict=True)) for span in spans_of(cells)]

    types = {"start": "int64", "end": "int64", "label": "string"}
    features = {"feature": {key: {"dtype": kind, "_type": "Value"} for key, kind in types.items()}, "_type": "List"}
    card = {"list": [{"name": key, "dtype": kind} for key, kind in types.items()]}
    arrow = pa.list_(pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string()}))
    return Column(arrow, features, card, value)


FORMS = {"choice": _one_label, "choices": _some_labels, "scale": _place, "spans": _stretches}
"""The column that holds an answer, by its kind."""


def _names(question: Asked) -> dict[str, Any]:
    return {"class_label": {"names": {str(at): label for at, label in enumerate(question.labels)}}}


def _parquet(first: list[Settled], rows: Iterator[Settled], columns: dict[str, Column]) -> tuple[bytes, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = {name: column.features for name, column in columns.items()}
    note = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pa.schema([(name, column.arrow) for name, column in columns.items()], metadata=note)
    out, count = BytesIO(), 0
    with pq.ParquetWriter(out, schema) as writer:
        while some := [*first, *islice(rows, ROWS)]:
            first = []
            count += len(some)
            values = [[column.value(one) for one in some] for column in columns.values()]
            arrays = [pa.array(each, column.arrow) for each, column in zip(values, columns.values(), strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return out.getvalue(), count


def _card(columns: dict[str, Column], count: int, asked: Sequence[Asked]) -> str:
    """The README. Its head is YAML, of which JSON is a part."""
    features = [{"name": name, **column.card} for name, column in columns.items()]
    head = {
        "dataset_info": {"features": features},
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}],
    }
    questions = "".join(f"- `{one.name}`: {' '.join(one.wording.split())}\n" for one in asked)
    return (
        f"---\n{json.dumps(head, indent=2, ensure_ascii=False)}\n---\n\n# Answers\n\n{questions}\n"
        f"{count:,} rows. Offsets of marks count Unicode code points; the end is exclusive.\n"
    )
