"""Options of every command that reads labels from a file: which cells are no answer, and which are one label."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from labeling.files.tables import UnusableFile, unreadable
from labeling.files.votes import GOLD_COLUMNS, VOTE_COLUMNS
from labeling.kinds.cells import Rules, clean


def add_cell_options(parser: CommandParser, *, label_set: bool = True) -> None:
    """`--missing`, `--fold-case` and, where asked for, `--labels`."""
    parser.add_argument("--missing", default="", help="words that are no answer, commas between: --missing=nan,NA,-1")
    parser.add_argument("--fold-case", action="store_true", help="take labels that differ in case alone as one")
    if label_set:
        parser.add_argument("--labels", default="", help="the label set, commas between; by default all that occur")


def add_vote_columns(parser: CommandParser, *, gold: bool = True) -> None:
    """`--columns` and `--gold-columns`, for files that call task, worker and label otherwise."""
    parser.add_argument(
        "--columns",
        default=",".join(VOTE_COLUMNS),
        help="what the file of votes calls task, worker and label, commas between",
    )
    if gold:
        parser.add_argument(
            "--gold-columns",
            default=",".join(GOLD_COLUMNS),
            help="what files of known labels call task and label, commas between",
        )


def rules_of(options: dict[str, Any], label_set: str = "labels") -> Rules:
    """The rules that the options name. Raises UnusableFile where a label is named twice."""
    labels = named(options.get(label_set) or "")
    if len(set(labels)) != len(labels):
        raise UnusableFile(f"--{label_set} names a label twice; name each once.")
    return Rules(named(options["missing"]), labels, options["fold_case"])


def columns_of(options: dict[str, Any]) -> tuple[str, ...]:
    """The three columns of a file of votes. Raises UnusableFile for another number of them."""
    columns = named(options["columns"])
    if len(set(columns)) != len(VOTE_COLUMNS):
        raise UnusableFile("--columns names three columns, for task, worker and label in this order, commas between.")
    return columns


def gold_columns_of(options: dict[str, Any]) -> tuple[str, ...]:
    """The two columns of a file of known labels. Raises UnusableFile for another number of them."""
    columns = named(options["gold_columns"])
    if len(set(columns)) != len(GOLD_COLUMNS):
        raise UnusableFile("--gold-columns names two columns, for task and label in this order, a comma between.")
    return columns


def check_seed(options: dict[str, Any]) -> None:
    """Raise UnusableFile for a `--seed` below 0, which no generator of random numbers knows."""
    if options["seed"] < 0:
        raise UnusableFile("--seed must be a whole number of at least 0.")


def named(text: str) -> tuple[str, ...]:
    """What stands between the commas, without outer blanks."""
    return tuple(part for part in map(clean, text.split(",")) if part)


def check_files(inputs: Iterable[str | None], output: str | None = None) -> None:
    """Refuse, before any work, files that cannot be read, or an output that cannot be written. Raises UnusableFile."""
    paths = [path for path in inputs if path]
    if paths.count("-") > 1:
        raise UnusableFile("Only one of the files can be standard input (-).")
    for path in paths:
        if path != "-" and not os.access(path, os.R_OK):
            raise UnusableFile(unreadable(path, PermissionError() if Path(path).exists() else FileNotFoundError()))
    if not output or output == "-":
        return
    target = Path(output).resolve()
    if target.is_dir() or not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UnusableFile(f"{output} cannot be written; check that its folder exists and can be written to.")
    if target in [Path(path).resolve() for path in paths if path != "-"]:
        raise UnusableFile(f"{output} is read as well as written; give --output another name.")
