"""A real browser against a real server: uvicorn in a process of its own, on the test database kept in a file.

Tests write rows through the ORM and look at what the pages make of them:

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_the_overview_names_the_batch(batch, page_as):
        page = page_as("max")            # signed in, ready
        page.goto("/p/city/")            # addresses are relative to the server
        expect(page.get_by_role("heading", name="City requests")).to_be_visible()
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: make test installs it")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps a loop in the thread in which tests use the ORM
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAITS = 20_000
"""Milliseconds that a wait may take, on a slow machine; it ends as soon as what it waits for is there."""
playwright.expect.set_options(timeout=WAITS)
SIZES = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}
Page = Any


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """On SQLite the test database is a file, so that the server's process sees it too."""
    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "browser.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)


def database_url() -> str:
    """The address of the test database, for another process."""
    told = connection.settings_dict
    if connection.vendor != "sqlite":
        return f"postgres://{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    if not Path(told["NAME"]).is_file():
        pytest.skip("needs the test database in a file: run the browser tests by themselves, make browser")
    return f"sqlite:///{told['NAME']}"


@pytest.fixture(scope="session")
def environment(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process of the product needs to work on the test database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "CONCORD_VAR": str(tmp_path_factory.mktemp("var")),
        "SECRET_KEY": settings.SECRET_KEY,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path, from CONCORD_CHROMIUM or the system."""
    path = os.environ.get("CONCORD_CHROMIUM") or shutil.which("chromium")
    if not path or not Path(path).exists():
        pytest.skip("no Chromium here: apt-get install chromium, or name one in CONCORD_CHROMIUM")
    return path


@pytest.fixture(scope="session")
def server(environment: dict[str, str], chromium: str) -> Iterator[str]:
    """The address of a running web server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port)]
    command += ["--lifespan", "off", "--log-level", "warning"]
    process = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail("The web server did not start; its reason stands above.")
        with socket.socket() as line:
            line.settimeout(1)
            if not line.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    pytest.fail("The web server did not answer within 30 seconds.")


@pytest.fixture
def worker(environment: dict[str, str], transactional_db: None) -> Iterator[None]:
    """A worker process for tests that need background jobs."""
    command = [sys.executable, "manage.py", "db_worker", "--interval", "0.1"]
    process = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR)
    yield
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    with playwright.sync_playwright() as engine:
        found = engine.chromium.launch(executable_path=chromium, args=QUIET)
        yield found
        found.close()


@pytest.fixture
def page_as(transactional_db: None, browser: Any, server: str) -> Iterator[Callable[..., Page]]:
    """Open a window of its own, signed in as a person; options go to the browser context.

    A window in which the page raised a script error, or broke the content security policy, fails the test.
    """
    contexts: list[Any] = []
    faults: list[str] = []

    def open_window(name: str, size: str = "wide", **options: Any) -> Page:
        context = browser.new_context(base_url=server, viewport=SIZES[size], **options)
        contexts.append(context)
        context.set_default_timeout(WAITS)
        context.add_cookies([{"name": "sessionid", "value": session_of(name), "url": server}])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert not faults, faults


def session_of(name: str) -> str:
    """The cookie of a fresh session of this person."""
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies["sessionid"].value


def findings(page: Page) -> list[str]:
    """What axe finds serious or critical on a page, one sentence each."""
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)))")
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0].get('failureSummary', '')[:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
