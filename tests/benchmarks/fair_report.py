"""What the fairness of a large batch costs: read for the first time, told, and brought up to date after new labels.

`python -m tests.benchmarks.fair_report [--tasks 1000000] [--groups 8] [--labels 6] [--new 1000] [--times 5]`
CPU seconds of this process, on a scratch database: reading every settled label with its check, telling the report of
groups from it, then the same after so many labels changed.

Measured with 1,000,000 tasks on SQLite, on two busy cores: read for the first time 8.1, the report .22 (.85 the first
time in a process); after 1,000 new labels read in .16 to .19, and the report .22 to .32 again.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from tests.faults.scratch import scratch_database


def main() -> None:
    asked = argparse.ArgumentParser()
    for name, usual in (("tasks", 1_000_000), ("groups", 8), ("labels", 6), ("new", 1000), ("times", 5)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    wanted = asked.parse_args()
    with scratch_database():
        run(wanted)


def run(wanted: argparse.Namespace) -> None:
    from fairness import groups
    from labeling.checks import results

    batch = filled(wanted)
    found = timed("read for the first time", lambda: results.load(batch))
    timed("report, cold", lambda: groups.how_fair(found))
    timed("report", lambda: groups.how_fair(found))
    for number in range(wanted.times):
        change(batch, wanted, number)
        found = timed(f"read after {wanted.new:,} new labels", lambda: results.load(batch))
        timed("  and report", lambda: groups.how_fair(found))  # noqa: B023


def timed(what: str, do: Any) -> Any:
    started = time.process_time()
    found = do()
    print(f"{what}: {time.process_time() - started:.3f} CPU seconds", flush=True)
    return found


def filled(wanted: argparse.Namespace) -> Any:
    """A settled batch: nine of ten labels right, three of ten known from the file."""
    from labeling.models import Batch, Decision, Instance, Label, Project, Task
    from tests.rows import put_in

    rng, n = np.random.default_rng(0), wanted.tasks
    project = Project.objects.create(name="Large", slug="large")
    question = project.first_question
    for place in range(wanted.labels):
        Label.objects.create(question=question, position=place, name=f"label {place}")
    keys = [label.pk for label in question.label_list()]
    facts = {"name": "All", "stage": "reviewing", "attributes": ["district"], "rows_read": n, "rows_new": n}
    batch = Batch.objects.create(project=project, **facts)
    truth, group = rng.integers(0, wanted.labels, n), rng.integers(0, wanted.groups, n)
    label = np.where(rng.random(n) < 0.9, truth, rng.integers(0, wanted.labels, n))
    known = rng.random(n) < 0.3
    put_in(
        Instance(project=project, batch=batch, parts=[["Text", "A text."]]),
        ("position", "external_id", "digest", "groups"),
        ((at, f"T-{at}", f"t{at}", {"district": f"district {group[at]}"}) for at in range(n)),
    )
    first = batch.instances.order_by("pk").values_list("pk", flat=True)[0]
    put_in(
        Task(project=project, batch=batch, question=question, stage="decided"),
        ("instance_id", "position", "gold_id"),
        ((first + at, at, keys[truth[at]] if known[at] else None) for at in range(n)),
    )
    start = batch.tasks.order_by("pk").values_list("pk", flat=True)[0]
    put_in(
        Decision(decided_by="crowd", confidence=0.9, entropy=0.4),
        ("task_id", "label_id"),
        ((start + at, keys[label[at]]) for at in range(n)),
    )
    return batch


def change(batch: Any, wanted: argparse.Namespace, number: int) -> None:
    """So many labels are superseded by new ones."""
    from labeling.models import Label
    from labeling.rounds import decisions
    from labeling.rounds.decisions import Verdict

    rng = np.random.default_rng(number + 1)
    keys = list(Label.objects.order_by("position").values_list("pk", flat=True))
    start = batch.tasks.order_by("pk").values_list("pk", flat=True)[0]
    for at in rng.choice(wanted.tasks, wanted.new, replace=False).tolist():
        decisions.decide(Verdict(start + at, keys[int(rng.integers(len(keys)))], "person", 0.9, 0.1))
    time.sleep(6)  # rows of the last seconds are looked at twice


if __name__ == "__main__":
    main()
