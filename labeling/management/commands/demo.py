"""`manage.py demo`: the demo project, served on this machine until Ctrl-C."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from labeling.management import processes
from labeling.management.tables import make_tables


class Command(BaseCommand):
    help = "Make the demo's three projects (once), print three sign-ins, and serve it until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the port, or the next free one")
        parser.add_argument(
            "--prepare-only", action="store_true", help="make the project and the sign-ins, do not serve"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        from labeling import jobs  # these load the whole crowd, which --help does not need
        from labeling.management.demo import city, hotline, street

        make_tables()
        project, sign_ins, made = city.prepare()
        streets, more = street.prepare()
        hotline.prepare()  # the sweep starts it in half a minute: the first questions come before it
        port = processes.free_port(options["port"])
        self.stdout.write(f"\n  Concord runs at  http://{processes.HOST}:{port}/\n")
        for sign_in in sign_ins:
            self.stdout.write(f"  {sign_in.role:<10} {sign_in.username:<8} {sign_in.password}")
        self.stdout.write("\n  These passwords hold until the next `make demo`. Ctrl-C stops everything.\n")
        self.stdout.flush()
        if made:
            jobs.start(city.latest_batch(project))
        if more:
            jobs.start(city.latest_batch(streets))
        if not options["prepare_only"]:
            sys.exit(processes.serve(port))
