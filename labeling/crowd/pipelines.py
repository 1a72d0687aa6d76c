"""Trained transformers classifiers of this machine: of texts, entailment, words and images; labels mapped to ours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from labeling.crowd.abilities import ABLE, ALL_KINDS, check_kind
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.errors import Misconfigured
from labeling.crowd.local_models import LocalModel, load_classifier
from labeling.crowd.pipeline_heads import HEADS, PipelineHead
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


class PipelineModel:
    """A voter that answers as a classifier was trained to; what it reads follows from its architecture."""

    outside = False
    kinds = ALL_KINDS
    sees = True

    def __init__(self, name: str, settings: PipelineSettings) -> None:
        self.name = name
        self.settings = settings
        self._loaded: LocalModel | None = None

    def prepare(self, brief: Brief) -> None:
        """Load the model once and match its labels. Raises ModelMissing, UnsafeModel or Misconfigured."""
        check_kind(self, brief)
        if self._loaded is None:
            self._loaded = load_classifier(self.settings.source, self.settings.device, self.settings.threads)
        shown = self.name.partition("?")[0]
        made = next((head for fits, head in HEADS if fits(self._loaded.model.config)), None)
        if made is None:
            raise Misconfigured(
                f"{shown} is no classifier that is known here; choose a model that was trained to label."
            )
        if brief.kind not in made.kinds:
            raise Misconfigured(
                f"{shown} is a model for {made.about} and cannot answer in {brief.kind}; {_able(brief)} can."
            )
        self._head: PipelineHead = made(self._loaded, brief, self.settings, shown)

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """An answer to every question, batch by batch."""
        if self._loaded is None:
            raise RuntimeError(f"{self.name} was asked before it was prepared")
        for begin in range(0, len(questions), self.settings.batch):
            began, asked = time.perf_counter(), questions[begin : begin + self.settings.batch]
            answers = self._head.answers(asked)
            seconds = (time.perf_counter() - began) / len(asked)
            for answer in answers:
                yield replace(answer, seconds=seconds, model=self._loaded.version)


def _able(brief: Brief) -> str:
    return ABLE[brief.kind]
