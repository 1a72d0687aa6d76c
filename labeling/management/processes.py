"""Web server, worker and sweep as one: each is started again when it ends, all stop together, nothing is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

HOST = "127.0.0.1"


def free_port(wished: int) -> int:
    """The wished port of the loopback address, or the next one that is free."""
    for port in range(wished, wished + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex((HOST, port)) == 0:
                continue
            try:
                probe.close()
                with socket.socket() as claim:
                    claim.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"No port between {wished} and {wished + 200} is free.")


FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY = 60.0
"""Seconds after which a process counts as well again: the next end of it is the first one."""
PATIENCE = 10.0
"""Seconds a process has to end by itself when everything stops."""


@dataclass
class Kept:
    """One process that is started again whenever it ends, after a pause that doubles while it keeps ending."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    pause: float = FIRST_PAUSE

    def look(self, now: float) -> None:
        """Start it if it is due; where it has ended, say so and settle when to start it again."""
        if self.process is None:
            if now >= self.due:
                self._start(now)
        elif (status := self.process.poll()) is not None:
            if now - self.started >= STEADY:
                self.pause = FIRST_PAUSE
            told = f"signal {-status}" if status < 0 else f"status {status}"
            print(f"{self.name} ended ({told}); started again in {self.pause:g} s.", file=sys.stderr, flush=True)
            self.process, self.due = None, now + self.pause
            self.pause = min(self.pause * 2, LONGEST_PAUSE)

    def _start(self, now: float) -> None:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in good order.
        self.process = subprocess.Popen(  # noqa: S603 (the command lines of `commands`, nothing from outside)
            self.command, cwd=settings.BASE_DIR, env=_environment(), start_new_session=True
        )
        self.started = now

    def stop(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def ended(self, patience: float) -> None:
        """Wait until it has ended; after `patience` seconds it is killed with all that it started."""
        if self.process is None:
            return
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def serve(port: int) -> int:
    """Run everything until Ctrl-C or SIGTERM; what ends by itself is started again, and the others go on meanwhile."""
    return keep([Kept(name, command) for name, command in commands(port).items()])


def commands(port: int) -> dict[str, list[str]]:
    """The command line of each process by its name."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    web = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", HOST, "--port", str(port)]
    web += ["--lifespan", "off", "--no-access-log", "--no-proxy-headers", "--log-level", "warning"]
    work = [*manage, "db_worker", "--interval", "0.2", "--no-startup-delay", "--no-reload", "--verbosity", "0"]
    if settings.BROKER_URL:
        work = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--concurrency", "1"]
        work += ["--loglevel", "WARNING"]
    names = ["worker"] if settings.WORKERS == 1 else [f"worker.{number + 1}" for number in range(settings.WORKERS)]
    return {"web": web, **dict.fromkeys(names, work), "sweep": [*manage, "sweep"]}


def keep(every: Sequence[Kept], seconds: float = 0.2) -> int:
    """Keep these processes running until a signal says to stop; 0 then, with none of them left."""
    over = threading.Event()
    usual = {one: signal.signal(one, lambda *_told: over.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not over.wait(seconds):
            now = time.monotonic()
            for kept in every:
                kept.look(now)
    finally:
        for kept in every:
            kept.stop()
        until = time.monotonic() + PATIENCE
        for kept in every:
            kept.ended(max(until - time.monotonic(), 0.1))
        for one, handler in usual.items():
            signal.signal(one, handler)
    return 0


def _environment() -> dict[str, str]:
    """Workers compute with one thread each: two cores then serve a page and a model at once."""
    return {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
