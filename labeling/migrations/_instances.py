"""Moves texts out of the tasks of an older database, in the database itself, so that memory stays small."""

from django.db.migrations.exceptions import IrreversibleError

MEMBERS = {"sqlite": "json_object({name}, t.\"group\")", "postgresql": "jsonb_build_object({name}, t.\"group\")"}
NAME = {"sqlite": "json_extract(b.attributes, '$[0]')", "postgresql": "b.attributes ->> 0"}
EMPTY = {"sqlite": "'{}'", "postgresql": "'{}'::jsonb"}
COPY = """
    INSERT INTO labeling_instance
        (id, project_id, batch_id, position, external_id, digest, parts, about, groups, local_only, created_at)
    SELECT t.id, t.project_id, t.batch_id, t.position, t.external_id, t.digest, t.parts, t.about,
        CASE WHEN t."group" = '' THEN {empty} ELSE {members} END, t.local_only, t.created_at
    FROM labeling_task t JOIN labeling_batch b ON b.id = t.batch_id ORDER BY t.id
"""


def name_groups(apps, schema_editor):
    """A batch's groups are called like the column they came from; "group" says nothing, so like the project's groups."""
    batches, tasks = (apps.get_model("labeling", name).objects for name in ("Batch", "Task"))
    for batch in batches.select_related("project").iterator():
        mapping = batch.mapping
        column = mapping.pop("group", "")
        if not column and not tasks.filter(batch=batch).exclude(group="").exists():
            batch.mapping = {**mapping, "groups": []} if mapping else {}
            batch.save(update_fields=["mapping"])
            continue
        name = batch.project.group_name if column.strip().casefold() in ("", "group") else column
        batch.attributes = [name]
        batch.mapping = {**mapping, "groups": [column] if column else []} if mapping else {}
        cuts = batch.check_cuts
        if cuts.get("groups"):
            batch.check_cuts = {**cuts, "groups": [[[name], group, cut] for group, cut in cuts["groups"].items()]}
        batch.save(update_fields=["attributes", "mapping", "check_cuts"])


def texts(apps, schema_editor):
    """Every task gets an instance with its own number."""
    vendor = schema_editor.connection.vendor
    members = MEMBERS[vendor].format(name=NAME[vendor])
    schema_editor.execute(COPY.format(empty=EMPTY[vendor], members=members), params=None)
    schema_editor.execute("UPDATE labeling_task SET instance_id = id", params=None)
    if vendor == "postgresql":
        schema_editor.execute(
            "SELECT setval(pg_get_serial_sequence('labeling_instance', 'id'), MAX(id)) FROM labeling_instance "
            "HAVING MAX(id) IS NOT NULL",
            params=None,
        )
        # Checks that wait for the end of the transaction would forbid to change the tables.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED", params=None)


def refuse_to_go_back(apps, schema_editor):
    """Texts are not moved back; a copy of the database from before is."""
    if apps.get_model("labeling", "Task").objects.exists():
        raise IrreversibleError("Texts are not moved back into tasks; restore the copy of the database from before.")
