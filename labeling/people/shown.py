"""What a voter is shown of a task: its texts and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from labeling.crowd.base import Question
from labeling.crowd.pictures import Picture
from labeling.files import picture_store
from labeling.models import Task

Parts = Sequence[Sequence[str]]
Images = Sequence[dict[str, Any]]


def question(task: Task) -> Question:
    """The question about a task. Pictures are read when a voter looks at them."""
    return question_of(task.external_id, task.parts, task.images)


def question_of(name: str, parts: Parts, images: Images | None) -> Question:
    """The same out of single columns; no query."""
    texts = tuple((title, text) for title, text in parts)
    return Question(name, texts, tuple(map(_picture, images or ())))


def _picture(image: dict[str, Any]) -> Picture:
    file = image["file"]
    return Picture(
        image["title"],
        picture_store.media_type(file),
        partial(picture_store.read, file),
        image["width"],
        image["height"],
        image["alt"],
        digest=file.rpartition("/")[2],
    )
