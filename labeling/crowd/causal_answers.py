"""What a causal model scores for each kind of answer."""

from __future__ import annotations

from labeling.crowd.base import Brief
from labeling.crowd.kinds.base import Scored
from labeling.crowd.kinds.registry import ways


def scored(brief: Brief) -> Scored:
    """What is scored for the brief's kind."""
    made = ways(brief.kind).scored
    assert made is not None, "members are asked in kinds that they can answer alone"
    return made(brief)
