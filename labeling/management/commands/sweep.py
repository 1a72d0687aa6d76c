"""`manage.py sweep`: bring back what a dead worker left. Runs beside the web server and the workers."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Wake the workers for batches that none is working on, every few seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=2.0, help="seconds between two looks; 0 looks once")

    def handle(self, *_args: Any, **options: Any) -> None:
        from labeling import jobs  # loads the whole crowd, which --help does not need

        while True:
            close_old_connections()
            try:
                jobs.sweep()
            except OperationalError as error:  # the database restarts; look again later
                log.warning("The database does not answer: %s", error)
            if not options["every"]:
                return
            time.sleep(options["every"])
