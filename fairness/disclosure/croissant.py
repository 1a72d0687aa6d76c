"""A datasheet in Croissant 1.1 with the vocabulary of responsible AI, and the files of data that it describes.

Source: docs.mlcommons.org/croissant, the specifications of Croissant 1.1 and of RAI 1.0; provenance in terms of PROV-O.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from fairness.datasheet.plain import Plain
from fairness.disclosure import rai, records
from fairness.disclosure.records import INTEGER, INTEGERS, NUMBER, TEXTS, Column
from fairness.disclosure.sections import title
from labeling.files import picture_store
from labeling.files.answers import Asking
from labeling.models import Batch

CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
METADATA, PROVENANCE = "croissant.json", "provenance.parquet"
PARQUET, ZIP = "application/x-parquet", "application/zip"
TYPES = {NUMBER: "sc:Float", INTEGER: "sc:Integer", INTEGERS: "sc:Integer"}
LABELS = ("label", "labels")
OURS = (
    *("citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty", "fileObject"),
    *("fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path"),
    *("recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
    *("transform", "arrayShape"),
)
CONTEXT: Plain = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    **{name: f"cr:{name}" for name in OURS},
}
Files = dict[str, bytes]


def croissant(batch: Batch, sheet: Plain) -> tuple[Plain, Files]:
    """The metadata, and the files beside it by name: the answers to each question, provenance, pictures if any."""
    files = dict(_files(batch))
    said = sheet["statements"]
    sets = [_labels(batch, sheet, Asking.of(one)) for one in batch.project.questions.all()]
    told: Plain = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": title(sheet),
        "description": said["purpose"] or f"Labels of {sheet['dataset']['batch']}, with the datasheet of their making.",
        "version": f"1.{batch.pk}.0",
        "citeAs": f"{said['creator'] or sheet['dataset']['project']}: {title(sheet)}.",
        "datePublished": sheet["dataset"]["finished_at"] or sheet["dataset"]["created_at"],
        "dateCreated": sheet["dataset"]["created_at"],
        **{name: said[key] for name, key in rai.PLAIN if said[key]},
        **({"creator": {"@type": "sc:Organization", "name": said["creator"]}} if said["creator"] else {}),
        "inLanguage": sheet["dataset"]["language"] or said["languages"] or "und",
        "isLiveDataset": sheet["dataset"]["finished_at"] is None,
        **rai.properties(sheet),
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"Concord, build {sheet['reproduce']['build']}",
        },
        "distribution": [*(_file_object(name, data) for name, data in files.items()), *_picture_set(files)],
        "recordSet": [*sets, _provenance(), *_pictures(files)],
    }
    return told, files


def file_of(number: int) -> str:
    """The file of the answers to a question."""
    return f"labels-question-{number}.parquet"


def _files(batch: Batch) -> Iterator[tuple[str, bytes]]:
    for one in batch.project.questions.all():
        columns = records.columns_of(batch, Asking.of(one))
        yield file_of(one.number), records.parquet(columns, records.labels(batch, one))
    yield PROVENANCE, records.parquet(records.PROVENANCE, records.provenance(batch))
    kept = sorted({one["file"] for images in _images(batch) for one in images})
    if kept:
        data = _zip(kept)
        yield f"pictures-{hashlib.sha256(data).hexdigest()[:12]}.zip", data


def _images(batch: Batch) -> Any:
    return batch.instances.filter(images__isnull=False).values_list("images", flat=True)


def _zip(kept: Sequence[str]) -> bytes:
    """The pictures as they are kept, always in the same bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name in kept:
            packed.writestr(zipfile.ZipInfo(records.file_name(name)), picture_store.read(name))
    return out.getvalue()


def _file_object(name: str, data: bytes) -> Plain:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{len(data)} B",
        "encodingFormat": ZIP if name.endswith(".zip") else PARQUET,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _picture_set(files: Files) -> list[Plain]:
    """The pictures inside the ZIP, one set for each ending; its name bears its hash, since readers keep it by name."""
    packed = next((name for name in files if name.endswith(".zip")), None)
    if packed is None:
        return []
    with zipfile.ZipFile(BytesIO(files[packed])) as found:
        endings = sorted({name.rpartition(".")[2] for name in found.namelist()})
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"picture-files-{ending}",
            "name": f"picture-files-{ending}",
            "containedIn": {"@id": packed},
            "encodingFormat": picture_store.media_type(f"picture.{ending}"),
            "includes": f"*.{ending}",
        }
        for ending in endings
    ]


def _labels(batch: Batch, sheet: Plain, asking: Asking) -> Plain:
    """The answers to one question; who annotated stands with the answer in terms of PROV-O."""
    key, file = f"labels-question-{asking.number}", file_of(asking.number)
    agents = [{"@type": "prov:Agent", "prov:label": one["name"]} for one in sheet["annotators"] if one["answers"]]
    fields = _fields(key, file, records.columns_of(batch, asking))
    for field in fields:
        if field["name"] in LABELS:
            field |= {"dataType": ["sc:Text", "cr:Label"], "prov:wasAttributedTo": agents}
    return _record_set(key, asking.question.wording, fields)


def _provenance() -> Plain:
    fields = _fields("provenance", PROVENANCE, records.PROVENANCE)
    return _record_set("provenance", "Who decided each task, who led, and when it was handed over.", fields)


def _pictures(files: Files) -> list[Plain]:
    """One set of records for each sort of picture."""
    return [_of_sort(one["@id"]) for one in _picture_set(files)]


def _of_sort(key: str) -> Plain:
    name, source = key.replace("picture-files", "pictures"), {"fileSet": {"@id": key}}
    sorts = (("name", "sc:Text", "filename"), ("content", "sc:ImageObject", "content"))
    fields = [
        {"@type": "cr:Field", "@id": f"{name}/{field}", "name": field, "dataType": kind}
        | {"source": source | {"extract": {"fileProperty": told}}}
        for field, kind, told in sorts
    ]
    return _record_set(name, "The pictures, by the names that the answers give.", fields)


def _record_set(key: str, about: str, fields: list[Plain]) -> Plain:
    return {"@type": "cr:RecordSet", "@id": key, "name": key, "description": about, "field": fields}


def _fields(key: str, file: str, columns: Sequence[Column]) -> list[Plain]:
    """Each column under an id of its own; people name groups as they like, ids have no blanks and no signs."""
    ids: list[str] = []
    for column in columns:
        plain = re.sub(r"[^\w.-]", "_", column.name)
        taken = sum(other.partition("~")[0] == plain for other in ids)
        ids.append(f"{plain}~{taken + 1}" if taken else plain)
    return [_field(f"{key}/{told}", file, column) for told, column in zip(ids, columns, strict=True)]


def _field(key: str, file: str, column: Column) -> Plain:
    told: Plain = {
        "@type": "cr:Field",
        "@id": key,
        "name": column.name,
        "description": column.about,
        "dataType": TYPES.get(column.sort, "sc:Text"),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
    return told | ({"isArray": True, "arrayShape": "-1"} if column.sort in (TEXTS, INTEGERS) else {})
