"""`make bench`: every benchmark in turn, each a table with CPU seconds; `make bench ONLY=aggregators` runs one."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def names() -> list[str]:
    """The benchmarks in this folder, in alphabetical order."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith(("_", "test_")))


def main(wanted: list[str]) -> None:
    """Run the benchmarks named, or all."""
    if unknown := set(wanted) - set(names()):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}.")
    for name in wanted or names():
        print(f"\n=== {name}", flush=True)
        sys.argv = [name]
        runpy.run_module(f"tests.benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
