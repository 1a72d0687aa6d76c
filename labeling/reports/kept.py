"""Numbers that take time are kept while nothing has changed, and a little longer where they take long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar

from django.core.cache import cache
from django.db.models import Max

from labeling.models import Decision, Escalation, Vote
from labeling.reports.build import build

T = TypeVar("T")
PATIENCE = 20
LONGEST = 300.0
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What was computed, from which version of the rows, when, and how many seconds it took."""

    value: T
    version: object
    at: float
    took: float

    def serves(self, version: object) -> bool:
        """Whether it may be shown: nothing has changed, or it is younger than twenty times what it took."""
        return self.version == version or self._left() > 0

    def behind(self, version: object) -> int:
        """Whole seconds until it no longer serves; 0 where nothing has changed."""
        return 0 if self.version == version else max(ceil(self._left()), 1)

    def _left(self) -> float:
        return min(PATIENCE * self.took, LONGEST) - (time.time() - self.at)


def keep(name: str, version: object, compute: Callable[[], T]) -> T:
    """The kept value if it still serves, else a new one. At most a twentieth of the time goes into computing."""
    return keep_and_tell(name, version, compute)[0]


def keep_and_tell(name: str, version: object, compute: Callable[[], T]) -> tuple[T, int]:
    """The value of `keep`, and in how many seconds a newer one is to be had; 0 where it is current.

    A page that follows asks once more then: the last change of many may have found a value that still served."""
    found: Kept[T] | None = cache.get(_key(name))
    if found is None or not found.serves(version):
        started, clock = time.time(), time.monotonic()
        found = Kept(compute(), version, started, time.monotonic() - clock)
        cache.set(_key(name), found, DAY)
    return found.value, found.behind(version)


def peek(name: str, version: object) -> tuple[object | None, int]:
    """The kept value if it still serves, else None; and in how many seconds it is replaced, 0 where it is current."""
    found: Kept[object] | None = cache.get(_key(name))
    return (found.value, found.behind(version)) if found is not None and found.serves(version) else (None, 0)


def soonest(*waits: int) -> int:
    """The first moment at which one of several kept numbers is replaced, in seconds; 0 where all are current."""
    return min((wait for wait in waits if wait), default=0)


def _key(name: str) -> str:
    """Under which name it lies in a cache that may outlive an update of the product."""
    return f"{build()}.{name}"


def version() -> tuple[int, int, int]:
    """Changes with every vote, decision and question; three index look-ups, whatever the size."""
    tops = [model.objects.aggregate(top=Max("pk"))["top"] or 0 for model in (Vote, Decision, Escalation)]
    return tops[0], tops[1], tops[2]
