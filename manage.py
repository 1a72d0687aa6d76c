#!/usr/bin/env python
"""Concord's command line: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    name = [part.replace("-", "_") for part in sys.argv[1:2] if not part.startswith("-")]
    try:
        execute_from_command_line([*sys.argv[:1], *(name or sys.argv[1:2]), *sys.argv[2:]])
    except Exception as error:
        from django.db import InterfaceError, OperationalError

        if "--traceback" in sys.argv or not isinstance(error, (OperationalError, InterfaceError)):
            raise
        said = str(error).splitlines()[0]
        sys.exit(f"The database does not answer ({said}). Start it, or mend DATABASE_URL, and try again.")


if __name__ == "__main__":
    main()
