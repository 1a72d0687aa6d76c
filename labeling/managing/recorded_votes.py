"""Recorded votes are taken in by hand; the batches they belong to are weighed again with them."""

from __future__ import annotations

from collections.abc import Sequence

from labeling.files import imported_votes
from labeling.files.imported_votes import Taken
from labeling.managing import budgets
from labeling.models import Batch, Project


def take_in(project: Project, path: str, people: Sequence[str] = (), number: int | None = None) -> Taken:
    """Write the votes of a file, all or none, and weigh each batch with new ones once more. Raises UnusableFile.

    `number`: the question that rows answer which name none, from 1.
    """
    taken = imported_votes.take_in(project, path, people, number)
    for batch in Batch.objects.filter(pk__in=taken.batches).select_related("project"):
        budgets.go_on(batch)
    return taken
