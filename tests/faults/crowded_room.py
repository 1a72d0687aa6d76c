"""A room of people who label over HTTP, each with a session of their own, and who never give up on an answer."""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.faults.scratch import ROOT

SLUG, LABELS = "room", ("yes", "no")
AT_WORK = f"/p/{SLUG}/label/"
TOKEN = "t" * 32


def furnish(people: int, tasks: int, slots: int = 1) -> list[str]:
    """A project where each of `tasks` waits for `slots` people; returns the session cookies of its people."""
    from django.contrib.auth.models import User
    from django.db import connections
    from django.test import Client

    from labeling.models import Batch, Escalation, Label, Membership, Project
    from tests.tasks import put_tasks

    project = Project.objects.create(name="room", slug=SLUG, people_per_task=slots)
    for position, name in enumerate(LABELS):
        Label.objects.create(question=project.first_question, position=position, name=name)
    batch = Batch.objects.create(project=project, name="room", stage="reviewing", rows_read=tasks, rows_new=tasks)
    made = put_tasks(batch, ({"position": n} for n in range(tasks)))
    Escalation.objects.bulk_create(
        Escalation(task=task, to="person", slot=slot, reason="uncertain", why="Torn.")
        for task in made
        for slot in range(slots)
    )
    cookies = []
    for n in range(people):
        user = User.objects.create(username=f"person{n}")
        Membership.objects.create(project=project, user=user, role="annotator")
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        cookies.append(client.cookies["sessionid"].value)
    connections.close_all()
    return cookies


@dataclass
class Server:
    """The web server on a port of its own; it may be killed and started again."""

    environment: dict[str, str]
    port: int = field(default_factory=lambda: free_port())
    process: Any = None

    def start(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(self.port)]
        command += ["--lifespan", "off", "--no-access-log", "--log-level", "critical"]
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Person:
    """Labels until nothing waits; an answer that was not acknowledged is sent again under the same key."""

    port: int
    cookie: str
    chance: random.Random
    acknowledged: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    slowest: float = 0.0

    def work(self, until: float) -> None:
        while time.monotonic() < until:
            page = self.insist("GET", AT_WORK, None, until)
            held = re.search(r'data-card="(\d+)"', page)
            if held is None:
                if "Nothing waits for you" in page and "with colleagues" not in page:
                    return
                time.sleep(0.2)
                continue
            label = self.chance.choice(re.findall(r'name="label" value="(\d+)"', page))
            key = str(uuid.uuid4())
            told = urllib.parse.urlencode({"label": label, "key": key, "seconds": "1"})
            self.insist("POST", f"{AT_WORK}{held[1]}/", told, until)
            self.acknowledged[key] = label

    def insist(self, verb: str, path: str, body: str | None, until: float) -> str:
        """Send until the server has answered with a page; lost lines and faults are counted and tried again."""
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                status, page = self.send(verb, path, body)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                time.sleep(0.1)
                continue
            self.statuses[status] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status == 200:
                return page
            time.sleep(0.1)
        raise TimeoutError(f"{verb} {path} was not answered in time")

    def send(self, verb: str, path: str, body: str | None) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {
            "Cookie": f"sessionid={self.cookie}; csrftoken={TOKEN}",
            "X-CSRFToken": TOKEN,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            line.request(verb, path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        finally:
            line.close()


def let_in(people: list[Person], seconds: float) -> list[threading.Thread]:
    """Everybody starts at once."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=one.work, args=(until,), daemon=True) for one in people]
    for thread in threads:
        thread.start()
    return threads


def count(people: list[Person]) -> dict[str, Any]:
    """What the room was promised against what the database holds."""
    from django.db.models import Count

    from labeling.models import Escalation, Vote

    promised = {key: label for one in people for key, label in one.acknowledged.items()}
    people_s = Vote.objects.filter(annotator__kind="person")
    stored = {str(key): str(label) for key, label in people_s.values_list("key", "label")}
    twice = people_s.values("task", "annotator").annotate(n=Count("pk")).filter(n__gt=1).count()
    answered, extra = Escalation.objects.filter(state="answered"), people_s.filter(extra=True).count()
    statuses = sum((one.statuses for one in people), Counter())
    return {
        "acknowledged": len(promised),
        "checks": answered.filter(reason="audit").count(),
        "extra": extra,
        "surplus": len(promised) - answered.count() - extra,
        "lost": sum(stored.get(key) != label for key, label in promised.items()),
        "duplicate": twice + abs(answered.count() - people_s.filter(extra=False).count()),
        "undecided": Escalation.objects.filter(task__stage="open", to="person", state="open").count(),
        "faults_5xx": sum(n for status, n in statuses.items() if status >= 500),
        "statuses": dict(sorted(statuses.items())),
        "broken_lines": sum(one.broken for one in people),
        "slowest_seconds": round(max(one.slowest for one in people), 2),
    }
