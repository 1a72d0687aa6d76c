"""The lines of LMCrowd's figures 3, 4 and 5: accuracy against budget, one way of spending for each line.

Source: Zhang et al., Efficient Data Labeling by Hierarchical Crowdsourcing with Large Language Models, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence

from labeling.routing.simulation import Way

AGGREGATORS = ("bwa", "crh", "dawid_skene", "ebcc", "glad", "ibcc", "majority_vote", "zencrowd")
"""The paper's eight, in its order: BWA, CRH, DS, EBCC, GLAD, BCC, MV, ZC."""
SIZES = {3: (1, 2, 4, 8, 16), 4: (2,), 5: (2, 3, 4)}
"""Tasks of one round; the text of the paper names those of figures 4 and 5."""
TITLES = {
    3: "Accuracy by budget and size of the rounds, Approx (LMCrowd, figure 3)",
    4: "Accuracy by budget and aggregator, Approx with rounds of {k} (LMCrowd, figure 4)",
    5: "Accuracy by budget, task selector and size of the rounds (LMCrowd, figure 5)",
}


def lines(figure: int, sizes: Sequence[int] = ()) -> list[tuple[str, Way]]:
    """The name of each line of figure 3, 4 or 5, and how its money is spent.

    `sizes`: tasks of one round, by default as in `SIZES`; figure 4 takes one.
    """
    ks = tuple(sizes) or SIZES[figure]
    if figure == 3:
        return [(f"k = {k}", Way.named("approx", k=k)) for k in ks]
    if figure == 4:
        return [(name, Way.named("approx", aggregator=name, k=ks[0])) for name in AGGREGATORS]
    selectors = ("exact", "approx", "random")
    return [(f"{router}, k = {k}", Way.named(router, weighing="paper", k=k)) for k in ks for router in selectors]
