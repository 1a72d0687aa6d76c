"""Batches: sorted by length, sized to memory, smaller where memory runs out."""

from __future__ import annotations

import pytest

from labeling.crowd.batching import Batches, OutOfMemory


def test_rows_of_like_length_are_read_together_and_told_in_their_own_order() -> None:
    seen: list[list[int]] = []

    def read(places: list[int]) -> list[str]:
        seen.append(places)
        return [f"row {at}" for at in places]

    told = Batches(2, "a model").through([3, 9, 1, 8, 2], read)
    assert told == [f"row {at}" for at in range(5)]
    assert seen == [[1, 3], [0, 4], [2]]


def test_a_batch_holds_what_memory_bears_at_its_length() -> None:
    sizes: list[int] = []

    def read(places: list[int]) -> list[int]:
        sizes.append(len(places))
        return places

    Batches(4, "a model").through([10] * 3 + [1] * 6, read, fits=lambda longest: 20 // longest)
    assert sizes == [2, 2, 4, 1]
    assert Batches(4, "a model").through([10], read, fits=lambda _: 0) == [0], "one at a time is always tried"


def test_memory_that_runs_out_halves_the_batch_for_good_and_no_row_is_lost() -> None:
    sizes: list[int] = []

    def read(places: list[int]) -> list[int]:
        sizes.append(len(places))
        if len(places) > 3:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return places

    batches = Batches(8, "a model")
    assert batches.through([5] * 10, read) == list(range(10))
    assert sizes == [8, 4, 2, 2, 2, 2, 2]
    assert batches.most == 2


def test_a_text_that_never_fits_is_one_sentence_that_says_what_to_do() -> None:
    def read(_places: list[int]) -> list[int]:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20 GiB.")

    with pytest.raises(OutOfMemory, match="causal:x needs more memory than there is, even for one text; choose"):
        Batches(4, "causal:x").through([1, 2, 3], read)


def test_any_other_failure_is_not_taken_for_a_lack_of_memory() -> None:
    def read(_places: list[int]) -> list[int]:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        Batches(4, "a model").through([1, 2], read)
