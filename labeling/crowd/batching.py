"""Rows through a model in batches: sorted by length, as many at a time as memory bears, fewer where it runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from labeling.crowd import memory
from labeling.crowd.errors import Misconfigured

log = logging.getLogger(__name__)
T = TypeVar("T")
SHARE = 0.5
"""Of the memory that is free, so much may be taken by one batch."""


class OutOfMemory(Misconfigured):
    """Not even one text at a time fits into memory."""


def anything(_longest: int) -> int:
    """No row is too much for the memory."""
    return 1 << 30


@dataclass(slots=True)
class Batches:
    """`most`: rows at a time; halved for good whenever memory runs out. `name`: whose, for a sentence."""

    most: int
    name: str

    def through(
        self,
        lengths: Sequence[int],
        read: Callable[[list[int]], Sequence[T]],
        fits: Callable[[int], int] = anything,
    ) -> list[T]:
        """What `read` makes of each row, in the rows' order; it is given places of rows that are much as long.

        `fits`: how many rows of a length memory bears. The longest come first, so that what does not fit shows at once.
        Raises OutOfMemory.
        """
        order = sorted(range(len(lengths)), key=lambda at: -lengths[at])
        found: dict[int, T] = {}
        while len(found) < len(order):
            rest = order[len(found) :]
            taken = rest[: max(1, min(self.most, fits(lengths[rest[0]])))]
            told = self._tried(taken, read)
            if told is not None:
                found.update(zip(taken, told, strict=True))
        return [found[at] for at in range(len(order))]

    def _tried(self, taken: list[int], read: Callable[[list[int]], Sequence[T]]) -> Sequence[T] | None:
        """What these rows say; None where memory ran out and fewer are tried next."""
        try:
            return read(taken)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            if len(taken) == 1:
                raise OutOfMemory(
                    f"{self.name} needs more memory than there is, even for one text; choose a smaller model, or say "
                    "precision=int8, precision=bf16 or a smaller most_tokens."
                ) from error
        self.most = len(taken) // 2
        log.warning("%s ran out of memory; from now on %s texts at a time.", self.name, self.most)
        empty()
        return None


def ran_out(error: BaseException) -> bool:
    """Whether this error says that memory ran out, of the machine or of a graphics card."""
    told = str(error).casefold()
    return isinstance(error, MemoryError) or "out of memory" in told or "can't allocate memory" in told


def empty() -> None:
    """Give back what a graphics card keeps for later."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def rows_that_fit(model: Any, device: str, longest: int, behind: int) -> int:
    """About how many prompts of so many tokens a causal model can read at a time, with `behind` tokens of labels.

    Reckoned for each: keys and values twice (they are copied when they grow), what the widest layer holds, the mask,
    and what is said about the whole vocabulary.
    """
    config, one = model.config.get_text_config(), model.dtype.itemsize
    wide = max(int(getattr(config, name, 0) or 0) for name in ("hidden_size", "n_embd", "d_model"))
    inner = int(getattr(config, "intermediate_size", 0) or 0) or 4 * wide
    layers = int(getattr(config, "num_hidden_layers", 0) or 1)
    tokens = longest + behind
    attended = tokens * (4 * layers * wide + 8 * wide + 4 * inner) * one + tokens * tokens * (1 + 2 * one)
    said = (behind + 1) * int(getattr(config, "vocab_size", 0) or 0) * 16
    return int(SHARE * memory.free(device) / max(attended + said, 1))
