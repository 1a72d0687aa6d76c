"""What a model costs: exact arithmetic in whole micro-dollars, always rounded up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation, localcontext

from labeling.crowd.errors import Misconfigured, PriceUnknown

MICRO = 1_000_000
LIKELY_WRITTEN = 20.0
"""Tokens of an answer, until answers tell."""
DEAREST = Decimal(1_000_000)
"""No stated price may pass a million dollars: a larger one is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million input tokens, per million output tokens, per call, and per image that goes along.

    Raises Misconfigured below zero.
    """

    input_per_million: Decimal = Decimal(0)
    output_per_million: Decimal = Decimal(0)
    per_call: Decimal = Decimal(0)
    per_image: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for amount in (self.input_per_million, self.output_per_million, self.per_call, self.per_image):
            if not amount.is_finite() or not 0 <= amount <= DEAREST:
                raise Misconfigured(f"A price must lie between 0 and {DEAREST} US dollars, but one is {amount}.")

    @property
    def free(self) -> bool:
        """Nothing costs anything."""
        return not (self.input_per_million or self.output_per_million or self.per_call or self.per_image)

    def cost(self, input_tokens: int, output_tokens: int, calls: int = 1, images: int = 0) -> int:
        """Micro-dollars for `calls` calls that used so many tokens and images together, rounded up once.

        A dollar per million tokens is a micro-dollar per token.
        """
        with localcontext() as exact:
            exact.prec = 60
            tokens = self.input_per_million * input_tokens + self.output_per_million * output_tokens
            pieces = (self.per_call * calls + self.per_image * images) * MICRO
            return int((tokens + pieces).to_integral_value(rounding=ROUND_CEILING))


def shares(amount: int, count: int) -> list[int]:
    """An amount in so many whole shares that sum to it, as even as can be, the larger ones first.

    No share of a smaller amount is larger than the same share of a larger one.

    >>> shares(11, 3), shares(2, 3)
    ([4, 4, 3], [1, 1, 0])
    """
    return [(amount + count - 1 - place) // count for place in range(count)]


def stated_price(options: Mapping[str, str], name: str) -> Price:
    """The price in `options`: `input` and `output` in US dollars per million tokens, or `call` in US dollars.

    `image`: beside them, US dollars for each image. Raises PriceUnknown where neither is stated (zero is a statement),
    Misconfigured where one is no number.
    """
    if not ({"input", "output"} <= options.keys() or "call" in options):
        raise PriceUnknown(
            f"The price of {name} is not stated; add input= and output= in US dollars per million tokens "
            "(or call= per call), 0 if it is free."
        )
    return Price(*(_amount(options.get(key, "0"), key, name) for key in ("input", "output", "call", "image")))


def _amount(text: str, key: str, name: str) -> Decimal:
    try:
        return Decimal(str(text))
    except InvalidOperation as error:
        raise Misconfigured(
            f"{key}={text} of {name} is no number; state US dollars, for example {key}=0.15."
        ) from error
