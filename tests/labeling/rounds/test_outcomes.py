"""The sentences with which a round buys on or stops: they speak only of answers that may still be bought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from labeling.rounds.outcomes import expected_labels, outcome, why_no_model
from labeling.rounds.relabelers import Party
from labeling.routing.plan import Plan
from labeling.routing.promises import Trial
from labeling.routing.value import Offer

DEAR = Party("paid", "Dear", 1000, True, (0,))  # type: ignore[arg-type]
TRIAL = Trial(known=100, unsure=20, crowd=80, own=61, crowd_unsure=12, own_unsure=9, mended=1, spoilt=4)


def table_of(worth: int | None = None, router: str = "value", stopped: dict[int, str] | None = None) -> Any:
    project = SimpleNamespace(worth_microdollars=worth, router=router)
    watch = SimpleNamespace(stopped=stopped or {}, trials=[TRIAL])
    given = SimpleNamespace(annotator=np.zeros(64, dtype=int), task=np.arange(64))
    ballot = SimpleNamespace(known=np.full(64, -1), question=None)
    nothing = SimpleNamespace(unasked=lambda: SimpleNamespace(count=lambda: 0))
    batch = SimpleNamespace(tasks=SimpleNamespace(about=lambda question: nothing))
    return SimpleNamespace(batch=batch, parties=[DEAR], project=project, watch=watch, given=given, ballot=ballot)


def bought_of(raw: list[float], may_be_asked: list[bool], free: int = 10**6, action: list[int] | None = None) -> Any:
    value = np.array(raw)[:, None]
    offer = Offer(np.where(np.array(may_be_asked)[:, None], 0.0, -np.inf), value, value)
    chosen = np.array(action or [-1] * len(raw), dtype=np.int8)
    plan = Plan(chosen, 0, float(np.array(raw)[chosen >= 0].sum()), float(np.array(raw)[chosen >= 0].sum()), 0.0)
    return SimpleNamespace(offer=offer, free=free, plan=plan, action=chosen.astype(int))


def said(raw: list[float], may_be_asked: list[bool], free: int = 10**6, worth: int | None = None) -> str:
    return why_no_model(table_of(worth), bought_of(raw, may_be_asked, free))


def test_tasks_that_were_asked_about_do_not_count_as_a_missed_gain() -> None:
    assert "the best one left would add 0.2% to one task, too little to tell from nothing" in said(
        [0.68, 0.002], [False, True]
    )


def test_when_every_task_was_asked_about_it_says_so() -> None:
    assert said([0.68], [False]) == "Every model has been asked about all it may be asked about."


def test_without_money_it_names_the_price() -> None:
    assert "an answer costs $0.001" in said([0.5], [True], free=10)


def test_a_gain_that_is_no_trifle_is_held_against_what_a_label_is_worth() -> None:
    assert said([0.104], [True], worth=5_000) == (
        "No model's answer is worth its price any more: the best one left would add 10.4% to one task, "
        "which is $0.00052 at $0.005 a right label, and costs $0.001."
    )


def test_what_the_entropy_order_buys_is_told_in_labels_and_not_in_bits() -> None:
    bought = bought_of([0.1, 0.2, 0.0], [True] * 3, action=[0, 0, -1])
    assert expected_labels(bought) == 0.1 + 0.2
    turn: Any = SimpleNamespace(to_paid=2)
    told = outcome(table_of(router="entropy"), bought, turn)
    assert "would add about 0.3 correct labels." in told and "best plan" not in told


def test_a_plan_that_cannot_be_bettered_is_called_the_best_and_not_within_nothing_of_it() -> None:
    turn: Any = SimpleNamespace(to_paid=1)
    told = outcome(table_of(), bought_of([0.1], [True], action=[0]), turn)
    assert "correct labels, the best plan there is." in told and "0.0%" not in told


def test_a_model_that_spoils_more_than_it_mends_on_known_tasks_is_named_with_its_numbers() -> None:
    turn: Any = SimpleNamespace(to_paid=0, to_people=3, crowd_settled=10)
    told = outcome(table_of(stopped={0: "trial"}), bought_of([0.1], [False]), turn)
    assert told == (
        "10 tasks settled, 3 sent to people. Nothing is bought from Dear: of 20 known tasks where the crowd is unsure "
        "its answers would mend 1 and spoil 4, and it is right on 61 of all 100 known tasks, the crowd on 80."
    )


def test_a_model_whose_answers_contradict_what_was_foreseen_is_stopped_in_a_sentence() -> None:
    turn: Any = SimpleNamespace(to_paid=0, to_people=0, crowd_settled=10)
    told = outcome(table_of(stopped={0: "contradiction"}), bought_of([0.1], [False]), turn)
    assert "No more is bought from Dear: its 64 answers contradict" in told and "worth its price" not in told
