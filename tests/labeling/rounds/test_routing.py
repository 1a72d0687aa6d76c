"""The sentence with which a round stops asking models: it speaks only of answers that may still be bought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from labeling.rounds.relabelers import Party
from labeling.rounds.routing import why_no_model
from labeling.routing.value import Offer

DEAR = Party("paid", "Dear", 1000, True, (0,))  # type: ignore[arg-type]


def said(raw: list[float], may_be_asked: list[bool], free: int = 10**6) -> str:
    value = np.array(raw)[:, None]
    offer = Offer(np.where(np.array(may_be_asked)[:, None], 0.0, -np.inf), value, value)
    table: Any = SimpleNamespace(parties=[DEAR])
    bought: Any = SimpleNamespace(offer=offer, free=free)
    return why_no_model(table, bought)


def test_tasks_that_were_asked_about_do_not_count_as_a_missed_gain() -> None:
    assert "the best one would add 0.2% to one task" in said([0.68, 0.002], [False, True])


def test_when_every_task_was_asked_about_it_says_so() -> None:
    assert said([0.68], [False]) == "Every model has been asked about all it may be asked about."


def test_without_money_it_names_the_price() -> None:
    assert "an answer costs $0.001" in said([0.5], [True], free=10)
