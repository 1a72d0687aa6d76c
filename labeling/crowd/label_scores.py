"""How likely a causal language model finds each label as the continuation of a prompt."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.local_models import LocalModel

Floats = NDArray[np.float64]


def label_scores(loaded: LocalModel, prompts: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]) -> Floats:
    """Mean log-probability of a token of each label after each prompt, shape (prompts, labels).

    `prompts`, `labels`: token ids. The prompts run through the model once, padded on the left; their
    keys and values are then shared by all labels, which run as short continuations, padded on the right.
    """
    import torch

    length = max(len(label) for label in labels)
    with torch.inference_mode():
        first, cache, mask = _read_prompts(loaded, prompts)
        scores = _of_first_tokens(first, labels)
        if length > 1:
            scores += _of_later_tokens(loaded, labels, cache, mask, length)
    counts = torch.tensor([len(label) for label in labels], device=scores.device)
    mean: Floats = (scores / counts).double().cpu().numpy()
    return mean


def _read_prompts(loaded: LocalModel, prompts: Sequence[Sequence[int]]) -> tuple[Any, Any, Any]:
    """Log-probabilities of the next token, the cache, and the attention mask of left-padded prompts."""
    import torch

    longest = max(len(prompt) for prompt in prompts)
    filler = loaded.tokenizer.pad_token_id or 0
    ids = torch.tensor([[filler] * (longest - len(p)) + list(p) for p in prompts], device=loaded.device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=loaded.device)
    place = (mask.cumsum(1) - 1).clamp(min=0)
    output = loaded.model(input_ids=ids, attention_mask=mask, use_cache=True, **_positions(loaded, place))
    return output.logits[:, -1].float().log_softmax(-1), output.past_key_values, mask


def _of_first_tokens(first: Any, labels: Sequence[Sequence[int]]) -> Any:
    return first[:, [label[0] for label in labels]]


def _of_later_tokens(loaded: LocalModel, labels: Sequence[Sequence[int]], cache: Any, mask: Any, length: int) -> Any:
    """Summed log-probabilities of the second and later tokens of each label, shape (prompts, labels)."""
    import torch

    n_prompts, n_labels = mask.shape[0], len(labels)
    padded = torch.tensor([[*label, *[0] * (length - len(label))] for label in labels], device=mask.device)
    real = torch.tensor([[1] * len(label) + [0] * (length - len(label)) for label in labels], device=mask.device)
    ids, inside = padded.repeat(n_prompts, 1), real.repeat(n_prompts, 1)
    cache.batch_repeat_interleave(n_labels)
    before = mask.repeat_interleave(n_labels, 0)
    place = before.sum(1, keepdim=True) + torch.arange(length - 1, device=mask.device)
    output = loaded.model(
        input_ids=ids[:, :-1],
        attention_mask=torch.cat([before, inside[:, :-1]], 1),
        past_key_values=cache,
        use_cache=True,
        **_positions(loaded, place),
    )
    steps = output.logits.float().log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    return (steps * inside[:, 1:]).sum(1).view(n_prompts, n_labels)


def _positions(loaded: LocalModel, place: Any) -> dict[str, Any]:
    """Position ids, for the models that take them."""
    takes = "position_ids" in inspect.signature(loaded.model.forward).parameters
    return {"position_ids": place} if takes else {}
