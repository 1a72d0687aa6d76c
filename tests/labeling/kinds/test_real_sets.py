"""Sets of other people, where they are present: the figures of their papers and of plain references."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import kinds_quality
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spearman", "error"), [("snow_valence", 0.864, 21.7), ("snow_wordsim", 0.9458, 0.886)]
)
def test_places_are_inferred_at_least_as_well_as_by_the_mean(name: str, spearman: float, error: float):
    found = of(name, "--kind", "scale")
    assert found["spearman"] >= spearman
    assert found["mae"] <= min(error, found["baselines"]["mean"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["popquorn_offensiveness", "convabuse_severity"])
def test_alpha_of_a_scale_is_that_of_another_library(name: str):
    krippendorff = pytest.importorskip("krippendorff")
    rows = [line.split(",") for line in (KINDS / name / "votes.csv").read_text().split()[1:]]
    tasks, workers = ({one: place for place, one in enumerate(sorted({row[at] for row in rows}))} for at in (0, 1))
    table = np.full((len(workers), len(tasks)), np.nan)
    for task, worker, value in rows:
        table[workers[worker], tasks[task]] = float(value)
    found = AGREEMENT.run_json(KINDS / name / "votes.csv", "--kind", "scale")
    for metric in ("interval", "ordinal"):
        expected = krippendorff.alpha(table, level_of_measurement=metric)
        assert found[f"krippendorff_alpha_{metric}"]["value"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_people_asked_again_show_how_far_they_can_be_relied_on():
    folder = KINDS / "convabuse_severity"
    found = AGREEMENT.run_json(folder / "votes.csv", "--kind", "scale", "--repeats", folder / "repeats.csv")["repeats"]
    assert found["mae"] == pytest.approx(0.115, abs=5e-4)
    assert found["quadratic_kappa"] == pytest.approx(0.906, abs=5e-4)


def of_spans(name: str, *options: object) -> dict[str, Any]:
    votes = "votes.jsonl" if (KINDS / name / "votes.jsonl").exists() else "votes.jsonl.gz"
    texts = "--items", KINDS / name / "items.jsonl"
    return of(name, "--kind", "spans", *texts, *options, votes=votes, gold="gold.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "figures"),
    [
        ("crowd_oei_dev", 0.56, {"exact_majority": 0.284, "half_by_character": 0.517, "best_single": 0.791}),
        ("ner_llm_biodiv", 0.43, {"exact_majority": 0.369, "best_single": 0.463}),
    ],
)
def test_stretches_are_inferred_better_than_by_plain_rules(name: str, least: float, figures: dict[str, float]):
    labels = json.loads((KINDS / name / "meta.json").read_text())["labels"]
    found = of_spans(name, "--labels", ",".join(labels))
    plain = found["baselines"]
    for rule, value in figures.items():
        assert plain[rule] == pytest.approx(value, abs=4e-3)
    rules = (plain["exact_majority"], plain["majority_by_character"], plain["token_dawid_skene"])
    assert found["span_f1"] >= max(least, *rules)


@pytest.mark.slow
def test_known_sentences_teach_which_stretches_are_right(tmp_path: Path):
    lines = (KINDS / "ner_llm_biodiv" / "gold.jsonl").read_text().splitlines()
    labels = json.loads((KINDS / "ner_llm_biodiv" / "meta.json").read_text())["labels"]
    scores = []
    for seed in range(5):
        drawn = np.random.default_rng(seed).choice(len(lines), 50, replace=False)
        path = tmp_path / f"known{seed}.jsonl"
        path.write_text("\n".join(lines[at] for at in drawn.tolist()))
        found = of_spans("ner_llm_biodiv", "--labels", ",".join(labels), "--validation", path)
        scores.append(found["span_f1"])
    assert np.mean(scores) >= 0.47


@pytest.mark.slow
def test_agreement_on_toxic_stretches_is_that_of_the_references():
    folder = KINDS / "toxic_spans"
    found = AGREEMENT.run_json(folder / "votes.jsonl", "--kind", "spans", "--items", folder / "items.jsonl")
    assert found["pairwise_span_f1"]["value"] == pytest.approx(0.275, abs=5e-3)
    assert 0.15 < found["token_kappa"]["value"] < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("known", [0, 60])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["celeba_vlm", "red_v2", "people_at_work"])
def test_correlation_never_costs_more_than_it_may(which: int, known: int):
    one = kinds_quality.read(*kinds_quality.SETS[which])
    assert kinds_quality.joint_gain(one, known) >= -0.002
