"""The labels that an annotator is given, and what each one means."""

from __future__ import annotations

from dataclasses import dataclass, field

from labeling.crowd.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labels to choose from and what each one means.

    `descriptions`: one for each name, or empty. `fewest`: so many names there must be; to mark or to tick, one is
    enough. Raises Misconfigured where there are fewer, a name is blank, or two names differ only in case and spacing.
    """

    names: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    fewest: int = field(default=2, repr=False, compare=False)

    def __post_init__(self) -> None:
        folded = [" ".join(name.casefold().split()) for name in self.names]
        if len(folded) < min(self.fewest, 2):
            raise Misconfigured("A label set needs at least two labels; add another one.")
        if not all(folded):
            raise Misconfigured("A label has no name; give each label a name.")
        if len(set(folded)) < len(folded):
            double = next(name for name, key in zip(self.names, folded, strict=True) if folded.count(key) > 1)
            raise Misconfigured(f"Two labels are called {double!r}; give each label a name of its own.")
        if self.descriptions and len(self.descriptions) != len(self.names):
            raise Misconfigured(f"There are {len(self.names)} labels and {len(self.descriptions)} descriptions.")

    def __len__(self) -> int:
        return len(self.names)

    def described(self) -> list[str]:
        """Each label as `name: description`, or the bare name."""
        return [f"{name}: {told}" if told else name for name, told in zip(self.names, self._told(), strict=True)]

    def _told(self) -> tuple[str, ...]:
        return self.descriptions or ("",) * len(self.names)
