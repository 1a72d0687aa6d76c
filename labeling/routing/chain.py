"""A chain of annotators ordered by price: each keeps the tasks it is surest of and forwards the rest.

The final label of a task is that of the link with the highest confidence, each link's confidences turned into ranks
first, since those of different models do not compare. Of equal ranks the later link's holds: it was asked because the
one before was unsure. A link that states no confidence forwards by that of the link before it, so that the tasks its
predecessor was least sure of go furthest. It needs no known label, and is a baseline for `value`.
Source: Farr et al. 2024, LLM Chain Ensembles for Scalable and Accurate Data Annotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.truth.votes import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Link:
    """What one annotator would answer to each task: `label` (n,), -1 where nothing, and `confidence` (n,).

    `confidence` is None for an annotator that states none: all its answers then have the middle rank, and what it
    forwards is ordered as before it.
    """

    label: Ints
    confidence: Floats | None = None


@dataclass(frozen=True, slots=True)
class Chained:
    """`label`: (n,). `reached`: (n, L) which links saw which task. `decided_by`: (n,) the link whose label it is."""

    label: Ints
    reached: Bools
    decided_by: Ints


def chain(links: Sequence[Link], forwarded: Sequence[float], allowed: Bools | None = None, *, seed: int = 0) -> Chained:
    """Send every task to the first link, and on from link to link the share of all tasks that it is least sure of.

    `forwarded`: for each link but the first, the share of all allowed tasks that reaches it, from 0 to 1, not rising.
    `allowed`: (n,) False where a task must not go beyond the first link. Ties are broken by lot.
    Raises ValueError where the shares do not fit the links.
    """
    if len(forwarded) != len(links) - 1 or any(not 0 <= share <= 1 for share in forwarded):
        raise ValueError(f"There are {len(links)} links; give {len(links) - 1} shares from 0 to 1 to forward.")
    n = len(links[0].label)
    lot = np.random.default_rng(seed).permutation(n)
    reached = np.zeros((n, len(links)), dtype=bool)
    reached[:, 0] = True
    rank = np.full(reached.shape, -1.0)
    rank[:, 0] = stated = ranks(links[0], reached[:, 0])
    allowed = np.ones(n, dtype=bool) if allowed is None else allowed
    for at, share in enumerate(forwarded, start=1):
        here = np.flatnonzero(reached[:, at - 1] & allowed)
        order = here[np.lexsort((lot[here], stated[here]))]
        reached[order[: int(share * allowed.sum() + 1e-9)], at] = True
        rank[:, at] = ranks(links[at], reached[:, at])
        stated = stated if links[at].confidence is None else rank[:, at]
    decided_by = (len(links) - 1 - rank[:, ::-1].argmax(axis=1)).astype(np.int32)
    label = np.stack([link.label for link in links], axis=1)[np.arange(n), decided_by]
    return Chained(label.astype(np.int32), reached, decided_by)


def ranks(link: Link, seen: Bools) -> Floats:
    """Each seen task's place in the link's order of confidence, from 0 to 1, (n,); -1 where it gave no label."""
    rank = np.full(len(seen), -1.0)
    tasks = np.flatnonzero(seen & (link.label >= 0))
    if not len(tasks):
        return rank
    confidence = np.zeros(len(tasks)) if link.confidence is None else link.confidence[tasks]
    _, place, count = np.unique(confidence, return_inverse=True, return_counts=True)
    # tied ones share the middle of their places
    rank[tasks] = ((count.cumsum() - count / 2) / len(tasks))[place]
    return rank
