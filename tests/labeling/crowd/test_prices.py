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


@given(AMOUNT, AMOUNT, AMOUNT, TOKENS, TOKENS, st.integers(1, 5))
def test_a_cost_is_the_exact_one_rounded_up(
    i: Decimal, o: Decimal, c: Decimal, read: int, wrote: int, calls: int
) -> None:
    exact = Fraction(i) * read + Fraction(o) * wrote + Fraction(c) * calls * 1_000_000
    assert 0 <= Price(i, o, c).cost(read, wrote, calls) - exact < 1


@given(AMOUNT, AMOUNT, AMOUNT, TOKENS, st.integers(1, 10**5), st.integers(1, 3), st.data())
def test_a_reservation_covers_every_way_the_call_can_go(
    i: Decimal, o: Decimal, c: Decimal, read: int, most: int, attempts: int, data: st.DataObject
) -> None:
    price = Price(i, o, c)
    made = data.draw(st.integers(1, attempts))
    wrote = data.draw(st.integers(0, most * made))
    assert price.cost(read * made, wrote, made) <= price.most_it_can_cost(read, most, attempts)


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
