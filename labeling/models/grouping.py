"""Groups of instances: by one attribute, or by two at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import Any

from django.db.models import BooleanField, Case, CharField, F, Func, Q, Value, When
from django.db.models.functions import Concat

from labeling.models.batch import Batch
from labeling.models.project import Project

UNNAMED = "group"
"""A column of this name does not say what its groups are; the project does."""
BETWEEN = "*"
"""Between two attributes whose groups are crossed, in an address."""
TOGETHER = ", "
"""Between the values of a group that is one of both attributes."""
By = tuple[str, ...]


def attributes(scope: Batch | Project) -> list[str]:
    """The group attributes that the instances of a batch or a project have, in the order of their first import."""
    batches = [scope] if isinstance(scope, Batch) else scope.batches.kept().order_by("pk").only("attributes")
    return list(dict.fromkeys(name for batch in batches for name in batch.attributes))


def ways(names: Sequence[str]) -> dict[str, By]:
    """How these attributes can group, by the name in an address: each alone, then two crossed."""
    pairs = [*((name,) for name in names), *combinations(names, 2)]
    return {BETWEEN.join(by): by for by in pairs}


def chosen(scope: Batch | Project, asked: str = "") -> By:
    """The attributes to group by: as asked, else the first one; none where instances have no attribute."""
    names = attributes(scope)
    return ways(names).get(asked, tuple(names[:1]))


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a page groups by, as an address says it and as people read it, and what else could be chosen."""

    by: By
    title: str
    choices: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, scope: Batch | Project, asked: str = "") -> Grouping:
        """As asked, else by the first attribute. A single one bears the name that the project gives its groups."""
        names, by = attributes(scope), chosen(scope, asked)
        if len(names) < 2:
            project = scope.project if isinstance(scope, Batch) else scope
            return cls(by, project.group_name, ())
        return cls(by, _title(by), tuple((address, _title(one)) for address, one in ways(names).items()))

    @property
    def address(self) -> str:
        """The value of `by` in an address."""
        return BETWEEN.join(self.by)


def shortened(by: By) -> str:
    """Sixteen letters and digits that stand for these attributes, for the name under which something is kept."""
    return sha256(repr(by).encode()).hexdigest()[:16]


def _title(by: By) -> str:
    return " and ".join(by)


def group_of(by: By, groups: Mapping[str, str]) -> str:
    """The group of an instance by these attributes: "north", of several "north, women", "" where one lacks."""
    values = [groups.get(name, "") for name in by]
    return TOGETHER.join(values) if all(values) else ""


def attribute_names(project: Project, columns: Iterable[str]) -> dict[str, str]:
    """What the columns of a file are called as attributes: like the column, or, where that says nothing, as the project
    calls its groups."""
    there = list(columns)
    own = project.group_name if project.group_name not in there else UNNAMED
    return {column: own if column.strip().casefold() == UNNAMED else column for column in there}


class Attribute(Func):
    """The value of one group attribute, "" where the instance has none; its name may hold any character."""

    output_field = CharField()

    def __init__(self, groups: str | F, name: str | Value) -> None:
        super().__init__(
            F(groups) if isinstance(groups, str) else groups, Value(name) if isinstance(name, str) else name
        )

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        template = """COALESCE((SELECT "value" FROM json_each(%(expressions)s)), '')"""
        return self.as_sql(compiler, connection, template=template, arg_joiner=') WHERE "key" = (')

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template="COALESCE(%(expressions)s::text, '')", arg_joiner=" ->> ")


def group_name(by: Sequence[str], groups: str) -> Case | Attribute | Value:
    """The same as SQL; `groups`: the lookup of the instance's groups."""
    values = [Attribute(groups, name) for name in by]
    if len(values) < 2:
        return values[0] if values else Value("", output_field=CharField())
    together: Concat = Concat(*[part for value in values for part in (Value(TOGETHER), value)][1:])
    lacks = Q()
    for value in values:
        lacks |= Q(IsEmpty(value))
    return Case(When(lacks, then=Value("")), default=together, output_field=CharField())


class IsEmpty(Func):
    """Whether a text is empty."""

    template = "%(expressions)s = ''"
    output_field = BooleanField()
