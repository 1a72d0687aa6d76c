"""Keys as addresses and forms give them."""

from __future__ import annotations


def whole(text: str) -> int | None:
    """A whole number as an address or a form gives it, or None; never one too large for the database."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
