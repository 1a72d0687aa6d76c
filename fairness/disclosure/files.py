"""A datasheet as files, by format: HTML to print, Markdown, JSON, or Croissant with the data beside it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from fairness.disclosure import markdown as in_markdown
from fairness.disclosure.croissant import METADATA, croissant
from fairness.disclosure.sections import sections, title
from fairness.disclosure.sheet import sheet
from labeling.models import Batch

Files = dict[str, bytes]
STYLE = "css/datasheet.css"


def as_json(batch: Batch) -> Files:
    """Every number, and the provenance of each task."""
    return {"": _json(sheet(batch, with_instances=True))}


def as_markdown(batch: Batch) -> Files:
    told = sheet(batch)
    return {"": in_markdown.markdown(title(told), sections(told)).encode()}


def as_html(batch: Batch) -> Files:
    """One page that needs nothing else, made to be printed."""
    told, style = sheet(batch), finders.find(STYLE)
    assert isinstance(style, str)
    with open(style, encoding="utf-8") as stream:
        context = {"title": title(told), "sections": sections(told), "style": stream.read(), "alone": True}
    return {"": render_to_string("fairness/datasheet/standalone.html", context).encode()}


def as_croissant(batch: Batch) -> Files:
    """The metadata, and beside it the files of data that it describes, by name."""
    told, data = croissant(batch, sheet(batch))
    return {"": _json(told), **data}


FORMATS: dict[str, Callable[[Batch], Files]] = {
    "html": as_html,
    "md": as_markdown,
    "json": as_json,
    "croissant": as_croissant,
}
ENDINGS = {"html": "html", "md": "md", "json": "json", "croissant": "zip"}
TYPES = {
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "croissant": "application/zip",
}


def packed(files: Files) -> bytes:
    """Croissant and its data as one ZIP."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as found:
        for name, data in files.items():
            found.writestr(zipfile.ZipInfo(name or METADATA), data)
    return out.getvalue()


def _json(told: object) -> bytes:
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()
