"""`label --kind`: what an answer is, which labels there are, and who can answer so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from labeling.files.imports import check_distinct
from labeling.files.records import Bad, read_records
from labeling.files.rows import Fields
from labeling.files.tables import UnusableFile
from labeling.kinds import registry
from labeling.managing.label_sets import MOST_LABELS
from labeling.models import Project


def kind_name(wished: str, project: Project | None) -> str:
    """The kind as it is named, else that of a project that is there already, else one label. Raises UnusableFile."""
    there = project.first_question.kind if project else ""
    if wished and wished not in registry.NAMES:
        raise UnusableFile(f"There is no kind {wished!r}; choose one of {', '.join(registry.NAMES)}.")
    if project and wished and wished != there:
        raise UnusableFile(
            f"The project {project.name!r} asks for answers of the kind {there}; leave --kind out, or name another "
            "project."
        )
    return wished or there or registry.ONE_LABEL


def label_names(path: str, fields: Fields, kind: str, wished: Sequence[str]) -> list[str]:
    """The labels in their order: as named, else those in the known answers. Raises UnusableFile.

    Of a scale the steps, upwards; two whole numbers stand for all between them.
    """
    from labeling.kinds.base import UnusableAnswer  # with numpy, which one label does without
    from labeling.kinds.cells import Meaning, Rules

    answers, found = registry.kind(kind), list(wished) or _named_in_gold(path, fields, kind)
    check_distinct(found)
    try:
        space = answers.space(Meaning({name: name for name in found}), Rules(labels=tuple(wished)), {})
    except UnusableAnswer as error:
        raise UnusableFile(f"There is no label set: {error}, or the field with known answers with --gold.") from error
    names = answers.label_set(space.labels)
    if len(names) < answers.fewest_labels:
        raise UnusableFile(f"There must be at least {answers.fewest_labels} labels and there is only {names[0]!r}.")
    if len(names) > MOST_LABELS:
        raise UnusableFile(
            f"There are {len(names):,} labels, more than {MOST_LABELS:,}; name fewer with --labels, or give --gold "
            "another field."
        )
    _check_steps(names, space.values)
    return names


def _named_in_gold(path: str, fields: Fields, kind: str) -> list[str]:
    """The labels that occur in the known answers of all rows."""
    from labeling.files.gold import GoldReader, label_set
    from labeling.kinds.base import Space

    if not fields.gold:
        return []
    reader = GoldReader.of(fields.gold, registry.kind(kind), Space(()))
    rows = (record for _, record in read_records(path, fields.delimiter) if not isinstance(record, Bad))
    return label_set(Counter(name for record in rows for name in reader.named(record)))


def _check_steps(names: Sequence[str], values: Sequence[float]) -> None:
    """Raise UnusableFile for the two ends of a scale with room between them: answers are kept in steps."""
    if len(names) == 2 and len(values) == 2 and values[1] - values[0] > 1:
        low, high = names
        raise UnusableFile(
            f"The scale from {low} to {high} has too many steps, or none that are whole; name those that are to be "
            f"told apart, e.g. --labels {low},{(values[0] + values[1]) / 2:g},{high}."
        )


def check_options(kind: str, options: dict[str, Any]) -> None:
    """Raises UnusableFile for an option that serves one label alone."""
    if options["aggregator"] and not registry.has_one_label(kind):
        raise UnusableFile(f"--aggregator serves answers of one label; leave it out with --kind {kind}.")


def check_sight(project: Project, fields: Fields) -> None:
    """Raises Unable for a member that cannot see, where the tasks have pictures and no text."""
    from labeling.crowd.abilities import SEEING
    from labeling.crowd.errors import Unable
    from labeling.people import recruiting

    if fields.text or not fields.images:
        return
    for annotator in project.annotators.machines().filter(paused_at=None):
        if not annotator.recorded and not recruiting.build(annotator.spec).sees:
            raise Unable(f"{annotator} cannot see images, and these tasks have no text; {SEEING} can.")
