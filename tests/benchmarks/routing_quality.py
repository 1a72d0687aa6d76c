"""`python -m tests.benchmarks.routing_quality`: how good is what the routers buy, on the sets with recorded votes?

Each router replays the sets of `simulate_sets.json` by `manage.py simulate` with its defaults: 100 known labels, five
repeats. A row is a set, a column the area: the mean accuracy over the budgets 0, 5, 10, 20, 30, 50 and 100% of the
price of asking the paid model about everything. `value+text` also reads the texts; `paid` is the paid model on
everything. The last lines give processor seconds, and the share of the tasks that each router would ask about at most.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from io import StringIO
from pathlib import Path
from typing import Any

import django

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

COLUMNS = ("random", "lmcrowd", "exact", "chain", "entropy", "value", "value+text")


def simulate(name: str, router: str, crowd: list[str], paid: str, repeats: int) -> dict[str, Any]:
    """What `manage.py simulate` reports, and its processor seconds."""
    from django.core.management import call_command

    folder: Path = DATA / "llm_votes" / name
    arguments = [str(folder / "votes.csv"), "--gold", str(folder / "gold.csv"), "--paid", paid]
    arguments += ["--crowd", ",".join(crowd), "--router", router.split("+")[0], "--repeats", str(repeats), "--json"]
    if router.endswith("+text"):
        arguments += ["--items", str(folder / "items.jsonl")]
    out, began = StringIO(), time.process_time()
    call_command("simulate", *arguments, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue()) | {"cpu_seconds": time.process_time() - began}


def line(name: str, values: list[float]) -> str:
    return f"{name:<26}" + "".join(f"{value:>12.4f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--routers", default=",".join(COLUMNS))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    sets: dict[str, Any] = json.loads((DATA / "simulate_sets.json").read_text(encoding="utf-8"))
    routers = options.routers.split(",")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    found: dict[str, dict[str, Any]] = {}
    if not options.json:
        print(f"{'':<26}" + "".join(f"{name:>12}" for name in [*routers, "paid"]))
    for name, who in sets.items():
        found[name] = {router: simulate(name, router, who["crowd"], who["paid"], options.repeats) for router in routers}
        if not options.json:
            rows = found[name].values()
            print(line(name, [row["area"] for row in rows] + [next(iter(rows))["paid_accuracy"]]), flush=True)
    mean = {router: sum(found[name][router]["area"] for name in sets) / len(sets) for router in routers}
    seconds = {router: sum(found[name][router]["cpu_seconds"] for name in sets) for router in routers}
    if options.json:
        print(json.dumps({"area": mean, "cpu_seconds": seconds, "sets": found}))
        return
    paid = sum(found[name][routers[0]]["paid_accuracy"] for name in sets) / len(sets)
    print(line("mean", [*mean.values(), paid]))
    print(line("processor seconds", list(seconds.values())))
    for router in routers:
        wanted = [row[router]["curve"][-1]["calls"] / row[router]["tasks"] for row in found.values()]
        print(f"{router}: asks about {min(wanted):.0%} to {max(wanted):.0%} of the tasks when money is no object")


if __name__ == "__main__":
    main()
