"""The expectation step on a graphics card, by an array library handed in from outside: torch, or what looks like it."""

from __future__ import annotations

from typing import Any

import numpy as np

from labeling.truth.expectation import IMPOSSIBLE, Expected
from labeling.truth.vote_matrix import VoteMatrix
from labeling.truth.votes import Floats


class DeviceExpectation:
    """`expectation` for one matrix, with the votes and beliefs held in float64 on a device.

    `torch`: the module itself, so that nothing here imports it. `device`: its name, such as "cuda". Call the object
    with (log_table, log_prior, belief) as numpy arrays, as `expectation` is called without the matrix.
    Raises RuntimeError (torch's) where the device does not exist or has too little memory.
    """

    def __init__(self, torch: Any, device: str, matrix: VoteMatrix) -> None:
        self._torch, self._device = torch, torch.device(device)
        shape = matrix.votes.n_tasks, matrix.n_columns
        index = np.stack([matrix.votes.task.astype(np.int64), matrix.column])
        weight = self._on_device(matrix.weight)
        votes = torch.sparse_coo_tensor(self._on_device(index), weight, shape, check_invariants=True)
        self._rows, self._columns = votes.coalesce(), votes.t().coalesce()
        self._known = self._on_device(matrix.known.astype(np.int64))
        self._counted = self._on_device(matrix.counted)

    def _on_device(self, array: np.ndarray) -> Any:
        return self._torch.from_numpy(array).to(self._device)

    def __call__(self, log_table: Floats, log_prior: Floats, belief: Floats) -> Expected:
        torch = self._torch
        logits = self._rows @ self._on_device(log_table) + self._on_device(log_prior)
        label_of_class = torch.arange(len(log_prior), device=self._device)
        known = self._known[:, None]
        logits = logits.masked_fill((known >= 0) & (label_of_class != known), IMPOSSIBLE)
        log_total = torch.logsumexp(logits, dim=1)
        shifted = logits - log_total[:, None]
        chance = shifted.exp()
        before = self._on_device(belief)
        change = float((chance - before).abs().max()) if belief.size else 0.0
        belief[:] = chance.cpu().numpy()
        entropy = -(chance * shifted).sum(dim=1) @ self._counted
        counts, mass = self._columns @ chance, self._counted @ chance
        evidence = float(log_total @ self._counted)
        return Expected(counts.cpu().numpy(), mass.cpu().numpy(), evidence, float(entropy), change)
