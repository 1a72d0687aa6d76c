"""A trained model's labels matched with ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labeling.crowd.crossfit import Floats
from labeling.crowd.errors import Misconfigured
from labeling.crowd.mentions import Reader
from labeling.kinds.cells import listed

Mapping = dict[str, str]


def matched(theirs: Sequence[str], ours: Sequence[str], mapping: Mapping, name: str) -> list[int | None]:
    """For each label of the model the index of ours, None where it means none of them.

    By the map where it names the label, else by equal names, forgiving in case and signs. Raises Misconfigured where
    the map names what is not there, or where one of ours is meant by none of theirs.
    """
    strange = [label for label in mapping if label not in theirs] + [o for o in mapping.values() if o not in ours]
    if strange:
        raise Misconfigured(
            f"The map of {name} names {strange[0]!r}; its labels are {listed(theirs)}, ours {listed(ours)}."
        )
    reader = Reader.of(tuple(ours))
    found = [ours.index(mapping[label]) if label in mapping else reader.read(label) for label in theirs]
    missing = [label for k, label in enumerate(ours) if k not in found]
    if missing:
        raise Misconfigured(
            f"None of the labels of {name} means {missing[0]!r}; add map=theirs:ours, "
            f"where theirs are {listed(theirs)}."
        )
    return found


def gathered(chances: Floats, place: Sequence[int | None], count: int) -> Floats:
    """Chances of our labels, (n, count), from those of theirs, (n, theirs): the sum over all that mean the same."""
    ours = np.zeros((len(chances), count))
    for theirs, at in enumerate(place):
        if at is not None:
            ours[:, at] += chances[:, theirs]
    return ours
