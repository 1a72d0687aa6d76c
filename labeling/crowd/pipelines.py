"""Trained transformers classifiers of this machine: of texts, entailment, words and images; labels mapped to ours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from labeling.crowd.abilities import ABLE, ALL_KINDS, check_kind
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.batching import Batches
from labeling.crowd.errors import Misconfigured
from labeling.crowd.held_models import Shared, shared
from labeling.crowd.lines import MODELS, Options, Provider, typed
from labeling.crowd.local_models import check_installed, load_classifier
from labeling.crowd.pipeline_heads import HEADS, PipelineHead
from labeling.crowd.pipeline_settings import PipelineSettings

WINDOW = 2
"""So many batches of questions are sorted by length together, and answered before the first answer is told."""


class PipelineModel:
    """A voter that answers as a classifier was trained to; what it reads follows from its architecture."""

    outside = False
    kinds = ALL_KINDS
    sees = True

    def __init__(self, name: str, settings: PipelineSettings) -> None:
        self.name = name
        self.settings = settings
        self._loaded: Shared | None = None
        self._batches = Batches(settings.batch, name.partition("?")[0])

    def prepare(self, brief: Brief) -> None:
        """Load the model once and match its labels. Raises ModelMissing, UnsafeModel or Misconfigured."""
        check_kind(self, brief)
        if self._loaded is None:
            self._loaded = shared(load_classifier, self.settings.source, self.settings.device, self.settings.threads)
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
        window = WINDOW * self.settings.batch
        for begin in range(0, len(questions), window):
            began, asked = time.perf_counter(), questions[begin : begin + window]
            answers = self._read(asked)
            seconds = (time.perf_counter() - began) / len(asked)
            for answer in answers:
                yield replace(answer, seconds=seconds, model=self._loaded.version)

    @property
    def in_memory(self) -> bool:
        """Whether its weights are in this process's memory now."""
        return self._loaded is not None and self._loaded.here

    def _read(self, asked: Sequence[Question]) -> list[Answer]:
        lengths = [len(question.text) for question in asked]
        return self._batches.through(lengths, lambda places: self._head.answers([asked[at] for at in places]))


def _able(brief: Brief) -> str:
    return ABLE[brief.kind]


def _made(spec: str, source: str, options: Options) -> PipelineModel:
    check_installed()
    return PipelineModel(spec, PipelineSettings(source, **typed(PipelineSettings, options, spec)))


def _about(voter: PipelineModel) -> str:
    return f"trained classifier {voter.settings.source} of this machine"


PROVIDER = Provider("pipeline", _made, _about, lambda source, options: [MODELS])
