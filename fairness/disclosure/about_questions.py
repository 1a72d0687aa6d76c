"""The section of one question: labels, weighing, how right and how fair its answers are, who errs where."""

from __future__ import annotations

from typing import Any

from fairness.datasheet.plain import LACKING, Plain
from fairness.disclosure.document import DOLLARS, PLAIN, Section, Words, facts, money, table, told, words

MOST_CELLS = 3
TOLD = ("known", "known_from", "up_to_vote")
"""Parameters of a round that are read; all of them stand in the JSON sheet."""
Blocks = list[Any]


def section(one: Plain, of: int) -> Section:
    """Everything about one question."""
    heading = f"Question {one['number']}: {one['wording']}" if of > 1 else f"The question: {one['wording']}"
    blocks = [
        *_asked(one),
        *_right(one),
        *_weighed(one),
        *_certified(one),
        *_workers(one),
        *_agreement(one),
        *_fair(one),
    ]
    return Section(f"question-{one['number']}", heading, tuple(blocks))


def _asked(one: Plain) -> Blocks:
    rows = [(label["name"], label["meaning"]) for label in one["labels"]]
    after = one["asked_only_after"]
    kept = [
        ("Kind of answer", one["kind"]),
        ("Asked only after", f"question {after['question']} was answered {after['answer']}" if after else None),
        ("Tasks", one["tasks"]),
        ("settled, open, waiting, not asked", [one[name] for name in ("settled", "open", "waiting", "not_asked")]),
        ("Known from the file", one["known_from_the_file"]),
        ("of them teach the methods", one["taught_from"]),
        ("Drawn for a check", one["drawn_for_a_check"]),
    ]
    return [
        facts(kept),
        *table("Labels", ("Label", "Meaning"), rows),
        *([Words(one["guidelines"])] if one["guidelines"] else []),
    ]


def _right(one: Plain) -> Blocks:
    found, cost = one["right"], one["cost"]
    kept = [
        ("Right", told(found["share"])),
        ("Settled answers", found["settled"]),
        ("Checks", found["checks"]),
        ("Spent", money(cost["spent_usd"])),
        (
            "for each settled answer",
            told({"value": cost["per_settled_usd"]}, DOLLARS) if "per_settled_usd" in cost else None,
        ),
        ("for each right answer", told(cost.get("per_right_usd"), DOLLARS) if "per_right_usd" in cost else None),
    ]
    common = found["always_the_commonest"]
    if common:
        kept.append(("Always saying the commonest", f"{common['answer']}: {told({'value': common['share']})}"))
    rows = [(by, row["settled"], told(row["share"])) for by, row in found["by_who_settled"].items()]
    return [
        facts(kept),
        *table("By who settled", ("By", "Settled", "Right"), rows, [1, 2]),
        *_calibration(one["calibration"]),
    ]


def _calibration(found: Plain) -> Blocks:
    if LACKING in found:
        return [Words(f"Calibration: insufficient data: {found[LACKING]}.")]
    rows = [
        (f"{when}: {name.replace('_', ' ')}", _error(told_of))
        for when in ("before", "after")
        for name, told_of in found.get(when, {}).items()
        if name != LACKING
    ]
    flat = [(name, *errors) for name, errors in rows]
    title = f"Calibration, on {found['checks']:,} checks"
    return table(title, ("Belief", "Expected calibration error", "Brier score"), flat, [1, 2])


def _error(found: Plain) -> tuple[str, str]:
    return f"{100 * found['expected_calibration_error']:.1f}%", f"{found['brier']:.3f}"


def _weighed(one: Plain) -> Blocks:
    found = one["aggregation"]
    if not found["rounds"]:
        return [Words("No round has weighed its votes.")]
    return [
        facts(
            [
                ("Aggregator", found["method"]),
                ("which settled on", found["chosen"]),
                ("Router", found["router"]),
                ("Rounds", found["rounds"]),
                ("Seed", str(found["seed"])),
                ("Calibrated on known answers", found["calibrated"]),
                (
                    "Two methods differ on",
                    told({"value": found["methods_disagree_on"]}) if found["methods_disagree_on"] is not None else None,
                ),
                (
                    "Parameters",
                    words({name: found["parameters"][name] for name in TOLD if name in found["parameters"]}),
                ),
            ]
        )
    ]


def _certified(one: Plain) -> Blocks:
    rows = [
        (
            f"{row['number']}{'' if row['given'] else ', refused'}",
            told({"value": row["alpha"]}),
            told({"value": row["delta"]}),
            row["m"],
            row["x"],
            told({"value": row["bound"]} if row["bound"] is not None else None),
            f"{row['released']:,} of {row['total']:,}",
            [who["name"] for who in row["relative_to"]] or "the file",
        )
        for row in one["certificates"]
    ]
    head = ("Certificate", "α", "δ", "m", "x", "Bound", "Released", "Relative to")
    return table("Certificates", head, rows, [1, 2, 3, 4, 5, 6]) or [Words("No certificate was asked for.")]


def _workers(one: Plain) -> Blocks:
    rows = [(row["name"], row["known"], told(row["share_right"]), _worst(row)) for row in one["workers"]]
    head = ("Who", "Known tasks", "Right", "Most frequent mistakes, of how many")
    return table("Annotators against known answers", head, rows, [1, 2])


def _worst(row: Plain) -> str:
    """The most frequent wrong cells; all of them stand in the JSON sheet."""
    if "parts" in row:
        missed = sorted(row["parts"], key=lambda one: one["found"] - one["of"])[:MOST_CELLS]
        return "; ".join(f"{one['part']} found {told(one['rate_found'])}" for one in missed if one["of"]) or "–"
    wrong = [one for one in row["confusion"] if one["truth"] != one["said"]]
    first = sorted(wrong, key=lambda one: -one["count"])[:MOST_CELLS]
    return (
        "; ".join(f"{one['truth']} called {one['said']} {told(one['rate'])} of {one['of']}" for one in first) or "none"
    )


def _agreement(one: Plain) -> Blocks:
    found = one["agreement"]
    if LACKING in found:
        return [Words(f"Agreement: insufficient data: {found[LACKING]}.")]
    rows = [(row["name"], told(row["people"], PLAIN), told(row["models"], PLAIN)) for row in found["measures"]]
    title = f"Agreement; people share {found['tasks_people_share']:,} tasks, models {found['tasks_models_share']:,}"
    return table(title, ("Measure", "People", "Models"), rows, [1, 2])


def _fair(one: Plain) -> Blocks:
    return [block for by in one["fairness"] for block in _by(by)]


def _by(found: Plain) -> Blocks:
    if LACKING in found:
        return [Words(f"Groups by {found['attribute']}: insufficient data: {found[LACKING]}.")]
    rows = [(row["group"], row["settled"], row["checked"], told(row["share_right"])) for row in found["groups"]]
    gaps = [
        (
            row["measure"],
            told(row["gap"]),
            row["label"],
            row["verdict"] or "–",
            told({"value": row.get("by_chance")}) if row.get("by_chance") is not None else "–",
        )
        for row in found["gaps"]
    ]
    return [
        *table(f"Groups by {found['attribute']}", ("Group", "Settled", "Checked", "Right"), rows, [1, 2, 3]),
        *table(
            f"Gaps by {found['attribute']}", ("Measure", "Gap", "Label", "Verdict", "By chance alone"), gaps, [1, 4]
        ),
    ]
