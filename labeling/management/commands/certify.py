"""`manage.py certify BATCH_ID --alpha 0.05 --delta 0.05`, and `manage.py certify --verify FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.checks import certificates
from labeling.checks.certificates import CannotCertify, Target
from labeling.checks.evidence import NotEvidence
from labeling.models import Batch, Certificate


class Command(BaseCommand):
    help = "Certify the error of a batch's labels from its random checks, or recompute a certificate from its file."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch", nargs="?", type=int, help="the number of the batch, as in its address")
        parser.add_argument("--alpha", type=float, default=0.05, help="the share of labels that may be wrong")
        parser.add_argument("--delta", type=float, default=0.05, help="one less the confidence")
        parser.add_argument(
            "--about",
            choices=Certificate.About.values,
            default=Certificate.About.ALL,
            help="all labels once an expert has given the rest, or the released alone",
        )
        parser.add_argument(
            "--rule",
            choices=Certificate.Rule.values,
            default=Certificate.Rule.ANYTIME,
            help="anytime holds at every look; once is for a number of checks fixed beforehand",
        )
        parser.add_argument("--json", action="store_true", help="print the certificate's file")
        parser.add_argument("--verify", metavar="FILE", help="recompute a certificate from its file; needs no database")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["verify"]:
            self.verify(options["verify"], as_json=options["json"])
            return
        if options["batch"] is None:
            raise CommandError("Name a batch by its number, or a file with --verify.")
        batch = Batch.objects.select_related("project").filter(pk=options["batch"]).first()
        if batch is None:
            raise CommandError(f"There is no batch {options['batch']}; its number is in the address of its page.")
        try:
            target = Target(options["alpha"], options["delta"], options["rule"], options["about"])
            found = certificates.issue(batch, target)
        except CannotCertify as error:
            raise CommandError(str(error)) from None
        self.stdout.write(certificates.as_file(found) if options["json"] else found.statement, ending="")
        self.stdout.write("" if options["json"] else "\n", ending="")
        if not found.given:
            sys.exit(1)

    def verify(self, name: str, *, as_json: bool) -> None:
        """Say whether every number of the file follows from its evidence; exits with 1 where one does not."""
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
            faults = certificates.verify(text)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{name} cannot be read: {error}") from None
        except NotEvidence as error:
            raise CommandError(str(error)) from None
        if as_json:
            self.stdout.write(json.dumps({"verified": not faults, "faults": faults}))
        else:
            said = json.loads(text)["statement"]
            self.stdout.write("\n".join(faults) if faults else f"Verified, every number follows from the file: {said}")
        if faults:
            sys.exit(1)
