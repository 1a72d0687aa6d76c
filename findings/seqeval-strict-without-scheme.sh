#!/usr/bin/env bash
# seqeval 1.2.2: f1_score(mode="strict") without a scheme is not strict; classification_report(mode="strict") is.
# Date: 2026-11-29
# Guess before the run: without a scheme, f1_score in strict mode works out the scheme (IOB2) by itself: 0.667.
# What came: 1.0, the lenient answer, with no warning; classification_report with the same arguments says 0.667.
# By hand: gold has two entities. The prediction opens the first with I-PER, which is no entity in IOB2, so one of
# two is found: precision 1, recall 1/2, F1 = 2/3.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check seqeval==1.2.2 scikit-learn==1.9.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from seqeval.metrics import classification_report, f1_score
from seqeval.scheme import IOB2

gold = [["B-PER", "I-PER", "O", "B-LOC"]]
guessed = [["I-PER", "I-PER", "O", "B-LOC"]]
bare = f1_score(gold, guessed, mode="strict")
named = f1_score(gold, guessed, mode="strict", scheme=IOB2)
report = classification_report(gold, guessed, mode="strict", output_dict=True)["micro avg"]["f1-score"]
print("seqeval", version("seqeval"))
print(f"expected: {2 / 3:.3f} from all three, or an error that asks for the scheme")
print(f"seen, f1_score(mode='strict'): {bare:.3f}")
print(f"seen, f1_score(mode='strict', scheme=IOB2): {named:.3f}")
print(f"seen, classification_report(mode='strict'), micro average: {report:.3f}")
as_found = bare == 1.0 and abs(named - 2 / 3) < 1e-9 and abs(report - 2 / 3) < 1e-9
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
