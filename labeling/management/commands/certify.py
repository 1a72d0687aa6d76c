"""`manage.py certify BATCH_ID --alpha 0.05 --delta 0.05`, and `manage.py certify --verify FILE`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from labeling.models import Batch, Certificate


class Unusable(Exception):
    """A wish that cannot be served; the message is one sentence that says what to do."""


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is no number of a batch; it stands in the address of its page.") from None


class Command(BaseCommand):
    help = "Certify the error of a batch's labels from its random checks, or recompute a certificate from its file."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch", nargs="?", type=_number, help="the number of the batch, as in its address")
        parser.add_argument("--question", type=int, default=1, help="which question of the project, 1 for the first")
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
        try:
            good = self.verify(options) if options["verify"] else self.issue(options)
        except Unusable as error:
            self.stderr.write(str(error))
            sys.exit(2)
        except DatabaseError as error:
            self.stderr.write(f"The database cannot be read ({error}); make its tables with: manage.py migrate")
            sys.exit(2)
        if not good:
            sys.exit(1)

    def issue(self, options: dict[str, Any]) -> bool:
        """Print the certificate of a batch, or why there is none; whether it was given."""
        if options["batch"] is None:
            raise Unusable("Name a batch by its number, or a file with --verify.")
        batch = Batch.objects.kept().select_related("project").filter(pk=options["batch"]).first()
        if batch is None:
            raise Unusable(f"There is no batch {options['batch']}; its number is in the address of its page.")
        question = batch.project.questions.filter(position=options["question"] - 1).first()
        if question is None:
            raise Unusable(
                f"The project has no question {options['question']}; it has {batch.project.questions.count()}."
            )
        from labeling.checks import certificates  # loads numpy, which --help and refusals do not need

        try:
            target = certificates.Target(options["alpha"], options["delta"], options["rule"], options["about"])
            found = certificates.issue(batch, target, question=question)
        except certificates.CannotCertify as error:
            raise Unusable(str(error)) from error
        self.stdout.write(certificates.as_file(found) if options["json"] else found.statement, ending="")
        self.stdout.write("" if options["json"] else "\n", ending="")
        return found.given

    def verify(self, options: dict[str, Any]) -> bool:
        """Say whether every number of the file follows from its evidence."""
        name, as_json = options["verify"], options["json"]
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"{name} cannot be read ({error}); check the name and the rights.") from None
        from labeling.checks import certificates, evidence  # as above

        try:
            faults = certificates.verify(text)
        except evidence.NotEvidence as error:
            raise Unusable(str(error)) from error
        if as_json:
            self.stdout.write(json.dumps({"verified": not faults, "faults": faults}))
        else:
            said = json.loads(text)["statement"]
            self.stdout.write("\n".join(faults) if faults else f"Verified, every number follows from the file: {said}")
        return not faults
