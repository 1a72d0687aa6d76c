"""Shared scenery: a small project with people, a crowd and votes; real data where it is present."""

from __future__ import annotations

import gc
import itertools
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client, override_settings

from reviewers import neighbours
from tests import copied_database
from tests.logged import Logged

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if WORKER and settings.REDIS_URL:  # halves of the suite that run side by side must not hear each other
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = f"concord-{WORKER}"
SHARED = settings.BASE_DIR.parent / "shared" / "data"


gc.set_threshold(100_000)  # thousands of small tests: looking for garbage less often saves a tenth of the time
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

BASE_MEDIA = settings.MEDIA_ROOT
SERVES_FILES = "servestatic.middleware.ServeStaticMiddleware"  # lists all static files anew for every client
override_settings(
    TASKS={"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend", "QUEUES": []}},
    AXES_ENABLED=False,
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    MIDDLEWARE=[name for name in settings.MIDDLEWARE if name != SERVES_FILES],
).enable()
"""What holds for all tests, said once: jobs run only when a test says so, and nothing is slow that need not be."""


@pytest.fixture(scope="session")
def _copy(pytestconfig: pytest.Config) -> Path | None:
    """Where the migrated database of an earlier run is kept; None where it would not be the same."""
    if not copied_database.in_memory() or not hasattr(pytestconfig, "cache"):
        return None
    return pytestconfig.cache.mkdir("migrated") / f"{copied_database.fingerprint()}.sqlite3"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, _copy: Path | None) -> None:
    """Begin with the copy, where there is one."""
    if _copy and _copy.exists():
        copied_database.begin_with(_copy)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, _copy: Path | None) -> None:
    """Make the copy, where there was none."""
    if _copy and not _copy.exists():
        with django_db_blocker.unblock():
            copied_database.keep(_copy)


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders that nobody has written to."""
    base = tmp_path_factory.mktemp("files")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_world(_folders: Iterator[Path]) -> None:
    """A test has its own folder for uploads and remembers no other test's tasks."""
    neighbours.forget()
    if settings.MEDIA_ROOT == BASE_MEDIA or Path(settings.MEDIA_ROOT).exists():
        override_settings(MEDIA_ROOT=next(_folders)).enable()


@pytest.fixture
def logged() -> Iterator[Logged]:
    """The log of one test. pytest's own plugin, which listens through every test, is left out: it takes seconds."""
    handler, root = Logged(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """The path of a file of real data; the test skips where the folder is not there."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs the data folder beside the repository: {name}")
        return path

    return find


@pytest.fixture
def project(db: None) -> Any:
    """A project with three labels and one person of each role: ann, bob (annotators), eve (expert), max (manager)."""
    from labeling.models import Label, Membership, Project

    made = Project.objects.create(name="City requests", slug="city")
    made.questions.update(wording="Which service should act first?")
    Label.objects.bulk_create(
        Label(
            question=made.first_question,
            position=position,
            name=name,
            short=name.split()[0],
            description=f"All about {name.lower()}.",
        )
        for position, name in enumerate(["Roads and lights", "Water and drains", "Noise and nuisance"])
    )
    roles = {"ann": "annotator", "bob": "annotator", "eve": "expert", "max": "manager"}
    people = User.objects.bulk_create(User(username=name, password=make_password(f"{name}-secret-1")) for name in roles)
    Membership.objects.bulk_create(
        Membership(project=made, user=user, role=role) for user, role in zip(people, roles.values(), strict=True)
    )
    return made


@pytest.fixture
def batch(project: Any) -> Any:
    """A batch of six tasks in two groups, the last two with gold labels, all open and without votes."""
    from labeling.models import Batch
    from labeling.money.ledger import open_purse
    from tests.tasks import put_tasks

    texts = [
        "The street lamp on Mill Road is out.",
        "Water comes up through the drain in our yard.",
        "Loud music every night from the bar next door.",
        "The road by the pumping station floods and the asphalt breaks.",
        "Pothole in front of the school.",
        "Blocked gully at the corner.",
    ]
    facts = {"name": "March", "stage": Batch.Stage.REVIEWING, "attributes": ["Group"]}
    made = Batch.objects.create(project=project, rows_read=6, rows_new=6, **facts)
    labels = project.label_list()
    put_tasks(
        made,
        (
            {
                "position": position,
                "external_id": f"R-{position}",
                "parts": [["Text", text]],
                "groups": {"Group": ["Harbour", "Old Town"][position % 2]},
                "gold": labels[position % 2] if position >= 4 else None,
            }
            for position, text in enumerate(texts)
        ),
    )
    open_purse(made, 10_000_000)
    return made


@pytest.fixture
def manager(client: Client, project: Any) -> Client:
    """The browser of max, who manages the project."""
    client.force_login(User.objects.get(username="max"))
    return client


@pytest.fixture
def settled(project: Any) -> Any:
    """A settled batch of 120 tasks with the votes of three models."""
    from tests.labeling.managed import settled_batch

    return settled_batch(project)
