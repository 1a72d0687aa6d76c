"""Which candidates are akin: of the same line of models by name, or with nearly the same mistakes on the same tasks.

Who checks a crowd must not be of its kin: it would confirm the errors that they share.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fairness.audit.standings import Field
from fairness.rates import Bools
from labeling.truth import correlation
from labeling.truth.votes import Votes

LINES = {
    "gpt": ("gpt-oss", "gpt_oss", "gpt-", "gpt_", "gpt3", "gpt4", "chatgpt", "davinci", "babbage", "o1-", "o3-", "o4-"),
    "llama": ("llama", "vicuna", "alpaca", "hermes", "tulu", "orca"),
    "qwen": ("qwen", "qwq"),
    "mistral": ("mistral", "mixtral", "ministral", "zephyr", "openhermes"),
    "gemma": ("gemma",),
    "gemini": ("gemini",),
    "claude": ("claude",),
    "t5": ("flan-t5", "flan_t5", "t5-", "t5_", "mt0", "ul2"),
    "falcon": ("falcon",),
    "phi": ("phi-", "phi_", "phi3", "phi4"),
    "deepseek": ("deepseek",),
    "bert": ("bert", "deberta", "electra", "minilm"),
    "bloom": ("bloom",),
    "command": ("command-r", "cohere", "aya"),
    "grok": ("grok",),
    "smollm": ("smollm",),
    "granite": ("granite",),
    "glm": ("glm",),
}


def line_of(name: str) -> str:
    """The line of models that a name speaks of: "meta-llama/Llama-3-8B" is of llama; "" where none is known.

    Of several the one that is named first.
    """
    text = name.lower()
    found = [
        (at.start(), line)
        for line, words in LINES.items()
        for word in words
        if (at := re.search(rf"(?<![a-z]){re.escape(word)}", text))
    ]
    return min(found)[1] if found else ""


def akin_by_errors(field: Field, threshold: float = correlation.CLONE) -> Bools:
    """Pairs of candidates that agree far beyond what their skill explains, (C, C); excess agreement as on the crowd's
    page."""
    c, n = field.answer.shape
    who, task = np.nonzero(field.answer >= 0)
    numbers = np.unique(np.concatenate([field.answer[who, task], field.truth]))
    labels = len(numbers)
    votes = Votes(
        task.astype(np.int32),
        who.astype(np.int32),
        np.searchsorted(numbers, field.answer[who, task]).astype(np.int32),
        n,
        c,
        labels,
    )
    belief = np.zeros((n, labels))
    belief[np.arange(n), np.searchsorted(numbers, field.truth)] = 1.0
    close: Bools = np.nan_to_num(correlation.excess_agreement(votes, belief)) >= threshold
    np.fill_diagonal(close, True)
    return close


def of_the_crowd(lineages: Sequence[str], crowd: Bools, close: Bools) -> tuple[str, ...]:
    """For each candidate why it is of the crowd's kin, "" where it is not; `crowd`, (C,): who votes in it."""
    lines = {line for line, member in zip(lineages, crowd, strict=True) if member and line}
    told = []
    for place, line in enumerate(lineages):
        others = close[place] & crowd
        others[place] = False
        if crowd[place]:
            told.append("votes in the crowd itself")
        elif line in lines:
            told.append(f"of the same line of models as the crowd, {line}")
        elif others.any():
            told.append("makes nearly the same mistakes as the crowd")
        else:
            told.append("")
    return tuple(told)
