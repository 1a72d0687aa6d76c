"""Which groups are languages: told by the name of the attribute, so that nothing heavy is loaded for it."""

from __future__ import annotations

LANGUAGES = frozenset({"language", "lang", "locale", "sprache", "langue", "idioma", "lingua"})


def is_language(attribute: str) -> bool:
    """Whether groups of this name are languages: a member that is good in one may be at a loss in another."""
    return attribute.strip().casefold() in LANGUAGES
