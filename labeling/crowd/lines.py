"""One line that names an annotator, `kind:source?option=value&option=value`, and what a kind of annotator brings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

from labeling.crowd.base import Voter
from labeling.crowd.errors import Misconfigured

Options = dict[str, str]
FILES, NETWORK, KEYS = "Files of the server", "Addresses of its own network", "Keys of the server"
MODELS, CODE = "Models of the hub or of a folder", "Python functions of the server"
"""What of the server a line may use, in words for a sentence."""


def last_part(source: str) -> str:
    """What people call an annotator of this source: the last part of a path."""
    return PurePath(source).name or source


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """A kind of annotator. `kind`: the word before the colon; `make`: the voter of a line, by its source and options.

    `about`: one line about a voter that was made, without its key. `reach`: what of the server a line would use, in
    words for a sentence, by source and options, without opening a file. `shown`: what people call it, by its source.
    `source`: the fields of a table of the annotators' file that its source is made of, with what stands between.
    """

    kind: str
    make: Callable[[str, str, Options], Voter]
    about: Callable[[Any], str]
    reach: Callable[[str, Options], list[str]]
    shown: Callable[[str], str] = last_part
    source: tuple[str, ...] = ("source",)


def parsed(rest: str, spec: str) -> tuple[str, Options]:
    """Source and options of what stands behind the colon; each option once. Raises Misconfigured."""
    source, _, query = rest.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise Misconfigured(f"The options of {spec!r} cannot be read; write them as ?name=value&name=value.") from error
    options = dict(pairs)
    if len(options) < len(pairs):
        raise Misconfigured(f"An option of {spec!r} stands twice; leave one out.")
    return source, options


def typed(settings: Any, options: Options, spec: str) -> dict[str, Any]:
    """The options in the types of the fields of `settings`. Raises Misconfigured for one that it does not have."""
    kinds = {field.name: get_type_hints(settings)[field.name] for field in dataclasses.fields(settings)}
    open_to = {name: kind for name, kind in kinds.items() if name not in ("source", "model", "base_url", "price")}
    unknown = sorted(options.keys() - open_to.keys())
    if unknown:
        raise Misconfigured(f"{spec!r} has no option {unknown[0]!r}; known are {', '.join(open_to)}.")
    return {name: _value(text, open_to[name], name, spec) for name, text in options.items()}


def _value(text: str, kind: Any, name: str, spec: str) -> Any:
    if kind is bool:
        return yes(text, name, spec)
    if kind is str:
        return text
    if kind in (float | None, int | None) and text == "none":
        return None
    try:
        return int(text) if kind in (int, int | None) else float(text)
    except ValueError as error:
        raise Misconfigured(f"{name}={text} of {spec!r} is no number.") from error


def yes(text: str, name: str, spec: str) -> bool:
    """Whether an option says yes. Raises Misconfigured where it says neither."""
    if text.lower() not in ("yes", "no", "true", "false", "1", "0"):
        raise Misconfigured(f"{name}={text} of {spec!r} must be yes or no.")
    return text.lower() in ("yes", "true", "1")
