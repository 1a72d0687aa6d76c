"""What the database itself refuses, whoever writes: changed votes and entries, and texts that must not leave.

SQLite cannot rebuild a table that a trigger names. A migration that changes projects, batches, tasks, annotators,
votes, reservations or ledger entries therefore begins with `RunPython(unguard, guard)` and ends with
`RunPython(guard, unguard)`. The text says what the tables are like: up to 0012 `guard_tasks` stands in place of `guard`,
since a text was a part of its task; from 0013 on it is a part of the instance.
"""

FROZEN = {
    "labeling_vote": "A vote never changes; write a correction that points to it.",
    "labeling_ledgerentry": "A ledger entry never changes; write an opposite transaction.",
}
LEAVES = {
    "labeling_vote": "A local-only task must not get an answer from outside.",
    "labeling_reservation": "A local-only task must not be sent outside.",
}
STAYS = """
    SELECT 1 FROM labeling_task t JOIN labeling_instance i ON i.id = t.instance_id
    JOIN labeling_batch b ON b.id = t.batch_id JOIN labeling_project p ON p.id = t.project_id
    JOIN labeling_annotator a ON a.id = NEW.annotator_id
    WHERE t.id = NEW.task_id AND a.outside AND (i.local_only OR b.local_only OR p.local_only)
"""
TASK_STAYS = """
    SELECT 1 FROM labeling_task t JOIN labeling_batch b ON b.id = t.batch_id JOIN labeling_project p ON p.id = t.project_id
    JOIN labeling_annotator a ON a.id = NEW.annotator_id
    WHERE t.id = NEW.task_id AND a.outside AND (t.local_only OR b.local_only OR p.local_only)
"""


def sqlite(stays):
    for table, sentence in FROZEN.items():
        yield (f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{sentence}'); END")
    for table, sentence in LEAVES.items():
        yield (
            f"CREATE TRIGGER {table}_stays BEFORE INSERT ON {table} "
            f"WHEN EXISTS ({stays}) BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        )


def postgresql(stays):
    for table, sentence in FROZEN.items():
        yield (
            f"CREATE FUNCTION {table}_frozen() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{sentence}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        yield (f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_frozen()")
    for table, sentence in LEAVES.items():
        yield (
            f"CREATE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF EXISTS ({stays}) THEN "
            f"RAISE EXCEPTION '{sentence}' USING ERRCODE = 'integrity_constraint_violation'; "
            f"END IF; RETURN NEW; END $$"
        )
        yield (f"CREATE TRIGGER {table}_stays BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_stays()")


def guard(apps, schema_editor):
    _guard(schema_editor, STAYS)


def guard_tasks(apps, schema_editor):
    _guard(schema_editor, TASK_STAYS)


def _guard(schema_editor, stays):
    statements = {"sqlite": sqlite, "postgresql": postgresql}[schema_editor.connection.vendor]
    for statement in statements(stays):
        schema_editor.execute(statement, params=None)


def unguard(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for suffix, tables in (("frozen", FROZEN), ("stays", LEAVES)):
        for table in tables:
            on = f" ON {table}" if vendor == "postgresql" else ""
            schema_editor.execute(f"DROP TRIGGER {table}_{suffix}{on}", params=None)
            if vendor == "postgresql":
                schema_editor.execute(f"DROP FUNCTION {table}_{suffix}()", params=None)
