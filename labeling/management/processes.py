"""Web server, worker and sweep as one: started together, stopped together, nothing left running."""

from __future__ import annotations

import os
import socket
import sys
from shlex import quote

from django.conf import settings
from honcho.manager import Manager

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


def serve(port: int) -> int:
    """Run everything until one process ends or Ctrl-C; returns the exit status."""
    python = quote(sys.executable)
    manage = f"{python} {quote(str(settings.BASE_DIR / 'manage.py'))}"
    manager = Manager()
    web = f"{python} -m uvicorn config.asgi:application --host {HOST} --port {port} --lifespan off --no-access-log"
    manager.add_process(
        "web", f"exec {web} --no-proxy-headers --log-level warning", cwd=str(settings.BASE_DIR), env=_environment()
    )
    for number in range(settings.WORKERS):
        name = "worker" if settings.WORKERS == 1 else f"worker.{number + 1}"
        work = f"exec {manage} db_worker --interval 0.2 --no-startup-delay --no-reload --verbosity 0"
        if settings.BROKER_URL:
            work = f"exec {python} -m celery -A config.celery worker --concurrency 1 --loglevel WARNING"
        manager.add_process(name, work, cwd=str(settings.BASE_DIR), env=_environment())
    manager.add_process("sweep", f"exec {manage} sweep", cwd=str(settings.BASE_DIR), env=_environment())
    manager.loop()
    return int(manager.returncode or 0)


def _environment() -> dict[str, str]:
    """Workers compute with one thread each: two cores then serve a page and a model at once."""
    return {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
