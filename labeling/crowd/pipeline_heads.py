"""What trained classifiers say, by their architecture, and how it becomes an answer of each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from labeling.crowd.abilities import BY_CLASSES, BY_NUMBER
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.cleaning import clean
from labeling.crowd.crossfit import Floats, log_softmax
from labeling.crowd.errors import Misconfigured, Unsuitable
from labeling.crowd.kinds.registry import ways
from labeling.crowd.local_models import Weights
from labeling.crowd.pictures import opened
from labeling.crowd.pipeline_labels import gathered, matched
from labeling.crowd.pipeline_settings import PipelineSettings
from labeling.crowd.pipeline_tokens import TokenHead

DIGITS = 4
SENTENCE, CAPTION, NEUTRAL = "This text is about {}.", "a picture of {}", "a picture"


class PipelineHead(Protocol):
    """A loaded model on one brief. `kinds`: what it can answer in; `about`: what it was trained for, in words."""

    kinds: frozenset[str]
    about: str

    def __init__(self, loaded: Weights, brief: Brief, settings: PipelineSettings, name: str) -> None: ...

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """An answer to each question."""


class ClassHead:
    """Texts or images by a softmax, or by one sigmoid a label where the model was trained for sets of labels."""

    kinds = BY_CLASSES
    about = "classes"

    def __init__(self, loaded: Weights, brief: Brief, settings: PipelineSettings, name: str) -> None:
        self._loaded, self._brief, self._settings = loaded, brief, settings
        config = loaded.model.config
        theirs = [str(config.id2label[k]) for k in range(config.num_labels)]
        self._ours = brief.space.labels
        self._place = matched(theirs, self._ours, settings.mapping(), name)
        self._apart = config.problem_type == "multi_label_classification"

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        logits, cut = _logits(self._loaded, questions, self._settings)
        chances = 1 / (1 + np.exp(-logits)) if self._apart else np.exp(log_softmax(logits))
        rows = gathered(chances, self._place, len(self._ours))
        return [_told(row, self._brief, self._settings, short) for row, short in zip(rows, cut, strict=True)]


class RegressionHead:
    """Texts or images by one number, a place on the scale."""

    kinds = BY_NUMBER
    about = "one number"

    def __init__(self, loaded: Weights, brief: Brief, settings: PipelineSettings, name: str) -> None:
        self._loaded, self._brief, self._settings = loaded, brief, settings

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        numbers, cut = _logits(self._loaded, questions, self._settings)
        made = ways(self._brief.kind).by_number
        assert made is not None, "models are asked in kinds that they can answer alone"
        told = made(numbers[:, 0], self._settings.low, self._settings.high, self._brief)
        return [_noted(answer, short) for answer, short in zip(told, cut, strict=True)]


class EntailmentHead:
    """Texts by how far they entail a sentence with each label.

    Source: Yin, Hay and Roth 2019, Benchmarking Zero-shot Text Classification.
    """

    kinds = BY_CLASSES
    about = "entailment"

    def __init__(self, loaded: Weights, brief: Brief, settings: PipelineSettings, name: str) -> None:
        self._loaded, self._brief, self._settings = loaded, brief, settings
        config = loaded.model.config
        theirs = {str(label).casefold(): int(k) for k, label in config.id2label.items()}
        self._yes = next(k for label, k in theirs.items() if label.startswith("entail"))
        self._no = next((k for label, k in theirs.items() if label.startswith("contra")), None)
        self._no = next(k for k in theirs.values() if k != self._yes) if self._no is None else self._no
        told = brief.labels.descriptions or brief.labels.names
        meant = dict(zip(brief.labels.names, told, strict=True))
        template = settings.template or SENTENCE
        self._sentences = [template.replace("{}", meant.get(name) or name) for name in brief.space.labels]

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        pairs = [(clean(question.text), sentence) for question in questions for sentence in self._sentences]
        logits, cut = _text_logits(self._loaded, [one for one, _ in pairs], self._settings, [two for _, two in pairs])
        lead = (logits[:, self._yes] - logits[:, self._no]).reshape(len(questions), -1)
        shape = logits[:, self._yes].reshape(len(questions), -1)
        rows = ways(self._brief.kind).chances(lead, shape)
        width = len(self._sentences)
        short = [any(cut[i : i + width]) for i in range(0, len(cut), width)]
        return [_told(row, self._brief, self._settings, one) for row, one in zip(rows, short, strict=True)]


class CaptionHead:
    """Images by how well a caption with each label fits (Radford et al. 2021, CLIP)."""

    kinds = BY_CLASSES
    about = "images and captions"

    def __init__(self, loaded: Weights, brief: Brief, settings: PipelineSettings, name: str) -> None:
        if loaded.images is None:
            raise Misconfigured(f"{name} has no settings for images (preprocessor_config.json); choose another model.")
        self._loaded, self._brief, self._settings = loaded, brief, settings
        template = settings.template or CAPTION
        self._captions = [*(template.replace("{}", label) for label in brief.space.labels), NEUTRAL]

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        import torch

        texts = self._loaded.tokenizer(self._captions, padding=True, truncation=True, return_tensors="pt")
        given = {**texts, **_pixels(self._loaded, questions)}
        with torch.inference_mode():
            moved = {key: value.to(self._loaded.device) for key, value in given.items()}
            logits = self._loaded.model(**moved).logits_per_image.double().cpu().numpy()
        rows = ways(self._brief.kind).chances(logits[:, :-1] - logits[:, -1:], logits[:, :-1])
        return [_told(row, self._brief, self._settings, False) for row in rows]


def _told(row: Floats, brief: Brief, settings: PipelineSettings, short: bool) -> Answer:
    made = ways(brief.kind).by_classes
    assert made is not None, "models are asked in kinds that they can answer alone"
    return _noted(made(np.round(row, DIGITS), brief, settings.threshold), short)


def _noted(answer: Answer, short: bool) -> Answer:
    return replace(answer, note="The text was shortened.") if short else answer


def _logits(loaded: Weights, questions: Sequence[Question], settings: PipelineSettings) -> tuple[Floats, list[bool]]:
    """What the model says, (n, outputs), and whether each text was shortened."""
    if loaded.images is None:
        return _text_logits(loaded, [clean(question.text) for question in questions], settings)
    import torch

    with torch.inference_mode():
        given = {key: value.to(loaded.device) for key, value in _pixels(loaded, questions).items()}
        found: Floats = loaded.model(**given).logits.double().cpu().numpy()
    return found, [False] * len(questions)


def _text_logits(
    loaded: Weights, texts: list[str], settings: PipelineSettings, second: list[str] | None = None
) -> tuple[Floats, list[bool]]:
    import torch

    tokenizer = loaded.tokenizer
    built_for = getattr(loaded.model.config, "max_position_embeddings", None) or settings.most_tokens
    most = min(settings.most_tokens, built_for)
    whole = tokenizer(texts, second, verbose=False)["input_ids"]
    cut = tokenizer(texts, second, truncation="only_first" if second else True, max_length=most)["input_ids"]
    rows = [row or [tokenizer.unk_token_id or 0] for row in cut]
    longest, filler = max(map(len, rows)), tokenizer.pad_token_id or 0
    ids = torch.tensor([row + [filler] * (longest - len(row)) for row in rows], device=loaded.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=loaded.device)
    with torch.inference_mode():
        found: Floats = loaded.model(input_ids=ids, attention_mask=mask).logits.double().cpu().numpy()
    return found, [len(one) > most for one in whole]


def _pixels(loaded: Weights, questions: Sequence[Question]) -> dict[str, Any]:
    """The first image of each question, as the model takes it."""
    if not all(question.images for question in questions):
        raise Unsuitable("A task has no image, but this model looks at images; leave it out of the crowd.")
    prepared: dict[str, Any] = loaded.images(
        images=[opened(question.images[0]) for question in questions], return_tensors="pt"
    )
    return {"pixel_values": prepared["pixel_values"]}


def _named(config: Any, ending: str) -> bool:
    return any(str(name).endswith(ending) for name in config.architectures or ())


def _classes(config: Any) -> bool:
    return _named(config, "ForSequenceClassification") or _named(config, "ForImageClassification")


def _entails(config: Any) -> bool:
    return any(str(label).casefold().startswith("entail") for label in config.id2label.values())


HEADS: list[tuple[Callable[[Any], bool], type[PipelineHead]]] = [
    (lambda config: _named(config, "ForTokenClassification"), TokenHead),
    (lambda config: _classes(config) and config.num_labels == 1, RegressionHead),
    (lambda config: _named(config, "ForSequenceClassification") and _entails(config), EntailmentHead),
    (_classes, ClassHead),
    (lambda config: hasattr(config, "vision_config") and hasattr(config, "text_config"), CaptionHead),
]
"""Which head fits a model's configuration; the first that does."""
