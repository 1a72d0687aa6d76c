"""How likely a causal language model finds each label as the continuation of a prompt."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.local_models import Weights
from labeling.crowd.packed_scores import packed_scores

Floats = NDArray[np.float64]
Tokens = Sequence[int]


def label_scores(loaded: Weights, prompts: Sequence[Tokens], labels: Sequence[Tokens]) -> Floats:
    """Mean log-probability of a token of each label after each prompt, shape (prompts, labels).

    `prompts`, `labels`: token ids. What all prompts begin with is read once and kept with the model, as far as its
    family bears it and all that is read fits into its attention windows. Otherwise, where the model remembers nothing
    but keys and values of attention, a prompt is read once for all labels; a model with a state of another kind reads
    prompt and label together.
    """
    import torch

    with torch.inference_mode():
        scores = _way(loaded, prompts, labels)(loaded, prompts, labels)
    counts = torch.tensor([len(label) for label in labels], device=scores.device)
    mean: Floats = (scores / counts).double().cpu().numpy()
    return mean


def _way(loaded: Weights, prompts: Sequence[Tokens], labels: Sequence[Tokens]) -> Callable[..., Any]:
    longest = max(map(len, prompts)) + max(map(len, labels))
    if longest <= loaded.packs:
        return packed_scores
    return _by_shared_prompts if loaded.shares_prompts else _in_whole


def _by_shared_prompts(loaded: Weights, prompts: Sequence[Tokens], labels: Sequence[Tokens]) -> Any:
    """Summed log-probabilities, (prompts, labels).

    The prompts run once, padded on the left; all labels share their keys and values and run as short continuations,
    padded on the right.
    """
    first, cache, mask = _read_prompts(loaded, prompts)
    scores = first[:, [label[0] for label in labels]]
    length = max(len(label) for label in labels)
    return scores + _of_later_tokens(loaded, labels, cache, mask, length) if length > 1 else scores


def _read_prompts(loaded: Weights, prompts: Sequence[Tokens]) -> tuple[Any, Any, Any]:
    """Log-probabilities of the next token, the cache, and the attention mask of left-padded prompts."""
    import torch

    longest = max(len(prompt) for prompt in prompts)
    filler = loaded.tokenizer.pad_token_id or 0
    ids = torch.tensor([[filler] * (longest - len(p)) + list(p) for p in prompts], device=loaded.device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=loaded.device)
    place = (mask.cumsum(1) - 1).clamp(min=0)
    told = _taken(loaded, position_ids=place, logits_to_keep=1)
    output = loaded.model(input_ids=ids, attention_mask=mask, use_cache=True, **told)
    return output.logits[:, -1].float().log_softmax(-1), output.past_key_values, mask


def _of_later_tokens(loaded: Weights, labels: Sequence[Tokens], cache: Any, mask: Any, length: int) -> Any:
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
        **_taken(loaded, position_ids=place),
    )
    steps = output.logits.float().log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    return (steps * inside[:, 1:]).sum(1).view(n_prompts, n_labels)


def _in_whole(loaded: Weights, prompts: Sequence[Tokens], labels: Sequence[Tokens]) -> Any:
    """Summed log-probabilities, (prompts, labels), of prompts and labels read together, padded on the right.

    What stands to the right of a token cannot change its score, so padding there is exact for every causal model, and
    needs no mask. Labels that begin alike are read in one pass.
    """
    import torch

    scores = torch.zeros(len(prompts), len(labels), device=loaded.device)
    for tail, served in _tails(labels).items():
        logs = _read_in_whole(loaded, [[*prompt, *tail] for prompt in prompts], len(tail) + 1)
        for i in served:
            of_label = torch.tensor(labels[i], device=loaded.device).expand(len(prompts), -1)
            scores[:, i] = logs[:, : len(labels[i])].gather(2, of_label[..., None])[..., 0].sum(1)
    return scores


def _tails(labels: Sequence[Tokens]) -> dict[tuple[int, ...], list[int]]:
    """What must be read behind a prompt, and the labels that each scores: a label without its last token, or longer."""
    tails: dict[tuple[int, ...], list[int]] = {}
    for i in sorted(range(len(labels)), key=lambda i: -len(labels[i])):
        need = tuple(labels[i][:-1])
        tails.setdefault(next((tail for tail in tails if tail[: len(need)] == need), need), []).append(i)
    return tails


def _read_in_whole(loaded: Weights, rows: Sequence[Tokens], steps: int) -> Any:
    """Log-probabilities after each of the last `steps` tokens of each row, (rows, steps, vocabulary)."""
    import torch

    longest = max(len(row) for row in rows)
    filler = loaded.tokenizer.pad_token_id or 0
    ids = torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows], device=loaded.device)
    places = torch.tensor([[len(row) - steps + step for step in range(steps)] for row in rows], device=loaded.device)
    wanted, index = torch.unique(places, return_inverse=True)
    told = _taken(loaded, use_cache=False, logits_to_keep=wanted)
    logits = loaded.model(input_ids=ids, **told).logits
    index = index if "logits_to_keep" in told else places
    return logits[torch.arange(len(rows), device=loaded.device)[:, None], index].float().log_softmax(-1)


def _taken(loaded: Weights, **offered: Any) -> dict[str, Any]:
    """Those of the arguments offered that the model takes."""
    known = inspect.signature(loaded.model.forward).parameters
    return {name: value for name, value in offered.items() if name in known}
