#!/usr/bin/env python
"""Concord's command line: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    name = [part.replace("-", "_") for part in sys.argv[1:2] if not part.startswith("-")]
    execute_from_command_line([*sys.argv[:1], *(name or sys.argv[1:2]), *sys.argv[2:]])


if __name__ == "__main__":
    main()
