"""Sets of other people, where they are present: the figures of their papers and of plain references."""

from pathlib import Path
from typing import Any

import pytest

from tests.commands import Shell
from tests.conftest import SHARED

KINDS = SHARED / "kinds"
pytestmark = pytest.mark.skipif(not KINDS.exists(), reason="the data sets are not on this machine")
AGGREGATE, AGREEMENT = Shell("aggregate"), Shell("agreement")


def of(name: str, *options: object, votes: str = "votes.csv", gold: str | None = "gold.csv") -> dict[str, Any]:
    folder: Path = KINDS / name
    scored = ("--gold", folder / gold) if gold else ()
    return AGGREGATE.run_json(folder / votes, *scored, *options)


@pytest.mark.slow
def test_celeba_has_the_papers_figures():
    found = AGREEMENT.run_json(KINDS / "celeba_vlm" / "votes.csv", "--kind", "choices")
    pairs = {frozenset((pair["a"], pair["b"])): pair["raw"] for pair in found["pairs"]}
    assert pairs[frozenset(("llava_next", "celeba_human"))] == pytest.approx(0.795175, abs=1e-9)
    assert found["krippendorff_alpha_by_label"]["value"] == pytest.approx(0.568, abs=5e-4)
    after = of("celeba_vlm", "--kind", "choices", "--method", "majority_vote")["annotators_against_answers"]
    assert after["llava_next"]["label_accuracy"] == pytest.approx(0.89115, abs=1e-9)
    assert after["celeba_human"]["label_accuracy"] == pytest.approx(0.904025, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("celeba_vlm", {}),
        ("red_v2", {}),
        ("people_at_work", {"votes": "votes_choices_simulated.csv", "gold": "gold_choices.csv"}),
    ],
)
def test_labels_are_inferred_at_least_as_well_as_by_majority(name: str, files: dict[str, str]):
    found = of(name, "--kind", "choices", **files)
    assert found["micro_f1"] >= found["baselines"]["majority_vote"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "alpha", "masi"), [("red_v2", 0.459, 0.398), ("convabuse_types", 0.451, 0.576)])
def test_agreement_on_sets_is_that_of_the_references(name: str, alpha: float, masi: float):
    found = AGREEMENT.run_json(KINDS / name / "votes.csv", "--kind", "choices")
    assert found["krippendorff_alpha_by_label"]["value"] == pytest.approx(alpha, abs=5e-4)
    assert found["krippendorff_alpha_masi"]["value"] == pytest.approx(masi, abs=5e-4)
