"""What is said while the database is away: 503, when to come again, and one line in the log for each time."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError
from django.template.loader import render_to_string

AWAY = (OperationalError, InterfaceError)
"""What is raised while the database is away."""
SECONDS = 5
"""What a browser is told to wait."""
HEADERS = {"Retry-After": str(SECONDS)}


def page() -> str:
    """The page; nothing of the database is needed for it."""
    return render_to_string("503.html")


class Brief(logging.Filter):
    """A log line for each request that met no database, instead of a hundred lines of where it was met."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the traceback of a database that is away gives way to the first line of what it said."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, AWAY):
            record.msg = f"{record.getMessage()} (the database is away: {str(error).splitlines()[0]})"
            record.args, record.exc_info, record.exc_text = (), None, None
        return True
