"""Web, worker and sweep under one roof: what ends is started again, and nothing is left running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from labeling.management import processes
from labeling.management.processes import Kept

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def until(found: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_the_pause_doubles_while_it_keeps_ending_and_a_steady_process_starts_at_once() -> None:
    kept, now, pauses = Kept("worker", [sys.executable, "-c", "raise SystemExit(3)"]), 0.0, []
    for _ in range(4):
        kept.look(now)
        assert kept.process is not None
        kept.process.wait()
        kept.look(now)
        pauses.append(kept.due - now)
        now = kept.due
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    kept.look(now)
    assert kept.process is not None
    kept.process.wait()
    kept.look(now + processes.STEADY)
    assert kept.due == now + processes.STEADY + 0.5


@pytest.mark.slow
def test_a_killed_process_comes_back_the_others_go_on_and_none_is_left() -> None:
    worker, web = Kept("worker", SLEEPER), Kept("web", SLEEPER)
    seen: list[int] = []

    def strike() -> None:
        until(lambda: worker.process and web.process)
        assert worker.process and web.process
        seen.extend([worker.process.pid, web.process.pid])
        worker.process.kill()
        with contextlib.suppress(AssertionError):
            until(lambda: worker.process and worker.process.pid != seen[0], 20)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=strike)
    thread.start()
    assert processes.keep([worker, web], 0.02) == 0
    thread.join()
    assert worker.process and web.process
    assert worker.process.pid != seen[0] and web.process.pid == seen[1]
    assert worker.process.poll() is not None and web.process.poll() is not None


@pytest.mark.slow
def test_run_serves_on_when_its_worker_is_killed(tmp_path: Path) -> None:
    """The command itself, on a database of its own: kill -9 on the worker, and the page never goes away."""
    env = os.environ | {"CONCORD_VAR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/concord.sqlite3"}
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=env, check=True)
    port = processes.free_port(8790)
    run = subprocess.Popen([*manage, "run", "--port", str(port)], env=env)
    try:
        until(lambda: answers(port), 120)
        until(lambda: children(run.pid, "db_worker"))
        first = children(run.pid, "db_worker")
        os.kill(first[0], signal.SIGKILL)
        until(lambda: children(run.pid, "db_worker") not in ([], first))
        assert answers(port) and children(run.pid, "uvicorn") and children(run.pid, "sweep")
    finally:
        run.terminate()
        assert run.wait(60) == 0
    assert not answers(port)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{processes.HOST}:{port}/sign-in/", timeout=5) as page:
            return bool(page.status == 200)
    except OSError:
        return False


def children(parent: int, word: str) -> list[int]:
    """The processes that `parent` started whose command line has this word."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [pid for pid in map(int, listed) if word in Path(f"/proc/{pid}/cmdline").read_text()]
