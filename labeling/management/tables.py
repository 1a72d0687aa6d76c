"""The tables of the database: made before a command works with them."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def make_tables() -> None:
    """Bring the database up to this program, so that a command works right after installation; mostly nothing to do."""
    if is_behind():
        call_command("migrate", verbosity=0, interactive=False)


def is_behind() -> bool:
    """Whether tables are missing, or older than this program."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
