"""The methods of truth inference by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labeling.truth.votes import Method

NAMES = (
    "majority_vote",
    "wawa",
    "zero_based_skill",
    "crh",
    "zencrowd",
    "one_coin",
    "dawid_skene",
    "ibcc",
    "ebcc",
    "bwa",
    "glad",
    "mace",
    "mmsr",
    "auto",
)


def method(name: str) -> Method:
    """The function `infer` of the method called `name`, loaded on first use.

    Raises ValueError, naming all methods, where there is none of that name.
    """
    if name not in NAMES:
        raise ValueError(f"There is no method {name!r}; choose one of {', '.join(NAMES)}.")
    found: Method = import_module(f"labeling.truth.{name}").infer
    return found
