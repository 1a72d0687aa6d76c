"""Label scores in one pass a batch: what prompts begin with is read once and kept; labels stand packed behind them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

Tokens = Sequence[int]

FEWEST = 16
"""A common beginning of fewer tokens is not worth keeping."""
KEPT = 8
"""Beginnings kept for each model; the one that was not used for longest goes."""


@dataclass(slots=True)
class Beginnings:
    """Common beginnings of prompts with the keys and values of every layer, each of shape (1, heads, tokens, width)."""

    kept: OrderedDict[tuple[int, ...], list[tuple[Any, Any]]] = field(default_factory=OrderedDict)

    def of(self, model: Any, prompts: Sequence[Tokens], device: str) -> tuple[int, list[tuple[Any, Any]]]:
        """How many tokens all prompts share and need not be read again, and their keys and values.

        One token of each prompt at least is left to read. A beginning that is new, and longer than any kept one by more
        than chance, is read now. One of a single prompt is not: nothing says where the text begins.
        """
        common = list(prompts[0][: min(map(len, prompts)) - 1])
        for prompt in prompts[1:]:
            common = common[: _alike(common, prompt)]
        best = max(self.kept, key=lambda one: _alike(one, common), default=())
        shared = _alike(best, common)
        if len(prompts) > 1 and len(common) >= shared + FEWEST:
            best, shared = tuple(common), len(common)
            self.kept[best] = _read(model, common, device)
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        if shared < FEWEST:
            return 0, []
        self.kept.move_to_end(best)
        return shared, [(keys[:, :, :shared], values[:, :, :shared]) for keys, values in self.kept[best]]


def _alike(one: Tokens, two: Tokens) -> int:
    """How many tokens two sequences share at their beginning."""
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _read(model: Any, ids: Sequence[int], device: str) -> list[tuple[Any, Any]]:
    import torch

    told = model(input_ids=torch.tensor([list(ids)], device=device), use_cache=True)
    return [(layer.keys, layer.values) for layer in told.past_key_values.layers]


@dataclass(frozen=True, slots=True)
class Tree:
    """The labels without their last tokens as a tree, so that tokens that several labels begin with are read once.

    `tokens`: one for each node, parents first; `depth`: 0 for the first token of a label; `above`: the nodes that one
    goes on from, itself included.
    """

    tokens: tuple[int, ...]
    depth: tuple[int, ...]
    above: tuple[tuple[int, ...], ...]
    node: dict[tuple[int, ...], int]

    @classmethod
    def of(cls, labels: Sequence[Tokens]) -> Tree:
        starts = {tuple(label[:n]) for label in labels for n in range(1, len(label))}
        ordered = sorted(starts, key=lambda one: (len(one), one))
        node = {one: at for at, one in enumerate(ordered)}
        above = tuple(tuple(node[one[:n]] for n in range(1, len(one) + 1)) for one in ordered)
        return cls(tuple(one[-1] for one in ordered), tuple(len(one) - 1 for one in ordered), above, node)


def packed_scores(loaded: Any, prompts: Sequence[Tokens], labels: Sequence[Tokens]) -> Any:
    """Summed log-probabilities of each label after each prompt, (prompts, labels).

    One pass of the model for all: a row is what a prompt does not share with the others, padded on the left, and the
    tree of labels behind it. The mask lets a token see the beginning, its own prompt and the nodes above it, and its
    position is the one it has in a sequence of its own. `loaded`: a LocalModel with `packs`.
    """
    import torch

    device, model = loaded.device, loaded.model
    shared, beginning = loaded.beginnings.of(model, prompts, device)
    tree, own = Tree.of(labels), [list(prompt[shared:]) for prompt in prompts]
    width, behind = max(map(len, own)), len(tree.tokens)
    filler = loaded.tokenizer.pad_token_id or 0
    ids = torch.tensor([[filler] * (width - len(row)) + row + list(tree.tokens) for row in own], device=device)
    lengths = torch.tensor([len(row) for row in own], device=device)
    told = model(
        input_ids=ids,
        attention_mask=_mask(lengths, shared, width, tree, model.dtype),
        position_ids=_places(lengths, shared, width, tree),
        past_key_values=_cache(beginning, len(prompts)),
        use_cache=True,
        logits_to_keep=behind + 1,
    )
    logs = told.logits[:, -(behind + 1) :].float().log_softmax(-1)
    return torch.stack([_label(logs, label, tree) for label in labels], 1)


def packs_right(loaded: Any, tolerance: float) -> bool:
    """Whether this very model scores a few packed tokens as it scores them alone: a family is tried in one setting.

    `tolerance`: the largest difference, as a share of the score.
    """
    import torch

    if not loaded.packs:
        return False
    start, label = [1] * FEWEST, [4, 5]
    prompts = [[*start, 2, 3], [*start, 3]]
    try:
        with torch.inference_mode():
            found = packed_scores(replace(loaded, beginnings=Beginnings()), prompts, [label, [6, 7]])[:, 0]
            for prompt, score in zip(prompts, found.tolist(), strict=True):
                ids = torch.tensor([prompt + label], device=loaded.device)
                logs = loaded.model(input_ids=ids).logits[0].float().log_softmax(-1)
                alone = sum(logs[len(prompt) - 1 + step, token].item() for step, token in enumerate(label))
                if abs(alone - score) > tolerance * max(abs(alone), 1):
                    return False
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError):  # a model that takes no such mask
        return False
    return True


def _label(logs: Any, label: Tokens, tree: Tree) -> Any:
    """Summed log-probabilities of one label, (prompts,). `logs`: (prompts, 1 + nodes, vocabulary)."""
    after = [0, *(tree.node[tuple(label[:n])] + 1 for n in range(1, len(label)))]
    return logs[:, after, list(label)].sum(1)


def _places(lengths: Any, shared: int, width: int, tree: Tree) -> Any:
    """The position of each token of each row, (prompts, width + nodes); padding stands where it disturbs nobody."""
    import torch

    steps = torch.arange(width, device=lengths.device) - (width - lengths[:, None])
    depth = torch.tensor(tree.depth, dtype=torch.long, device=lengths.device)
    return torch.cat([shared + steps.clamp(min=0), shared + lengths[:, None] + depth], 1)


def _mask(lengths: Any, shared: int, width: int, tree: Tree, kind: Any) -> Any:
    """What each token sees, (prompts, 1, width + nodes, shared + width + nodes): 0 or the lowest number there is.

    Padding sees everything: whatever is said there, nobody looks at it, and no row of the mask is empty.
    """
    import torch

    device, behind = lengths.device, len(tree.tokens)
    real = torch.arange(width, device=device) >= width - lengths[:, None]
    own = torch.ones(width, width, dtype=torch.bool, device=device).tril() & real[:, None, :] | ~real[:, :, None]
    nodes = torch.zeros(behind, behind, dtype=torch.bool, device=device)
    for node, above in enumerate(tree.above):
        nodes[node, list(above)] = True
    n = len(lengths)
    upper = torch.cat([own, torch.zeros(n, width, behind, dtype=torch.bool, device=device)], 2)
    lower = torch.cat([real[:, None, :].expand(n, behind, width), nodes.expand(n, behind, behind)], 2)
    before = torch.ones(n, width + behind, shared, dtype=torch.bool, device=device)
    sees = torch.cat([before, torch.cat([upper, lower], 1)], 2)
    return torch.zeros(sees.shape, dtype=kind, device=device).masked_fill(~sees, torch.finfo(kind).min)[:, None]


def _cache(beginning: list[tuple[Any, Any]], rows: int) -> Any:
    """The beginning's keys and values for so many rows; nothing is copied before a layer adds its own."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    cache = DynamicCache()
    for keys, values in beginning:
        layer: Any = cast(Any, DynamicLayer)()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)
        cache.layers.append(layer)
    return cache
