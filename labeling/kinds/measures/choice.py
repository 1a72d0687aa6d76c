"""One label out of several: an answer is right or wrong, and nothing beside."""

from __future__ import annotations

from labeling.kinds.measures.base import AC1, ALPHA, FLEISS, RAW, InOnePart, Told


class OfOneLabel(InOnePart):
    """The share of right labels is all there is to say."""

    noun = "label"
    part = "label"
    right_where = "it is the right label"
    scores: tuple[Told, ...] = (Told("accuracy", "Accuracy", "percent", "the label is right"),)
    coefficients: tuple[Told, ...] = (RAW, ALPHA, AC1, FLEISS)
    pair = Told("kappa", "Cohen’s κ", "plain", "agreement beyond chance")


MEASURES = OfOneLabel()
