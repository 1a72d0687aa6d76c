"""A log that a test may read."""

from __future__ import annotations

import logging


class Logged(logging.Handler):
    """What was written to the log, from DEBUG up."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
