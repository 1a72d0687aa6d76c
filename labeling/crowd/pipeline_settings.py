"""How one trained classifier is used."""

from __future__ import annotations

import json
from dataclasses import dataclass

from labeling.crowd.errors import Misconfigured
from labeling.crowd.pipeline_labels import Mapping


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """`source`: folder or hub id. `map`: which of the model's labels means which of ours, as "theirs:ours,theirs:ours"
    or a JSON object; labels of equal names need none. `threshold`: the chance from which a label of a set is ticked.

    `low`, `high`: what a regression says at the lower and the upper end of the scale; equal ones leave its numbers.
    `template`: the sentence in which a label is tried by entailment or on an image, with {} in its place.
    """

    source: str
    map: str = ""
    threshold: float = 0.5
    low: float = 0.0
    high: float = 0.0
    template: str = ""
    batch: int = 16
    most_tokens: int = 512
    device: str = "auto"
    threads: int = 0

    def __post_init__(self) -> None:
        self.mapping()
        if not 0 < self.threshold < 1:
            raise Misconfigured(f"threshold must lie between 0 and 1, but it is {self.threshold}.")
        if self.template and "{}" not in self.template:
            raise Misconfigured('The template needs {} in the place of the label, for example template="It is {}."')

    def mapping(self) -> Mapping:
        """Our label by theirs. Raises Misconfigured where the map cannot be read."""
        try:
            if self.map.strip().startswith("{"):
                told = json.loads(self.map)
                return {str(theirs): str(ours) for theirs, ours in told.items()}
            pairs = [pair.rpartition(":") for pair in self.map.split(",") if pair.strip()]
        except (ValueError, AttributeError) as error:
            raise Misconfigured("map is no JSON object; write map=theirs:ours,theirs:ours.") from error
        if not all(theirs.strip() and ours.strip() for theirs, _, ours in pairs):
            raise Misconfigured("map cannot be read; write map=theirs:ours,theirs:ours.")
        return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
