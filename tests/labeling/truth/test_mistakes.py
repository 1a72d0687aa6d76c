"""Mistakes that recur: five cases, and a lower limit above twice of what is expected; nothing less."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from labeling.truth import mistakes


def table(cells: dict[tuple[int, int], int], right: int = 40, labels: int = 4) -> np.ndarray:
    counts = np.diag([float(right)] * labels)
    for (truth, said), n in cells.items():
        counts[truth, said] = n
    return counts


def test_a_full_cell_is_found_with_its_interval() -> None:
    (cell,) = mistakes.recurring(table({(1, 3): 20, (0, 1): 2}))
    low, high = proportion_confint(20, 60, method="wilson")
    assert (cell.truth, cell.said, cell.cases, cell.of) == (1, 3, 20, 60)
    assert (cell.low, cell.high) == (pytest.approx(low), pytest.approx(high))
    assert cell.expected == pytest.approx(22 / 182 / 3) and cell.rate == pytest.approx(1 / 3)


def test_four_cases_are_none() -> None:
    assert mistakes.recurring(table({(1, 3): 4}, right=1)) == []
    assert [cell.cases for cell in mistakes.recurring(table({(1, 3): 5}, right=1))] == [5]


def test_errors_that_are_spread_evenly_are_none() -> None:
    assert mistakes.recurring(np.full((4, 4), 10.0) + np.diag([30.0] * 4)) == []


def test_the_limit_decides_and_not_the_rate() -> None:
    counts = table({(0, 1): 6, (1, 2): 4, (2, 3): 4, (3, 0): 4})
    cell = counts[0, 1] / counts[0].sum()
    assert cell > 2 * mistakes.even_rate(counts) and mistakes.recurring(counts) == []


def test_permuted_labels_give_the_same_cells() -> None:
    counts = table({(1, 3): 20, (2, 0): 15})
    order = [2, 0, 3, 1]
    found = {(cell.truth, cell.said, cell.cases) for cell in mistakes.recurring(counts)}
    mixed = {(order[c.truth], order[c.said], c.cases) for c in mistakes.recurring(counts[np.ix_(order, order)])}
    assert found == mixed and len(found) == 2


def test_nothing_answered_and_all_right_are_none() -> None:
    assert mistakes.recurring(np.zeros((3, 3))) == [] and mistakes.recurring(np.diag([9.0, 9.0])) == []
    assert mistakes.even_rate(np.zeros((2, 2))) == 0.0
