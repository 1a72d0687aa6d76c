"""Many rows of one table at once: COPY on PostgreSQL, one prepared statement on SQLite; no object a row is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import orjson
from django.db import connection, models
from django.utils import timezone

Adapt: TypeAlias = Callable[[Any], Any] | None


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


PLAIN: tuple[tuple[type[models.Field[Any, Any]], Callable[[Any], Any]], ...] = (
    (models.JSONField, _json),
    (models.IntegerField, int),  # numpy's numbers are none that SQLite knows
    (models.FloatField, float),
)


def reserve(model: type[models.Model], number: int) -> Sequence[int]:
    """Keys that `number` new rows may take, ascending; inside a transaction, in which they are written."""
    if not number:
        return ()
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            series = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
            cursor.execute(series, [table, number])
            return sorted(key for (key,) in cursor.fetchall())
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        highest = (cursor.fetchone() or (0,))[0]
    return range(highest + 1, highest + 1 + number)


def write(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], *, unless_there: bool = False
) -> None:
    """Insert rows of values in the order of `names`; fields that are not named get what they get by default.

    names: as columns are called on objects (`project_id`). Values of JSON fields are Python's, all others are of the
    type that the field holds; nothing is checked but by the database. `unless_there`: rows that are unique and stand
    already are left out. Raises IntegrityError as `bulk_create` does.
    """
    columns = {field.attname: field for field in model._meta.concrete_fields}
    others = [field for name, field in columns.items() if name not in names and not field.primary_key]
    same = tuple(_default(field) for field in others)
    fields = [*(columns[name] for name in names), *others]
    adapted = _adapted(rows, [_adapt(columns[name]) for name in names], same)
    if connection.vendor == "postgresql" and not unless_there:
        _copy(model._meta.db_table, fields, adapted)
    else:
        _prepared(model._meta.db_table, fields, adapted, " ON CONFLICT DO NOTHING" if unless_there else "")


def _adapted(rows: Iterable[Sequence[Any]], how: Sequence[Adapt], same: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    places = [(place, adapt) for place, adapt in enumerate(how) if adapt]
    for row in rows:
        values = list(row)
        for place, adapt in places:
            if values[place] is not None:
                values[place] = adapt(values[place])
        yield (*values, *same)


def _adapt(field: models.Field[Any, Any]) -> Adapt:
    for kind, adapt in PLAIN:
        if isinstance(field, kind):
            return adapt
    return None


def _default(field: models.Field[Any, Any]) -> Any:
    value = timezone.now() if getattr(field, "auto_now_add", False) else field.get_default()
    if isinstance(field, models.DateTimeField) and value is not None:
        return connection.ops.adapt_datetimefield_value(value)
    adapt = _adapt(field)
    return adapt(value) if adapt and value is not None else value


def _named(table: str, fields: Sequence[models.Field[Any, Any]]) -> str:
    quote = connection.ops.quote_name
    return f"{quote(table)} ({', '.join(quote(cast(str, field.column)) for field in fields)})"


def _copy(table: str, fields: Sequence[models.Field[Any, Any]], rows: Iterable[tuple[Any, ...]]) -> None:
    # Django's own wrapper knows no COPY; what the server refuses is raised as Django's error all the same.
    statement = f"COPY {_named(table, fields)} FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cast(Any, cursor).copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _prepared(
    table: str, fields: Sequence[models.Field[Any, Any]], rows: Iterable[tuple[Any, ...]], ending: str
) -> None:
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {_named(table, fields)} VALUES ({places}){ending}"  # noqa: S608 - names of our own tables
    with connection.cursor() as cursor:
        cast(Any, cursor).executemany(statement, rows)
