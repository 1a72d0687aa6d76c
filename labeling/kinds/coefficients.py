"""Coefficients of agreement as plain values, and ranks with ties shared."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from labeling.truth.agreement import Coefficient
from labeling.truth.votes import Floats


def coefficient_json(found: Coefficient) -> dict[str, Any]:
    """A coefficient as plain values: one without meaning is null, `undefined`, and has a `reason`."""
    if found.undefined:
        return {"value": None, "low": None, "high": None, "undefined": True, "reason": found.undefined}
    values = asdict(found)
    del values["undefined"]
    values["undefined_resamples"] = values.pop("lost")
    return {key: value for key, value in values.items() if key != "note" or value}


def correlation(one: Floats, other: Floats) -> float | None:
    """Pearson's correlation, None where one side is all alike."""
    apart = one - one.mean(), other - other.mean()
    size = float(np.sqrt((apart[0] ** 2).sum() * (apart[1] ** 2).sum()))
    return float((apart[0] * apart[1]).sum() / size) if size > 1e-12 else None


def ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs, (n,)."""
    _, which, times = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(times)
    shared: Floats = (last - (times - 1) / 2)[which.ravel()]
    return shared
