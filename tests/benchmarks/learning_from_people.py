"""A project without any label in its files, batch after batch: what people settle teaches the next batch's crowd.

`python -m tests.benchmarks.learning_from_people [--items trec_questions] [--batches 5] [--size 500] [--right .9]
[--people 1] [--seeds 0,1,2]`. The project's settings are the product's; the crowd is the embedded one. Three people
answer whatever they are handed, right with the chance given, else wrong at random, and there is no expert. Each answer
takes them some seconds, so that the crowd has always rested before it is weighed again: here answers take no time, and
the rest between two weighings is left out instead. For each batch: how many labels were known before it; what share of
its tasks the crowd labels rightly before anybody answers (texts that came in before are no tasks); how many answers
people gave; how many tasks are settled in the end, and what share of those rightly; processor seconds. The last lines
are means over the seeds.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.scratch import scratch_database

ITEMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "items"
HEAD = f"{'batch':>5} {'known':>6} {'crowd':>6} {'answers':>7} {'settled':>7} {'right':>6} {'CPU s':>6}"


@dataclass
class World:
    """One run. `truth`: label by name of the text; `chance`: of everything that is drawn."""

    project: Any
    rows: list[dict[str, str]]
    right: float
    chance: random.Random

    @cached_property
    def truth(self) -> dict[str, str]:
        return {str(row["id"]): row["gold"] for row in self.rows}


def main() -> None:
    asked = argparse.ArgumentParser()
    for name, kind, usual in (("batches", int, 5), ("size", int, 500), ("right", float, 0.9), ("people", int, 1)):
        asked.add_argument(f"--{name}", type=kind, default=usual)
    asked.add_argument("--items", default="trec_questions", help="name of a file of items with one text each")
    asked.add_argument("--seeds", default="0,1,2")
    asked.add_argument("--crowd", default="", help="specialists, comma between; by default the embedded crowd")
    wanted = asked.parse_args()
    found = []
    with scratch_database():
        from labeling.rounds import reviewing

        reviewing.REST = 0
        for seed in map(int, wanted.seeds.split(",")):
            print(f"seed {seed}\n{HEAD}", flush=True)
            found.append(run(wanted, seed))
    print(f"mean\n{HEAD}")
    for number, row in enumerate(np.mean(found, axis=0)):
        print(line(number, row))


def run(wanted: argparse.Namespace, seed: int) -> list[list[float]]:
    """A row of figures for each batch, printed as soon as it is there."""
    from labeling.models import Project
    from labeling.people import recruiting

    chance = random.Random(seed)
    rows = [json.loads(line) for line in (ITEMS / f"{wanted.items}.jsonl").read_text(encoding="utf-8").splitlines()]
    chance.shuffle(rows)
    project = Project.objects.create(name=f"Items {seed}", slug=f"items-{seed}", people_per_task=wanted.people)
    members(project, sorted({row["gold"] for row in rows}))
    recruiting.add_models(project, [name for name in wanted.crowd.split(",") if name] or recruiting.embedded_crowd(1))
    world, figures = World(project, rows, wanted.right, chance), []
    for number in range(wanted.batches):
        figures.append(one_batch(world, number, rows[number * wanted.size : (number + 1) * wanted.size]))
        print(line(number, figures[-1]), flush=True)
    return figures


def line(number: int, row: Any) -> str:
    known, crowd, answers, settled, right, seconds = row
    return f"{number + 1:>5} {known:>6.0f} {crowd:>6.3f} {answers:>7.0f} {settled:>7.0f} {right:>6.3f} {seconds:>6.1f}"


def members(project: Any, labels: list[str]) -> None:
    from django.contrib.auth.models import User

    from labeling.models import Label, Membership

    for place, name in enumerate(labels):
        Label.objects.create(question=project.first_question, position=place, name=name)
    for name in ("ann", "bob", "cleo", "max"):
        user, _ = User.objects.get_or_create(username=name)
        role = "manager" if name == "max" else "annotator"
        Membership.objects.create(project=project, user=user, role=role)


def one_batch(world: World, number: int, part: list[dict[str, str]]) -> list[float]:
    from labeling.models import Belief, Decision, Vote

    started = time.process_time()
    batch = opened(world.project, number, part)
    work(batch)
    truth = {name: world.truth[name] for name in batch.tasks.values_list("instance__external_id", flat=True)}
    believed = dict(Belief.objects.filter(task__batch=batch).values_list("task__instance__external_id", "label__name"))
    voted = Vote.objects.filter(task__batch=batch).exists()
    crowd = sum(believed.get(name) == label for name, label in truth.items()) / len(truth) if voted else 0.0
    known = batch.rounds.first().parameters.get("known", 0)
    answered = answer_all(world, batch)
    final = dict(
        Decision.objects.current().filter(task__batch=batch).values_list("task__instance__external_id", "label__name")
    )
    right = sum(truth[name] == label for name, label in final.items()) / max(len(final), 1)
    return [known, crowd, answered, len(final), right, time.process_time() - started]


def opened(project: Any, number: int, part: list[dict[str, str]]) -> Any:
    import tempfile

    from labeling.files import imports
    from labeling.files.guesses import fields_for
    from labeling.money import ledger

    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as file:
        file.writelines(json.dumps({"id": row["id"], "text": row["text"]}) + "\n" for row in part)
    fields = fields_for(file.name, ["text"], "", "", "id")
    batch = imports.open_batch(project, file.name, fields, name=f"batch {number + 1}", seed=number)
    ledger.open_purse(batch, 0)
    return batch


def work(batch: Any) -> None:
    from labeling.rounds import story

    while story.advance(batch.pk):
        pass
    batch.refresh_from_db()
    assert not batch.error, batch.error


def answer_all(world: World, batch: Any) -> int:
    """Three people answer what they are handed until nothing is left; returns the number of answers.

    Checks of earlier batches are among it.
    """
    import uuid

    from django.contrib.auth.models import User

    from labeling.models import Annotator
    from reviewers.queue import answering, claiming

    labels, truth, chance = {label.name: label for label in world.project.label_list()}, world.truth, world.chance
    users = [User.objects.get(username=name) for name in ("ann", "bob", "cleo")]
    people = [Annotator.of(world.project, user, "person") for user in users]
    answers, weighed, idle = 0, 0, 0
    while True:
        held = claiming.claim(people[(answers + idle) % len(people)])
        if held is not None:
            idle = 0
            true = truth[held.escalation.task.external_id]
            said = true if chance.random() < world.right else chance.choice([name for name in labels if name != true])
            answering.submit(held, labels[said], uuid.uuid4(), seconds=5)
            answers += 1
        else:
            idle += 1
        if (answers - weighed >= 50 or idle == len(people)) and answers > weighed:
            a_minute_passes(batch)
            work(batch)
            weighed, idle = answers, 0
        elif idle == len(people):
            return answers


def a_minute_passes(batch: Any) -> None:
    """Whatever few answers there are have waited long enough to be weighed."""
    from datetime import timedelta

    from django.db.models import F

    from labeling.models import Escalation
    from labeling.rounds import reviewing

    minute = reviewing.PATIENCE + timedelta(seconds=5)
    Escalation.objects.in_batch(batch.pk).filter(state="answered").update(closed_at=F("closed_at") - minute)
    batch.rounds.exclude(finished_at=None).update(
        started_at=F("started_at") - minute, finished_at=F("finished_at") - minute
    )


if __name__ == "__main__":
    main()
