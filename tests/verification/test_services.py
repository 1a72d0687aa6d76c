"""Real services, opt-in: jobs on Celery with RabbitMQ and with Redis, and live events across processes.

Run by `python -m pytest tests/verification`. A service that does not answer on the loopback address is skipped by name.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROKERS = {"RabbitMQ": (5672, "amqp://guest:guest@127.0.0.1:5672//"), "Redis": (6379, "redis://127.0.0.1:6379/6")}


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("broker", BROKERS)
def test_a_batch_is_labeled_by_celery_workers_that_are_killed_on_the_way(broker: str) -> None:
    port, url = BROKERS[broker]
    if not reachable(port):
        pytest.skip(f"{broker} does not answer on 127.0.0.1:{port}")
    command = [sys.executable, "tests/faults/worker_killed.py", "--kills", "2", "--tasks", "160"]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "CELERY_BROKER_URL": url}, capture_output=True, text=True, timeout=200
    )
    told = json.loads(ran.stdout.strip().splitlines()[-1])
    assert ran.returncode == 0
    assert (told["queue"], told["stage"], told["lost"], told["duplicate"]) == ("celery", "done", 0, 0)


LISTEN = """
import asyncio, sys
from channels.layers import get_channel_layer
from labeling.live import nudges
async def listen():
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(nudges.group_of(int(sys.argv[1])), channel)
    print("ready", flush=True)
    print(*(await asyncio.wait_for(layer.receive(channel), 20))["what"], flush=True)
asyncio.run(listen())
"""
SPEAK = "import sys; from labeling.live import nudges; nudges.announce(int(sys.argv[1]), nudges.QUEUE)"


def test_what_one_process_announces_reaches_the_pages_of_another_through_redis(tmp_path: Path) -> None:
    if not reachable(6379):
        pytest.skip("Redis does not answer on 127.0.0.1:6379")
    environment = {
        **os.environ,
        "REDIS_URL": "redis://127.0.0.1:6379/7",
        "CONCORD_VAR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/live.sqlite3",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    project = str(uuid.uuid4().int % 10**9)
    start = "import django; django.setup()\n"

    def python(code: str) -> list[str]:
        return [sys.executable, "-c", start + code, project]

    with subprocess.Popen(python(LISTEN), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline().strip() == "ready"
        subprocess.run(python(SPEAK), cwd=ROOT, env=environment, check=True, timeout=60)
        assert listener.stdout.readline().strip() == "queue"
