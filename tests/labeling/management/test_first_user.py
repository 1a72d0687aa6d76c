"""The first account of a server, and commands on a database without tables."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from labeling.management import processes
from labeling.models import Membership, Project
from tests.commands import Shell

FIRST = Shell("first_user")
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.django_db
class TestFirstUser:
    def test_manages_the_projects_that_nobody_manages_and_no_other(self) -> None:
        mine, theirs = (Project.objects.create(name=name, slug=name) for name in ("mine", "theirs"))
        Membership.objects.create(project=theirs, user=User.objects.create_user("bo"), role="manager")
        assert FIRST.run("ada").split()[0] == "ada"
        assert Membership.objects.get(user__username="ada").project == mine

    @pytest.mark.parametrize(("name", "said"), [("a b", "is no sign-in name"), ("BO", "signs in here already")])
    def test_a_name_that_cannot_be_is_refused_in_a_sentence(self, name: str, said: str) -> None:
        User.objects.create_user("bo")
        assert said in FIRST.refusal(name)

    def test_run_makes_it_where_nobody_has_an_account_and_tells_the_password_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "serve", lambda port: 0)
        told = []
        for _ in range(2):
            out = StringIO()
            with pytest.raises(SystemExit):
                call_command("run", stdout=out)
            told.append(out.getvalue())
        [user] = User.objects.all()
        assert user.is_superuser and "Sign in as admin with " in told[0] and "Sign in" not in told[1]
        assert user.check_password(told[0].split("admin with ")[1].split()[0])


@pytest.mark.slow
def test_a_database_without_tables_is_one_sentence_for_commands_that_read_it(tmp_path: Path) -> None:
    for line in (("export", "1"), ("certify", "1"), ("import-votes", "city", "votes.csv")):
        environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"}
        command = [sys.executable, "manage.py", *line]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "migrate" in done.stderr and len(done.stderr.strip().splitlines()) == 1
