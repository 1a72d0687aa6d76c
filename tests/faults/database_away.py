"""The database is away for half a minute while people answer and models vote: nothing is lost, all of it comes back.

    DATABASE_URL=postgres://… python tests/faults/database_away.py [--seconds 30] [--people 6] [--tasks 120] [--seed 0]

`manage.py run` reaches the database through a door of ours, which is shut: lines break, new ones are refused. Prints
one JSON line. While it is shut every page is 503 with Retry-After, also one with a large body; a socket of somebody
signed out closes within five seconds, a new one is turned away without a fault; afterwards people and models finish.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.crowded_room import AT_WORK, SLUG, TOKEN, Person, count, free_port, furnish, let_in
from tests.faults.scratch import ROOT, engine, scratch_database
from tests.faults.worker_killed import MODELS, open_batch

MOST_SECONDS = 240
LARGE = b"text=" + b"x" * 200_000
"""More than a stranger may send: whose it is must be looked up in the database that is away."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("seconds", 30), ("people", 6), ("tasks", 120), ("seed", 0)):
        arguments.add_argument(f"--{name}", type=int, default=usual)
    chosen = arguments.parse_args()
    if not os.environ.get("DATABASE_URL"):
        print(json.dumps({"fault": "database_away", "skipped": "needs DATABASE_URL of a PostgreSQL server"}))
        return 0
    os.environ.update(CONCORD_LEASE_SECONDS="2", CONCORD_CHUNK="16")
    with scratch_database() as environment:
        found = run(chosen.seconds, chosen.people, chosen.tasks, random.Random(chosen.seed), environment)
        print(json.dumps({"fault": "database_away", "engine": engine(), "seed": chosen.seed, **found}), flush=True)
    return 1 if faults(found) else 0


def faults(found: dict[str, Any]) -> list[str]:
    """What must not be: anything lost or twice, a page that is not 503, a socket that stays, work that does not end."""
    bad = [
        name for name in ("lost", "duplicate", "undecided", "votes_lost", "votes_twice", "tracebacks") if found[name]
    ]
    if set(found["away"]) != {"503 Retry-After"}:
        bad.append("away")
    if (
        found["signed_out_closes"] is None
        or found["signed_out_closes"] > 5
        or found["handshake"] not in ("403", "1013")
    ):
        bad.append("sockets")
    return bad + ["stage"] * (found["stage"] != "done")


class Door:
    """A port that leads to the database's; shut, it breaks every line and refuses new ones."""

    def __init__(self, host: str, port: int) -> None:
        self.behind, self.port = (host, port), free_port()
        self.lines: set[socket.socket] = set()
        self.listening: socket.socket | None = None

    def open(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._let_in, args=(self.listening,), daemon=True).start()

    def shut(self) -> None:
        if self.listening is not None:
            self.listening.shutdown(socket.SHUT_RDWR)
            self.listening.close()
        for line in list(self.lines):
            _end(line)

    def _let_in(self, listening: socket.socket) -> None:
        while True:
            try:
                one, _ = listening.accept()
                other = socket.create_connection(self.behind)
            except OSError:
                return
            self.lines |= {one, other}
            for source, target in ((one, other), (other, one)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                target.sendall(piece)
        for line in (source, target):
            _end(line)
            self.lines.discard(line)


def _end(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def run(seconds: int, people: int, tasks: int, chance: random.Random, environment: dict[str, str]) -> dict[str, Any]:
    """Let people and models work, shut the door, look, open it again, count; and read what the log says."""
    with tempfile.TemporaryFile("w+") as said:
        found = observe(seconds, people, tasks, chance, environment, said)
        said.seek(0)
        told = said.read()
    return {"restarts": told.count("started again"), "tracebacks": told.count("Traceback"), **found}


def observe(
    seconds: int, people: int, tasks: int, chance: random.Random, environment: dict[str, str], said: IO[str]
) -> dict[str, Any]:
    from labeling import jobs

    cookies = furnish(people + 1, tasks)
    batch = open_batch(tasks * 10, chance)
    jobs.start(batch)
    url = urlsplit(environment["DATABASE_URL"])
    door = Door(url.hostname or "127.0.0.1", url.port or 5432)
    door.open()
    away = urlunsplit(url._replace(netloc=url.netloc.rsplit("@")[0] + f"@127.0.0.1:{door.port}"))
    port = free_port()
    process = serve(port, {**environment, "DATABASE_URL": away}, said)
    room = [Person(port, cookie, random.Random(n)) for n, cookie in enumerate(cookies[:-1])]
    try:
        wait_until(lambda: listens(port))
        threads = let_in(room, MOST_SECONDS)
        wait_until(lambda: sum(len(one.acknowledged) for one in room) > tasks // 4)
        page = Socket(port, cookies[-1])
        sign_out(cookies[-1])
        door.shut()
        shut = time.monotonic()
        looks = look(port, cookies[0], shut + seconds)
        handshake = Socket(port, cookies[0]).refused()
        door.open()
        for thread in threads:
            thread.join()
        stage = finished(batch)
    finally:
        process.terminate()
        process.wait()
        door.shut()
    return {
        "away": looks,
        "signed_out_closes": None if page.closed is None else round(page.closed - shut, 1),
        "handshake": handshake,
        "stage": stage,
        **votes(tasks * 10),
        **count(room),
    }


def serve(port: int, environment: dict[str, str], said: IO[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(ROOT / "manage.py"), "run", "--port", str(port)]
    return subprocess.Popen(
        command, env={**environment, "CONCORD_LOG_LEVEL": "ERROR"}, cwd=ROOT, stderr=said, stdout=said
    )


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: Any) -> None:
    until = time.monotonic() + MOST_SECONDS
    while not holds():
        assert time.monotonic() < until, "It did not come to pass in time."
        time.sleep(0.05)


def sign_out(cookie: str) -> None:
    from django.contrib.sessions.models import Session

    Session.objects.filter(session_key=cookie).delete()


def look(port: int, cookie: str, until: float) -> dict[str, int]:
    """What pages answer while the database is away: a card, an answer and a large body, again and again."""
    found: dict[str, int] = {}
    while time.monotonic() < until:
        for verb, path, body in (
            ("GET", AT_WORK, None),
            ("POST", AT_WORK + "1/", b"label=1"),
            ("POST", AT_WORK, LARGE),
        ):
            told = ask(port, cookie, verb, path, body)
            found[told] = found.get(told, 0) + 1
        time.sleep(0.5)
    return found


def ask(port: int, cookie: str, verb: str, path: str, body: bytes | None) -> str:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Cookie": f"sessionid={cookie}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN}
    try:
        line.request(
            verb, path, body, headers | ({"Content-Type": "application/x-www-form-urlencoded"} if body else {})
        )
        answer = line.getresponse()
        return f"{answer.status}" + " Retry-After" * (answer.headers["Retry-After"] is not None)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        line.close()


class Socket:
    """A live page's socket; `closed` is when the server closed it."""

    def __init__(self, port: int, cookie: str) -> None:
        from websockets.exceptions import InvalidStatus
        from websockets.sync.client import connect

        self.closed: float | None = None
        self.status = ""
        headers = {"Cookie": f"sessionid={cookie}"}
        try:
            url, origin = f"ws://127.0.0.1:{port}/ws/projects/{SLUG}/", f"http://127.0.0.1:{port}"
            self.line = connect(url, additional_headers=headers, origin=origin, open_timeout=20)  # type: ignore[arg-type]
        except InvalidStatus as error:
            self.status = str(error.response.status_code)
            return
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            with self.line:
                for _ in self.line:
                    pass
            self.closed = time.monotonic()
            self.status = str(self.line.close_code)
        except ConnectionClosed as error:
            self.closed = time.monotonic()
            self.status = str(error.rcvd.code if error.rcvd else "")

    def refused(self) -> str:
        """How a new socket is turned away: the status of its handshake, or the code it was closed with."""
        until = time.monotonic() + 10
        while not self.status and time.monotonic() < until:
            time.sleep(0.05)
        return self.status


def finished(batch: Any) -> str:
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        batch.refresh_from_db()
        if batch.stage == "done" or batch.error:
            break
        time.sleep(0.5)
    return str(batch.error or batch.stage)


def votes(tasks: int) -> dict[str, int]:
    """Votes of models that are missing and that stand twice."""
    from django.db.models import Count

    from labeling.models import Vote

    pairs = Vote.objects.filter(annotator__kind="model").values("task", "annotator").annotate(n=Count("pk"))
    return {"votes_lost": tasks * MODELS - len(pairs), "votes_twice": sum(pair["n"] > 1 for pair in pairs)}


if __name__ == "__main__":
    sys.exit(main())
