"""What a command is about: a batch by its number, a project by its name or address; and where its file may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labeling.files.tables import UnusableFile
from labeling.management.tables import is_behind

if TYPE_CHECKING:
    from labeling.models import Batch, Project


def named(text: str) -> Batch | Project:
    """The batch or the project of this name. Raises UnusableFile where there is none."""
    from labeling.models import Batch

    check_tables()

    if text.isascii() and text.isdecimal() and len(text) <= 18:
        batch = Batch.objects.kept().select_related("project").filter(pk=int(text)).first()
        if batch is not None:
            return batch
    return project_named(text)


def batch_named(text: str) -> Batch:
    """The batch of this number. Raises UnusableFile where there is none."""
    from labeling.models import Batch

    check_tables()

    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
    batch = Batch.objects.kept().select_related("project").filter(pk=number).first()
    if batch is None:
        known = ", ".join(f"{pk} ({name})" for pk, name in Batch.objects.kept().values_list("pk", "name")[:8])
        raise UnusableFile(f"There is no batch {text!r}; batches: {known or 'none yet'}.")
    return batch


def project_named(text: str) -> Project:
    """The project of this address or name. Raises UnusableFile where there is none, or several of the name."""
    from labeling.models import Project

    check_tables()

    found = project_there(text)
    if found is None:
        known = ", ".join(Project.objects.values_list("slug", flat=True)[:8]) or "none yet"
        raise UnusableFile(f"There is no project or batch {text!r}; projects: {known}.")
    return found


def project_there(text: str) -> Project | None:
    """The project of this address or name, None where there is none. Raises UnusableFile for several of the name."""
    from labeling.models import Project

    found = list(Project.objects.filter(slug=text)) or list(Project.objects.filter(name=text)[:2])
    if len(found) > 1:
        raise UnusableFile(f"Several projects are called {text!r}; name the one you mean as its address does.")
    return found[0] if found else None


def check_tables() -> None:
    """Raise UnusableFile where the database has no tables yet, or older ones."""
    if is_behind():
        raise UnusableFile("The tables of this database are missing or old; run manage.py migrate first.")


def check_output(path: str) -> None:
    """Raise UnusableFile where a file of this path cannot be written, before any work is done."""
    if path == "-":
        return
    if not path.strip():
        raise UnusableFile("--output is empty; name a file to write, or - for standard output.")
    place = Path(path)
    if place.is_dir():
        raise UnusableFile(f"{path} is a folder; name a file to write.")
    if not place.parent.is_dir():
        raise UnusableFile(f"The folder {place.parent} does not exist; make it first, or write somewhere else.")
