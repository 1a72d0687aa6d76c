"""Stretches by a trained classifier of word pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labeling.crowd.abilities import TAGGED
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.crossfit import Floats, log_softmax
from labeling.crowd.local_models import Weights
from labeling.crowd.pipeline_labels import matched
from labeling.crowd.pipeline_settings import PipelineSettings
from labeling.crowd.tagging.words import Words, spans_of, words_of
from labeling.kinds.stretches import Stretches

OVERLAP = 0.25
"""Share of a window that the next one reads again."""


class TokenHead:
    """The chances of a word's pieces are averaged; a stretch is what neighbouring words of one type make.

    Long texts are read in windows that overlap; a piece that two windows hold counts by the mean. Labels such as B-PER
    and I-PER are one type; a word whose first piece rather begins a stretch begins one.
    """

    kinds = TAGGED
    about = "words"

    def __init__(self, loaded: Weights, brief: Brief, settings: PipelineSettings, name: str) -> None:
        self._loaded, self._settings = loaded, settings
        config = loaded.model.config
        theirs = [str(config.id2label[k]) for k in range(config.num_labels)]
        marked = [k for k, label in enumerate(theirs) if label.upper() not in ("O", "0", "NONE")]
        types = list(dict.fromkeys(_type(theirs[k]) for k in marked))
        place = dict(zip(types, matched(types, brief.space.labels, settings.mapping(), name), strict=True))
        self._types = len(brief.space.labels)
        self._columns = [(k, at, _begins(theirs[k])) for k in marked if (at := place[_type(theirs[k])]) is not None]

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question.text) for question in questions]

    def _answer(self, text: str) -> Answer:
        words = words_of(text)
        inside, begins = self._chances(text, words)
        tags, before = [], -1
        for row, begin in zip(inside, begins, strict=True):
            at = int(row.argmax()) if row.sum() > 0.5 else -1
            fresh = at >= 0 and (at != before or begin[at] > row[at] / 2)
            tags.append(0 if at < 0 else 2 * at + (1 if fresh else 2))
            before = at
        spans = spans_of(words, tags)
        sure = [self._mean(inside, words, span) for span in spans]
        return Answer(None, tuple(sure) or None, said=Stretches(tuple(sorted(spans)), len(text)))

    def _mean(self, inside: Floats, words: Words, span: tuple[int, int, int]) -> float:
        at = [i for i, (begin, end) in enumerate(words.edges) if begin >= span[0] and end <= span[1]]
        return round(float(inside[at, span[2]].mean()), 4)

    def _chances(self, text: str, words: Words) -> tuple[Floats, Floats]:
        """For each word the chance of each type, and that it begins a stretch of it, (words, types) each."""
        inside, begins = np.zeros((len(words), self._types)), np.zeros((len(words), self._types))
        pieces, firsts = np.zeros(len(words)), np.zeros(len(words))
        starts = [begin for begin, _ in words.edges]
        for (begin, end), row in self._pieces(text):
            first = max(int(np.searchsorted(starts, begin, side="right")) - 1, 0)
            for i in range(first, len(words)):
                if words.edges[i][0] >= end:
                    break
                if words.edges[i][1] > begin:
                    for k, at, fresh in self._columns:
                        inside[i, at] += row[k]
                        begins[i, at] += row[k] if fresh and begin <= words.edges[i][0] else 0.0
                    pieces[i] += 1
                    firsts[i] += begin <= words.edges[i][0]
        return inside / np.maximum(pieces, 1)[:, None], begins / np.maximum(firsts, 1)[:, None]

    def _pieces(self, text: str) -> list[tuple[tuple[int, int], Floats]]:
        """Where each piece stands in the text, and the chances of the model's labels."""
        import torch

        if not text.strip():
            return []
        loaded = self._loaded
        built_for = getattr(loaded.model.config, "max_position_embeddings", None) or self._settings.most_tokens
        most = min(self._settings.most_tokens, built_for)
        options: dict[str, Any] = {
            "return_offsets_mapping": True,
            "return_overflowing_tokens": True,
            "truncation": True,
        }
        read = loaded.tokenizer([text], max_length=most, stride=int(OVERLAP * most), **options)
        found: list[tuple[tuple[int, int], Floats]] = []
        for ids, offsets in zip(read["input_ids"], read["offset_mapping"], strict=True):
            with torch.inference_mode():
                logits = loaded.model(input_ids=torch.tensor([ids], device=loaded.device)).logits[0]
            rows = np.exp(log_softmax(logits.double().cpu().numpy()))
            found += [((b, e), row) for (b, e), row in zip(offsets, rows, strict=True) if e > b]
        return found


def _type(label: str) -> str:
    """PER of B-PER, I-PER or PER."""
    return label[2:] if label[:2].upper() in ("B-", "I-", "E-", "S-", "L-", "U-") else label


def _begins(label: str) -> bool:
    return label[:2].upper() in ("B-", "S-", "U-")
