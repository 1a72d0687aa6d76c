"""The foreign formats by name, and where their files go: one file, a folder, or a ZIP."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from labeling.files.foreign import brat, conll, doccano, hugging_face, label_studio
from labeling.files.foreign.settled import Asked, Settled, Told

Lines = Callable[[Iterable[Settled], Sequence[Asked], Told], Iterator[str]]
Files = Callable[[Iterable[Settled], Sequence[Asked], Told], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True, slots=True)
class Format:
    """A way out. Either `lines` of one file with this `ending`, or `files`, which go into a folder or a ZIP."""

    title: str
    ending: str
    lines: Lines | None = None
    files: Files | None = None


FORMATS = {
    "label-studio": Format("Label Studio", "json", lines=label_studio.lines),
    "doccano": Format("doccano", "jsonl", lines=doccano.lines),
    "conll": Format("CoNLL-2003", "conll", lines=conll.lines),
    "brat": Format("brat", "zip", files=brat.files),
    "hf": Format("Hugging Face datasets", "zip", files=hugging_face.files),
}


def into_folder(files: Iterable[tuple[str, bytes]], folder: Path) -> int:
    """Write the files into a folder, made where it is not there; returns how many."""
    count = 0
    for count, (name, data) in enumerate(files, start=1):  # noqa: B007
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return count


def into_zip(files: Iterable[tuple[str, bytes]], stream: IO[bytes]) -> int:
    """Write the files into a ZIP; returns how many."""
    count = 0
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        for count, (name, data) in enumerate(files, start=1):  # noqa: B007
            out.writestr(name, data)
    return count
