"""Commands as their users call them: what they print, and the one sentence with which they refuse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command


@dataclass(frozen=True)
class Shell:
    """One command of manage.py."""

    name: str

    def run(self, *arguments: object) -> str:
        """What it prints on standard output."""
        out = StringIO()
        call_command(self.name, *(str(argument) for argument in arguments), stdout=out, stderr=StringIO())
        return out.getvalue()

    def run_json(self, *arguments: object) -> dict[str, Any]:
        """The one JSON object it prints."""
        found: dict[str, Any] = json.loads(self.run(*arguments, "--json"))
        return found

    def said(self, *arguments: object) -> str:
        """What it says on standard error while it works."""
        err = StringIO()
        call_command(self.name, *(str(argument) for argument in arguments), stdout=StringIO(), stderr=err)
        return err.getvalue()

    def refusal(self, *arguments: object) -> str:
        """The sentence of a run that must end with exit status 2 and print nothing on standard output."""
        out, err = StringIO(), StringIO()
        with pytest.raises(SystemExit) as stop:
            call_command(self.name, *(str(argument) for argument in arguments), stdout=out, stderr=err)
        assert stop.value.code == 2
        assert out.getvalue() == ""
        return err.getvalue().strip().splitlines()[-1]
