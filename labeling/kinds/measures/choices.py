"""Any number of labels: how right sets are, and each label."""

from __future__ import annotations

from typing import Any

import numpy as np

from labeling.kinds.base import Answers, Space
from labeling.kinds.measures.base import AC1, ALPHA, FLEISS, PartScore, Told, binary
from labeling.truth.blocks import YES


class OfSets:
    """Whole sets, and every label as a yes or a no."""

    noun = "answer"
    part = "label"
    right_where = "every label that belongs is chosen, and no other"
    scores: tuple[Told, ...] = (
        Told("micro_f1", "Micro F1", "percent", "labels chosen against labels that belong, all of them together"),
        Told("macro_f1", "Macro F1", "percent", "the mean of the F1 of each label, rare ones counting as much"),
        Told("exact_match", "Exact match", "percent", "the whole set is right"),
        Told("hamming", "Hamming loss", "percent", "labels that are wrong, chosen or left out", more=False),
    )
    coefficients: tuple[Told, ...] = (
        Told("raw_agreement", "Raw agreement", "percent", "two answers say the same of a label"),
        Told("krippendorff_alpha_masi", "α with MASI", "plain", "whole sets beyond chance, near ones counting in part"),
        Told("krippendorff_alpha_by_label", "α by label", "plain", "the mean of each label’s agreement beyond chance"),
        Told(ALPHA.key, ALPHA.name, "plain", "all labels as yes or no, beyond chance"),
        AC1,
        FLEISS,
    )
    pair = Told("kappa", "κ over all labels", "plain", "labels as yes or no, beyond chance")

    def by_part(self, answers: Answers, gold: Answers, space: Space) -> tuple[PartScore, ...]:
        """Each label as a yes or a no."""
        return binary(space.labels, np.asarray(answers) == YES, np.asarray(gold) == YES)

    def stretches(self, answer: Any, space: Space) -> tuple[tuple[int, int, str], ...]:
        """None: a set of labels lies in no text."""
        return ()

    def holding(self, place: int) -> str:
        """The place in the list of chosen labels, whether or not all were asked about."""
        return rf'(^|"yes": ?)\[([0-9, ]*[, ])?{place}[],]'

    def chances(self, marks: Any, chances: list[float], space: Space, text: str) -> list[tuple[str, float]]:
        """Of yes to each label."""
        return list(zip(space.labels, chances, strict=False))


MEASURES = OfSets()
