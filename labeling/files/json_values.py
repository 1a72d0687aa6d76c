"""JSON values out of a text: one on each line, or an array or a series of them over however many lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

BLOCK = 1 << 16
LONGEST_VALUE = 20_000_000
DECODER = json.JSONDecoder()


class NotJson(ValueError):
    """A text that is no JSON; the message is half a sentence."""


def on_lines(stream: TextIO) -> Iterator[tuple[int, Any]]:
    """The value of each line that is not blank; NotJson in place of one that cannot be read."""
    for line, text in enumerate(stream, start=1):
        if text.strip():
            yield line, _loaded(text)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return NotJson(str(error)[:120])


def spread(stream: TextIO) -> Iterator[tuple[int, Any]]:
    """The values of an array, or values behind one another, each with the line where it begins.

    One value is held at a time. After NotJson nothing more can be read.
    """
    window = Window(stream)
    array = window.take("[")
    while not (array and window.take("]")):
        if window.blank():
            return
        line, value = window.line, window.value()
        yield line, value
        if isinstance(value, NotJson):
            return
    if not window.blank():
        yield window.line, NotJson("there is more behind the end of the list")


class Window:
    """The part of a text that is being read; `line` is the line of its first character."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.text, self.line, self.ended = stream, "", 1, False

    def blank(self) -> bool:
        """Go to the next sign that matters; True where there is none."""
        while True:
            rest = self.text.lstrip(" \t\r\n,")
            self._drop(len(self.text) - len(rest))
            if self.text or self.ended:
                return not self.text
            self._more()

    def take(self, sign: str) -> bool:
        """Step over a sign if it comes next."""
        found = not self.blank() and self.text.startswith(sign)
        self._drop(len(sign) if found else 0)
        return found

    def value(self) -> Any:
        """The next value; NotJson where none can be read."""
        while True:
            try:
                value, end = DECODER.raw_decode(self.text)
            except (ValueError, RecursionError) as error:
                if self.ended or len(self.text) > LONGEST_VALUE or isinstance(error, RecursionError):
                    return NotJson(getattr(error, "msg", "nested too deeply"))
            else:
                if end < len(self.text) or self.ended:
                    self._drop(end)
                    return value
            self._more()

    def _more(self) -> None:
        block = self.stream.read(max(BLOCK, len(self.text)))
        self.ended = not block
        self.text += block

    def _drop(self, count: int) -> None:
        self.line += self.text.count("\n", 0, count)
        self.text = self.text[count:]
