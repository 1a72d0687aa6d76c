"""A project without any label in its files, batch after batch: what people settle teaches the next batch's crowd.

`python -m tests.benchmarks.learning_from_people [--batches 5] [--size 500] [--right .9] [--people 1] [--seed 0]`
on the question types of trec_questions. People are right with the chance given, else wrong at random. For each batch:
the crowd's labels before anybody answers, against the truth; what was known; how many texts went to people.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

from tests.faults.scratch import scratch_database

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "items" / "trec_questions.jsonl"


def main() -> None:
    asked = argparse.ArgumentParser()
    for name, kind, usual in (
        ("batches", int, 5), ("size", int, 500), ("right", float, 0.9), ("people", int, 1), ("seed", int, 0),
    ):  # fmt: skip
        asked.add_argument(f"--{name}", type=kind, default=usual)
    asked.add_argument("--crowd", default="", help="specialists, comma between; by default the embedded crowd")
    wanted = asked.parse_args()
    with scratch_database():
        run(wanted)


def run(wanted: argparse.Namespace) -> None:
    from labeling.models import Project
    from labeling.people import recruiting

    chance = random.Random(wanted.seed)
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    chance.shuffle(rows)
    project = Project.objects.create(name="Questions", slug="questions", people_per_task=wanted.people)
    members(project, sorted({row["gold"] for row in rows}))
    recruiting.add_models(project, [name for name in wanted.crowd.split(",") if name] or recruiting.embedded_crowd(1))
    print(
        f"{'batch':>5} {'known':>6} {'voted':>6} {'crowd':>6} {'to people':>9} {'labels':>7} {'CPU s':>6}", flush=True
    )
    for number in range(wanted.batches):
        part = rows[number * wanted.size : (number + 1) * wanted.size]
        one_batch(project, number, part, wanted.right, chance)


def members(project: Any, labels: list[str]) -> None:
    from django.contrib.auth.models import User

    from labeling.models import Label, Membership

    for place, name in enumerate(labels):
        Label.objects.create(project=project, position=place, name=name)
    for name in ("ann", "bob", "cleo", "max"):
        user = User.objects.create_user(name)
        role = "manager" if name == "max" else "annotator"
        Membership.objects.create(project=project, user=user, role=role)


def one_batch(project: Any, number: int, part: list[dict[str, str]], right: float, chance: random.Random) -> None:
    from labeling.models import Belief, Decision, Vote

    started = time.process_time()
    truth = {row["id"]: row["gold"] for row in part}
    batch = opened(project, number, part)
    work(batch)
    believed = dict(Belief.objects.filter(task__batch=batch).values_list("task__external_id", "label__name"))
    voted = Vote.objects.filter(task__batch=batch).exists()
    crowd = sum(believed.get(name) == label for name, label in truth.items()) / len(truth) if voted else 0.0
    known = batch.rounds.first().parameters.get("known", 0)
    answered = answer_all(project, batch, truth, right, chance)
    final = dict(Decision.objects.current().filter(task__batch=batch).values_list("task__external_id", "label__name"))
    share = sum(final.get(name) == label for name, label in truth.items()) / len(truth)
    seconds = time.process_time() - started
    told = f"{number + 1:>5} {known:>6} {voted!s:>6} {crowd:>6.3f} {answered:>9} {share:>7.3f} {seconds:>6.1f}"
    print(told, flush=True)


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


def answer_all(project: Any, batch: Any, truth: dict[str, str], right: float, chance: random.Random) -> int:
    """Three people answer what they are handed until nothing is left; returns the number of answers."""
    import uuid

    from django.contrib.auth.models import User

    from labeling.models import Annotator
    from reviewers.queue import answering, claiming

    labels = {label.name: label for label in project.label_list()}
    people = [Annotator.of(project, User.objects.get(username=name), "person") for name in ("ann", "bob", "cleo")]
    answers, idle = 0, 0
    while idle < len(people):
        held = claiming.claim(people[(answers + idle) % len(people)])
        if held is None:
            idle += 1
            continue
        idle = 0
        true = truth[held.escalation.task.external_id]
        said = true if chance.random() < right else chance.choice([name for name in labels if name != true])
        answering.submit(held, labels[said], uuid.uuid4(), seconds=5)
        answers += 1
        if answers % 50 == 0:
            work(batch)
    work(batch)
    return answers


if __name__ == "__main__":
    main()
