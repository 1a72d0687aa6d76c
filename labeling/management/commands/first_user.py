"""`manage.py first-user [NAME]`: the account that may do everything, with its password, once."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from labeling.management.tables import make_tables
from labeling.people import first_user
from labeling.people.members import Unwise


class Command(BaseCommand):
    help = "Make the first user, who manages every project that has no manager, and print the password once."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", default=first_user.NAME, help="the sign-in name, admin by default")

    def handle(self, *_args: Any, **options: Any) -> None:
        make_tables()
        try:
            made = first_user.make(options["name"])
        except Unwise as refusal:
            self.stderr.write(str(refusal))
            sys.exit(2)
        self.stdout.write(f"{made.user.get_username()}  {made.password}")
        self.stderr.write("This password is shown once; it can be changed after signing in.")
