"""A scratch database for fault runs: SQLite in a temporary folder, or one of its own on the server of DATABASE_URL."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def scratch_database() -> Iterator[dict[str, str]]:
    """Point this process and its children at an empty, migrated database; yields the environment for children."""
    sys.path.insert(0, str(ROOT))
    given = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="concord-fault-") as folder:
        os.environ.update(CONCORD_VAR=folder, DJANGO_SETTINGS_MODULE="config.settings", CONCORD_LOG_LEVEL="CRITICAL")
        name = f"concord_fault_{uuid.uuid4().hex[:10]}"
        if given:
            _server(given, f'CREATE DATABASE "{name}"')
            os.environ["DATABASE_URL"] = given.rsplit("/", 1)[0] + "/" + name
        try:
            _migrate()
            yield dict(os.environ)
        finally:
            from django.db import connections

            connections.close_all()
            if given:
                for connection in connections.all():
                    getattr(connection, "close_pool", lambda: None)()
                _server(given, f'DROP DATABASE "{name}" WITH (FORCE)')
                os.environ["DATABASE_URL"] = given


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def _server(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


def engine() -> str:
    from django.db import connection

    return str(connection.vendor)
