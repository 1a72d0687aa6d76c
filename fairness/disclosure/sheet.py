"""The whole datasheet of a batch as plain values, from its rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairness.datasheet import (
    annotators,
    cooperation,
    events,
    fair,
    goodness,
    instances,
    instructions,
    labels_file,
    money,
    names,
    weighed,
    workers,
)
from fairness.datasheet.plain import Plain
from fairness.disclosure import asked, rubric
from labeling.checks import results
from labeling.models import Batch, Question

FORMAT = "concord-datasheet-1"


def sheet(batch: Batch, *, with_instances: bool = False) -> Plain:
    """Every section by name; the same rows give the same values.

    `with_instances`: the provenance of each single task as well, which may be large.
    """
    called, found = names.names_of(batch.project), asked.answers(batch.project)
    tasks = instances.tasks_of(batch)
    told: Plain = {
        "format": FORMAT,
        "dataset": instances.dataset(batch),
        "statements": {one.key: asked.said(found, one.key) for one in asked.QUESTIONS},
        "instances": instances.instances(batch),
        "instructions": instructions.instructions(batch),
        "annotators": annotators.annotators(batch, called),
        "questions": [_about(batch, one, called, tasks.get(one.pk, {})) for one in batch.project.questions.all()],
        "cooperation": cooperation.summary(batch),
        "events": events.events(batch, called),
        "money": money.money(batch),
        "reproduce": labels_file.reproduce(batch),
    }
    told["limits"] = limits(told)
    told["rubric"] = rubric.rubric(batch, told, found)
    if with_instances:
        told["provenance"] = list(cooperation.provenance(batch))
    return told


def _about(batch: Batch, question: Question, called: Mapping[int, str], tasks: Mapping[str, Any]) -> Plain:
    found = results.load(batch, question=question)
    right = goodness.right(found)
    return {
        **instructions.question(question),
        "tasks": tasks.get("tasks", 0),
        **{name: tasks.get(name, 0) for name in TASKS},
        "aggregation": weighed.aggregation(batch, question),
        "right": right,
        "cost": money.per_answer(batch, question, right),
        "calibration": goodness.calibrated(batch, question, found),
        "agreement": goodness.agreement(batch, question),
        "workers": workers.workers(batch, question, called),
        "certificates": weighed.certificates(batch, question, called),
        "fairness": fair.fair(batch, question),
        "labels_file": labels_file.labels_file(batch, question),
    }


TASKS = (*("settled", "open", "waiting", "not_asked", "known_from_the_file", "taught_from", "drawn_for_a_check"),)


def limits(told: Plain) -> list[str]:
    """What a reader should beware of, as the rows show it; a sentence each."""
    return [sentence for one in told["questions"] for sentence in _limits_of(one)] + _limits_of_all(told)


def _limits_of(one: Plain) -> list[str]:
    number, found = one["number"], []
    if one["open"] + one["waiting"]:
        found.append(
            f"Question {number}: {one['open'] + one['waiting']:,} of {one['tasks']:,} tasks have no settled answer."
        )
    if "value" not in one["right"]["share"]:
        why = one["right"]["share"]["insufficient_data"]
        found.append(f"Question {number}: nobody can tell how many answers are right ({why}).")
    if one["aggregation"]["rounds"] and not one["aggregation"]["calibrated"]:
        found.append(f"Question {number}: its beliefs are not calibrated on known answers.")
    lacking = [by["attribute"] for by in one["fairness"] if _lacks(by)]
    if lacking:
        found.append(f"Question {number}: groups by {', '.join(lacking)} cannot be compared for want of checks.")
    if not any(given["given"] for given in one["certificates"]):
        found.append(f"Question {number}: no certificate bounds the share of wrong answers.")
    return found


def _lacks(by: Plain) -> bool:
    return "insufficient_data" in by or "insufficient_data" in by["gaps"][0]["gap"]


def _limits_of_all(told: Plain) -> list[str]:
    found = []
    if told["events"]["accepted_below_the_line"]:
        count = told["events"]["accepted_below_the_line"]
        found.append(f"{count:,} answers were accepted although machines were less sure than the project asks.")
    if told["instances"]["rows_bad"]:
        found.append(f"{told['instances']['rows_bad']:,} rows could not be read and are left out.")
    if not told["instructions"]["kept"]:
        found.append("What annotators are told now was not kept as a version yet.")
    if told["statements"]["limits"]:
        found.append(told["statements"]["limits"])
    return found
