"""Money of calls."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.crowd.errors import Misconfigured, PriceUnknown
from labeling.crowd.prices import Price, stated_price

AMOUNT = st.decimals(min_value=0, max_value=1000, places=6, allow_nan=False, allow_infinity=False)
TOKENS = st.integers(min_value=0, max_value=10**9)


def test_a_known_bill() -> None:
    price = Price(Decimal("0.15"), Decimal("0.60"))
    assert price.cost(1_000_000, 0) == 150_000
    assert price.cost(1_000, 100) == 210
    assert price.cost(1, 0) == 1
    assert Price(per_call=Decimal("0.002")).cost(5, 5, calls=3) == 6_000


@pytest.mark.slow
@given(AMOUNT, AMOUNT, AMOUNT, TOKENS, TOKENS, st.integers(1, 5))
def test_a_cost_is_the_exact_one_rounded_up(
    i: Decimal, o: Decimal, c: Decimal, read: int, wrote: int, calls: int
) -> None:
    exact = Fraction(i) * read + Fraction(o) * wrote + Fraction(c) * calls * 1_000_000
    assert 0 <= Price(i, o, c).cost(read, wrote, calls) - exact < 1


@pytest.mark.slow
@given(AMOUNT, AMOUNT, AMOUNT, TOKENS, st.lists(st.integers(0, 10**5), min_size=1, max_size=3))
def test_what_is_held_attempt_by_attempt_covers_every_way_the_calls_can_go(
    i: Decimal, o: Decimal, c: Decimal, read: int, wrote: list[int]
) -> None:
    price = Price(i, o, c)
    held = sum(price.cost(read, max(wrote)) for _ in wrote)
    assert price.cost(read * len(wrote), sum(wrote), len(wrote)) <= held


@pytest.mark.parametrize("options", [{}, {"input": "1"}, {"output": "1"}])
def test_a_price_that_is_not_stated_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(PriceUnknown, match="not stated; add input="):
        stated_price(options, "gpt")


def test_zero_is_a_statement() -> None:
    assert stated_price({"input": "0", "output": "0"}, "gpt").free
    assert not stated_price({"call": "0.01"}, "gpt").free


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "1e30", "cheap", ""])
def test_a_price_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(Misconfigured):
        stated_price({"input": amount, "output": "1"}, "gpt")
