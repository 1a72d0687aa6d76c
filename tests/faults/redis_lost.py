"""Redis is killed for three seconds while people answer: voting goes on without a fault, and pushes come back.

    python tests/faults/redis_lost.py [--people 6] [--tasks 120] [--seconds 3] [--seed 0]      (needs redis-server)

Starts a Redis of its own. Prints one JSON line: `lost`, `duplicate`, `faults_5xx`, answers taken while Redis was away,
and how long after its return an open page was nudged again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.crowded_room import SLUG, Person, Server, count, free_port, furnish, let_in
from tests.faults.scratch import engine, scratch_database

MOST_SECONDS = 200


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("people", 6), ("tasks", 120), ("seconds", 3), ("seed", 0)):
        arguments.add_argument(f"--{name}", type=int, default=usual)
    chosen = arguments.parse_args()
    if not shutil.which("redis-server"):
        print(json.dumps({"fault": "redis_lost", "skipped": "no redis-server here: apt-get install redis-server"}))
        return 0
    with scratch_database() as environment:
        found = run(chosen.people, chosen.tasks, chosen.seconds, chosen.seed, environment)
        print(json.dumps({"fault": "redis_lost", "engine": engine(), "seed": chosen.seed, **found}), flush=True)
    bad = ("lost", "duplicate", "undecided", "faults_5xx")
    return 1 if any(found[name] for name in bad) or not found["answered_without"] or found["back_after"] is None else 0


class Redis:
    """A Redis of its own that may be killed and started again."""

    def __init__(self) -> None:
        self.port, self.folder = free_port(), tempfile.mkdtemp(prefix="concord-redis-")
        self.process: Any = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def run(people: int, tasks: int, seconds: int, seed: int, environment: dict[str, str]) -> dict[str, Any]:
    """Let the room work with a page open, take Redis away in the middle, give it back, count."""
    cookies = furnish(people, tasks)
    redis = Redis()
    redis.start()
    server = Server({**environment, "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"})
    server.start()
    room = [Person(server.port, cookie, random.Random(seed + n)) for n, cookie in enumerate(cookies)]
    page = OpenPage(server.port, cookies[0])
    threads = [*let_in(room, MOST_SECONDS), page.open()]
    try:
        wait_for(room, tasks // 4)
        redis.kill()
        before = answers(room)
        time.sleep(seconds)
        without = answers(room) - before
        redis.start()
        returned = time.monotonic()
        while any(thread.is_alive() for thread in threads[:-1]):
            time.sleep(0.1)
        page.close()
        threads[-1].join()
    finally:
        server.kill()
        redis.kill()
        shutil.rmtree(redis.folder)
    later = [heard - returned for heard in page.heard if heard > returned]
    back = round(later[0], 2) if later else None
    return {"people": people, "answered_without": without, "back_after": back, **page.told(), **count(room)}


def answers(room: list[Person]) -> int:
    return sum(len(one.acknowledged) for one in room)


def wait_for(room: list[Person], wanted: int) -> None:
    while answers(room) < wanted:
        time.sleep(0.05)


class OpenPage:
    """What an open page hears; it opens its socket again when that is closed, as htmx does."""

    def __init__(self, port: int, cookie: str) -> None:
        self.url = f"ws://127.0.0.1:{port}/ws/projects/{SLUG}/"
        self.headers = {"Cookie": f"sessionid={cookie}", "Origin": f"http://127.0.0.1:{port}"}
        self.heard: list[float] = []
        self.opened = 0
        self.done = False

    def open(self) -> threading.Thread:
        thread = threading.Thread(target=lambda: asyncio.run(self.listen()), daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        self.done = True

    def told(self) -> dict[str, int]:
        return {"nudges": len(self.heard), "sockets_opened": self.opened}

    async def listen(self) -> None:
        import websockets

        while not self.done:
            try:
                async with websockets.connect(self.url, additional_headers=self.headers) as line:
                    self.opened += 1
                    await self.follow(line)
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.3)

    async def follow(self, line: Any) -> None:
        while not self.done:
            try:
                await asyncio.wait_for(line.recv(), 0.5)
                self.heard.append(time.monotonic())
            except TimeoutError:
                continue


if __name__ == "__main__":
    os.environ.pop("REDIS_URL", None)
    sys.exit(main())
