"""What annotators are called in a datasheet: machines by their names, people by a number."""

from __future__ import annotations

from labeling.models import Annotator, Project

PEOPLE = {Annotator.Kind.PERSON: "Person", Annotator.Kind.EXPERT: "Expert"}


def names_of(project: Project) -> dict[int, str]:
    """By key: the name of a model, "Person 1" or "Expert 2" of people, in the order in which they joined.

    A datasheet leaves the house, and who somebody is does not belong there.
    """
    found = project.annotators.called()
    for kind, word in PEOPLE.items():
        joined = project.annotators.filter(kind=kind).order_by("pk").values_list("pk", flat=True)
        found |= {pk: f"{word} {number}" for number, pk in enumerate(joined, start=1)}
    return found
