"""Many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


def put_in(alike: Model, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows that are like `alike` but for the values in these columns; many times faster than as objects."""
    fields = [field for field in alike._meta.concrete_fields if not field.primary_key or field.remote_field]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    statement = f"INSERT INTO {quote(alike._meta.db_table)} ({names}) VALUES ({', '.join(['%s'] * len(fields))})"
    common = [field.get_db_prep_save(field.pre_save(alike, True), connection) for field in fields]
    places = [next(place for place, field in enumerate(fields) if field.attname == name) for name in columns]
    filled = []
    for row in rows:
        values = common.copy()
        for place, value in zip(places, row, strict=True):
            compound = isinstance(value, (list, dict))  # the rest is as the database wants it
            values[place] = fields[place].get_db_prep_save(value, connection) if compound else value
        filled.append(values)
    with connection.cursor() as cursor:
        cursor.executemany(statement, filled)
