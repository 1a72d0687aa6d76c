"""A sentence encoder as a voter: by likeness to the labels, or by a small head that learned from examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labeling.crowd import learners
from labeling.crowd.abilities import LEARNED, check_kind, check_sight
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.batching import Batches
from labeling.crowd.cleaning import clean
from labeling.crowd.crossfit import log_softmax
from labeling.crowd.errors import Misconfigured, NeedsExamples, Unsuitable
from labeling.crowd.heads import Head, head
from labeling.crowd.held_models import Shared, shared
from labeling.crowd.kinds.registry import ways
from labeling.crowd.lines import MODELS, Options, Provider, typed
from labeling.crowd.local_models import check_installed, load_encoder, load_image_encoder
from labeling.crowd.packaged import WEIGHTS_SHA256, packaged_folder
from labeling.crowd.pictures import opened

Floats = NDArray[np.float64]

SHARPNESS = 20.0
"""Zero-shot probabilities are the softmax of cosine likeness times this."""
DIGITS = 4


@dataclass(frozen=True, slots=True)
class EmbeddingSettings:
    """`source`: folder, hub id, or the name of a known pip package. `mode`: zero, few, or auto.

    `reads`: text or images. Auto learns from examples where there are some, and else compares with the labels.
    """

    source: str
    mode: str = "auto"
    batch: int = 32
    most_tokens: int = 256
    device: str = "auto"
    threads: int = 0
    reads: str = "text"

    def __post_init__(self) -> None:
        if self.reads not in ("text", "images"):
            raise Misconfigured(f"reads must be text or images, but it is {self.reads!r}.")
        if self.mode not in ("auto", "zero", "few"):
            raise Misconfigured(f"mode must be auto, zero or few, but it is {self.mode!r}.")


class EmbeddingModel:
    """A voter on mean-pooled, unit-length token vectors of an encoder (Reimers and Gurevych 2019, Sentence-BERT).

    Zero-shot it compares a text with each label's name and description; with examples it fits a
    logistic head, cross-fitted, so that an example is answered by a head that did not see it.
    """

    outside = False
    kinds = LEARNED

    def __init__(self, name: str, settings: EmbeddingSettings) -> None:
        self.name = name
        self.settings = settings
        self.sees = settings.reads == "images"
        self._loaded: Shared | None = None
        self._batches = Batches(settings.batch, name.partition("?")[0])

    def prepare(self, brief: Brief) -> None:
        """Load the encoder once, then embed the labels or fit the head.

        Raises ModelMissing, UnsafeModel, or NeedsExamples where mode is few.
        """
        check_kind(self, brief)
        if self._loaded is None:
            source = packaged_folder(self.settings.source) or self.settings.source
            load = load_image_encoder if self.sees else load_encoder
            self._loaded = shared(load, str(source), self.settings.device, self.settings.threads)
        if self.sees:
            check_sight(self.name, brief)
        few = self.settings.mode == "few" or (self.settings.mode == "auto" and _two_answers(brief))
        self._version = f"{self._loaded.version} {'head ' + brief.fingerprint() if few else 'zero-shot'}"
        self._head: Head | None = None
        if few:
            questions = [example.question for example in brief.examples]
            self._head = head(learners.logistic(10.0), lambda asked: self._embed(asked)[0], questions, brief, self.name)
        else:
            self._by_likeness, self._labels = self._described(brief)

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """A label and probabilities for every question, batch by batch."""
        for begin in range(0, len(questions), self.settings.batch):
            yield from self._answer_batch(questions[begin : begin + self.settings.batch])

    @property
    def in_memory(self) -> bool:
        """Whether its weights are in this process's memory now."""
        return self._loaded is not None and self._loaded.here

    def _answer_batch(self, questions: Sequence[Question]) -> Iterator[Answer]:
        began = time.perf_counter()
        rows, tokens = self._embed(questions)
        answers = self._answers(questions, rows)
        seconds = (time.perf_counter() - began) / len(questions)
        for count, answer in zip(tokens, answers, strict=True):
            yield replace(
                answer,
                input_tokens=min(count, self._most_tokens()),
                seconds=seconds,
                model=self._version,
                note="The text was shortened." if count > self._most_tokens() else "",
            )

    def _answers(self, questions: Sequence[Question], rows: Floats) -> list[Answer]:
        if self._head is not None:
            return self._head.answers(questions, rows, DIGITS)
        chances = np.round(np.exp(log_softmax(SHARPNESS * rows @ self._labels.T)), DIGITS)
        return [self._by_likeness(row) for row in chances / chances.sum(axis=1, keepdims=True)]

    def _described(self, brief: Brief) -> tuple[Callable[[Floats], Answer], Floats]:
        """What makes an answer of likeness, and vectors of the labels. Raises NeedsExamples for kinds without."""
        made = ways(brief.kind).by_likeness
        if self.sees or made is None:
            raise NeedsExamples(
                f"{self.name.partition('?')[0]} answers in {brief.kind} by what it learned from known answers, and "
                "needs three that differ; give more known answers."
            )
        return made, self._embed_texts(brief.labels.described())[0]

    def _embed(self, questions: Sequence[Question]) -> tuple[Floats, list[int]]:
        """Unit vectors of shape (questions, dimensions), and how many tokens each whole text has."""
        if not self.sees:
            return self._embed_texts([question.text for question in questions])
        rows = self._batches.through(
            [0] * len(questions), lambda places: list(self._embed_images([questions[at] for at in places]))
        )
        return np.vstack(rows), [0] * len(questions)

    def _embed_images(self, questions: Sequence[Question]) -> Floats:
        """Unit vectors of each question's first image: what the encoder makes of its places, on average."""
        import torch

        loaded = self._model
        if not all(question.images for question in questions):
            raise Unsuitable("A task has no image, but this encoder looks at images; leave it out of the crowd.")
        pictures = [opened(question.images[0]) for question in questions]
        pixels = loaded.images(images=pictures, return_tensors="pt")["pixel_values"].to(loaded.device)
        seeing = getattr(loaded.model, "vision_model", loaded.model)
        with torch.inference_mode():
            states = seeing(pixel_values=pixels).last_hidden_state.float()
        places = states.flatten(2).transpose(1, 2) if states.dim() == 4 else states
        unit: Floats = torch.nn.functional.normalize(places.mean(1)).double().cpu().numpy()
        return unit

    def _embed_texts(self, texts: Sequence[str]) -> tuple[Floats, list[int]]:
        """Unit vectors of shape (texts, dimensions), and how many tokens each whole text has."""
        ids, counts = self._tokens([clean(text) for text in texts])
        rows = self._batches.through(
            [len(row) for row in ids], lambda places: list(self._embed_batch([ids[at] for at in places]))
        )
        return np.vstack(rows), counts

    def _embed_batch(self, ids: Sequence[list[int]]) -> Floats:
        import torch

        loaded = self._model
        longest = max(len(row) for row in ids)
        filler = loaded.tokenizer.pad_token_id or 0
        padded = torch.tensor([row + [filler] * (longest - len(row)) for row in ids], device=loaded.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=loaded.device)
        with torch.inference_mode():
            states = loaded.model(input_ids=padded, attention_mask=mask).last_hidden_state.float()
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        unit: Floats = torch.nn.functional.normalize(mean).double().cpu().numpy()
        return unit

    def _tokens(self, texts: list[str]) -> tuple[list[list[int]], list[int]]:
        """Token ids, cut to what the encoder reads, and the count before the cut."""
        tokenizer, most = self._model.tokenizer, self._most_tokens()
        whole: list[list[int]] = tokenizer(texts, verbose=False)["input_ids"]
        cut: list[list[int]] = tokenizer(texts, truncation=True, max_length=most)["input_ids"]
        blank = [tokenizer.unk_token_id or 0]
        return [row or blank for row in cut], [len(row) for row in whole]

    def _most_tokens(self) -> int:
        if self.sees:
            return 0
        built_for = getattr(self._model.model.config, "max_position_embeddings", None) or self.settings.most_tokens
        return int(min(self.settings.most_tokens, built_for))

    @property
    def _model(self) -> Shared:
        if self._loaded is None:
            raise RuntimeError(f"{self.name} was asked before it was prepared")
        return self._loaded


def _two_answers(brief: Brief) -> bool:
    return len({brief.mark(example) for example in brief.examples}) > 1 and len(brief.examples) > 2


def _made(spec: str, source: str, options: Options) -> EmbeddingModel:
    check_installed()
    return EmbeddingModel(spec, EmbeddingSettings(source, **typed(EmbeddingSettings, options, spec)))


def _about(voter: EmbeddingModel) -> str:
    return f"encoder {voter.settings.source} of this machine, mode {voter.settings.mode}"


def _reach(source: str, _options: Options) -> list[str]:
    return [] if source in WEIGHTS_SHA256 else [MODELS]


PROVIDER = Provider("embedding", _made, _about, _reach)
