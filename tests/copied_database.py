"""The migrated test database of an earlier run, copied: dozens of migrations in each process take seconds."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.db import connection
from django.db.backends.signals import connection_created


def fingerprint() -> str:
    """One for all that decides what the migrated database is like: every migration, and what carries it out."""
    told = hashlib.sha256(f"{django.VERSION} {sqlite3.sqlite_version}".encode())
    for config in apps.get_app_configs():
        for file in sorted(Path(config.path).glob("migrations/*.py")):
            told.update(f"{config.label} {file.name} ".encode() + file.read_bytes())
    return told.hexdigest()[:16]


def in_memory() -> bool:
    """Whether the test database is SQLite's and lives in memory."""
    return connection.vendor == "sqlite" and connection.settings_dict["TEST"]["NAME"] is None


def begin_with(copy: Path) -> None:
    """Fill the test database from `copy` as soon as it is opened, so that there is nothing to migrate."""

    def fill(sender: Any, connection: Any, **_: Any) -> None:
        if "memory" in str(connection.settings_dict["NAME"]):
            connection_created.disconnect(dispatch_uid="copied database")
            with closing(sqlite3.connect(copy)) as kept:
                kept.backup(connection.connection)

    connection.settings_dict["TEST"]["MIGRATE"] = False
    connection_created.connect(fill, weak=False, dispatch_uid="copied database")


def keep(copy: Path) -> None:
    """Keep the test database, as migrations have made it, for the next run, and drop older ones."""
    for old in copy.parent.glob("*.sqlite3"):
        old.unlink(missing_ok=True)
    unfinished = copy.with_suffix(f".{os.getpid()}")
    connection.ensure_connection()
    with closing(sqlite3.connect(unfinished)) as kept:
        connection.connection.backup(kept)
    unfinished.rename(copy)
