"""The web server is killed (kill -9) again and again while twenty people answer and retry: no vote lost, none twice.

    python tests/faults/server_killed.py [--people 20] [--tasks 200] [--kills 5] [--opinions 1] [--seed 0]

Prints one JSON line: `lost` answers that were acknowledged and are not stored, `duplicate` answers stored twice,
`surplus` answers acknowledged beyond one for each question. Some of what people settle is drawn for `checks`, each a
question of its own; `extra` opinions came after their card had passed on to somebody else.
DATABASE_URL names another server than SQLite, e.g. PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.crowded_room import Person, Server, count, furnish, let_in
from tests.faults.scratch import engine, scratch_database

MOST_SECONDS = 400


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("people", 20), ("tasks", 200), ("kills", 5), ("opinions", 1), ("seed", 0)):
        arguments.add_argument(f"--{name}", type=int, default=usual)
    chosen = arguments.parse_args()
    with scratch_database() as environment:
        found = run(chosen.people, chosen.tasks, chosen.kills, chosen.opinions, chosen.seed, environment)
        print(json.dumps({"fault": "server_killed", "engine": engine(), "seed": chosen.seed, **found}), flush=True)
    bad = ("lost", "duplicate", "surplus", "undecided", "faults_5xx")
    return 1 if any(found[name] for name in bad) or (chosen.kills and not found["kills"]) else 0


def run(people: int, tasks: int, kills: int, opinions: int, seed: int, environment: dict[str, str]) -> dict[str, Any]:
    """Let the room work, kill the server some times in between, count."""
    chance = random.Random(seed)
    cookies = furnish(people, tasks, opinions)
    server = Server(environment)
    server.start()
    room = [Person(server.port, cookie, random.Random(seed + n)) for n, cookie in enumerate(cookies)]
    began, killed, share = time.monotonic(), 0, 0.0
    threads = let_in(room, MOST_SECONDS)
    try:
        while any(thread.is_alive() for thread in threads):
            time.sleep(chance.uniform(0.01, 0.1))
            done = sum(len(one.acknowledged) for one in room) / tasks / opinions
            if killed < kills and done >= share + 1 / (kills + 2):
                server.kill()
                server.start()
                killed, share = killed + 1, done
    finally:
        server.kill()
    return {
        "people": people,
        "tasks": tasks,
        "opinions": opinions,
        "kills": killed,
        **count(room),
        "seconds": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
