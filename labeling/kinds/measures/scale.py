"""A place on an ordered scale: how far off answers are."""

from __future__ import annotations

from labeling.kinds.measures.base import AC1, FLEISS, RAW, InOnePart, Told


class OfPlaces(InOnePart):
    """Distances, and agreement that counts near steps as nearly right."""

    noun = "answer"
    part = "step"
    right_where = "its step is the right one"
    scores: tuple[Told, ...] = (
        Told("mae", "Mean absolute error", "plain", "how far off on the mean, in the scale’s own units", more=False),
        Told("quadratic_kappa", "Quadratic κ", "plain", "agreement beyond chance, large errors counting more"),
        Told("spearman", "Spearman’s ρ", "plain", "whether the order is right"),
        Told("accuracy", "Right step", "percent", "the nearest step is the right one"),
    )
    coefficients: tuple[Told, ...] = (
        RAW,
        Told("krippendorff_alpha_interval", "α, interval", "plain", "beyond chance, by squared distance"),
        Told("krippendorff_alpha_ordinal", "α, ordinal", "plain", "beyond chance, by rank"),
        Told("krippendorff_alpha_nominal", "α, nominal", "plain", "beyond chance, as if steps had no order"),
        AC1,
        FLEISS,
    )
    pair = Told("kappa", "Quadratic κ", "plain", "agreement beyond chance, large differences counting more")


MEASURES = OfPlaces()
