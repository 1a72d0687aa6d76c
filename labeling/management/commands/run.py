"""`manage.py run`: web server, worker and sweep together until Ctrl-C."""

from __future__ import annotations

import sys
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from labeling.management import processes
from labeling.management.tables import make_tables
from labeling.people import first_user


class Command(BaseCommand):
    help = "Serve Concord on this machine until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the port, or the next free one")

    def handle(self, *_args: Any, **options: Any) -> None:
        make_tables()
        port = processes.free_port(options["port"])
        self.stdout.write(f"\n  Concord runs at  http://{processes.HOST}:{port}/\n")
        if not User.objects.exists():
            made = first_user.make()
            self.stdout.write(f"  Sign in as {made.user.get_username()} with {made.password} (shown this once)\n")
        self.stdout.flush()
        sys.exit(processes.serve(port))
