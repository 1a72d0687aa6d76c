"""`manage.py counterfactual SENTENCES.csv --project city --voter NAME`: does one changed word change the label?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from fairness.audit import sentences
from fairness.audit.flips import Answered, Pair, pairs
from fairness.audit.sentences import Columns, Sentence
from fairness.intervals import Estimate
from labeling.files.tables import UnusableFile, open_table
from labeling.kinds.cells import clean, decide, unguarded
from labeling.management.cell_options import add_cell_options, check_files, check_seed, columns_of, named, rules_of
from labeling.management.outputs import refusing


class Command(BaseCommand):
    help = (
        "Put sentences that differ in one thing to a project's model, or read its answers; tell how often labels flip."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sentences", help="CSV: first,second,pair; template,slot,variant,text; or a table")
        parser.add_argument("--text", default="", help="of a table: the column of the text")
        parser.add_argument("--vary", default="", help="of a table: the column that varies")
        parser.add_argument("--same", default="", help="of a table: columns that stay the same, commas between")
        parser.add_argument("--most", type=int, default=sentences.MOST, help="sentences at most; frames drawn by lot")
        parser.add_argument("--project", default="", help="put them to a model of this project")
        parser.add_argument("--voter", default="", help="the model's name in the project")
        parser.add_argument("--cap", default="0", help="US dollars at most, for a model that costs money")
        parser.add_argument("--votes", default="", help="instead: recorded answers, where task is the text itself")
        parser.add_argument("--columns", default="task,worker,label", help="what --votes calls task, worker and label")
        parser.add_argument("--seed", type=int, default=0)
        add_cell_options(parser, label_set=False)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            _check(options)
            columns = Columns(options["text"], options["vary"], named(options["same"]))
            found = sentences.read(options["sentences"], columns, options["most"], str(options["seed"]))
            report = _of_votes(found, options) if options["votes"] else _of_project(found, options)
        self.stdout.write(json.dumps(report) if options["json"] else "\n".join(lines(report)))


def _check(options: dict[str, Any]) -> None:
    """Raise UnusableFile, before any work, for options that cannot be served."""
    check_seed(options)
    if options["most"] < 2:
        raise UnusableFile("--most is a whole number of at least 2; two sentences make a pair.")
    if not options["votes"] and not (options["project"] and options["voter"]):
        raise UnusableFile("Say who answers: --project and --voter for a model, or --votes for recorded answers.")
    if options["votes"] and options["project"]:
        raise UnusableFile("Say once who answers: --project and --voter, or --votes.")
    _cap(options["cap"])
    check_files([options["sentences"], options["votes"]])


def _of_votes(found: tuple[Sentence, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Recorded answers of everybody in the file. Raises UnusableFile."""
    with open_table(options["votes"], columns_of(options)) as table:
        rows = [[clean(cell) for cell in (unguarded(row) if table.own else row)] for row in table.rows]
        notes = list(table.notes)
    meaning = decide(Counter(row[2] for row in rows), rules_of(options))
    said: dict[str, dict[str, str]] = {}
    for text, worker, label in rows:
        said.setdefault(worker, {})[text] = meaning.name[label]
    labels = tuple(meaning.names())
    told = {worker: _flips(found, answers, labels, options["seed"]) for worker, answers in said.items()}
    if not any(told.values()):
        raise UnusableFile(f"{options['votes']} answers no two sentences that differ in one thing; task is the text.")
    return {"sentences": len(found), "annotators": told, "notes": [*notes, *meaning.notes]}


def _flips(
    found: tuple[Sentence, ...], answers: dict[str, str], labels: tuple[str, ...], seed: int
) -> list[dict[str, Any]]:
    used = [one for one in found if one.text in answers]
    if not used:
        return []
    frames = {name: at for at, name in enumerate(dict.fromkeys(one.frame for one in used))}
    variants = tuple(dict.fromkeys(one.variant for one in used))
    answer = [labels.index(answers[one.text]) if answers[one.text] else -1 for one in used]
    frame, variant = [frames[one.frame] for one in used], [variants.index(one.variant) for one in used]
    told = pairs(Answered(np.array(answer), np.array(frame), np.array(variant), labels, variants), seed)
    return [asdict(one) for one in told]


def _of_project(found: tuple[Sentence, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Put them to a model of a project, and wait for its answers. Raises UnusableFile."""
    from fairness.audit import asking, making, told
    from labeling.management.scopes import project_named
    from labeling.money.ledger import Refused

    project = project_named(options["project"])
    annotators = list(project.annotators.machines().listed().filter(name=options["voter"]))
    if not annotators:
        names = ", ".join(project.annotators.machines().listed().values_list("name", flat=True)) or "none yet"
        raise UnusableFile(f"{project} has no model {options['voter']!r}; there are {names}.")
    try:
        cap = _cap(options["cap"])
        audit = making.begin(project.first_question, "from the shell", found, annotators, None, cap)
    except (making.CannotAudit, Refused) as error:
        raise UnusableFile(str(error)) from error
    while asking.step(audit.pk):
        pass
    result = told.told(audit)
    notes = [one.error for one in result.results if one.error]
    shown = {one.annotator.name: [asdict(pair) for pair in one.pairs] for one in result.results}
    return {"sentences": len(found), "annotators": shown, "notes": notes}


def _cap(text: str) -> int:
    with suppress(InvalidOperation):
        amount = Decimal(text)
        if amount.is_finite() and 0 <= amount < 1_000_000_000:
            return int(amount * 1_000_000)
    raise UnusableFile("--cap is an amount in US dollars of at least 0, such as 2.50.")


def lines(report: dict[str, Any]) -> Iterator[str]:
    """A block for each annotator, a line for each pair of variants."""
    yield f"{report['sentences']:,} sentences"
    yield from report["notes"]
    for name, found in report["annotators"].items():
        yield f"\n{name}"
        for told in found:
            one = Pair(**{**told, **{key: _estimate(told[key]) for key in ("flip", "within", "beyond")}})
            yield f"  {one.first} / {one.second}: label changes {_number(one.flip)}{_frames(one)}"
            if one.within is not None and one.beyond is not None:
                yield f"    two words of one variant {_number(one.within)}, beyond that {_number(one.beyond)}"
            shift = told["shift"]
            if shift and shift["more"]["estimable"]:
                yield f"    {_way(one.second, shift)}, p {shift['p_adjusted']:.4f}"


def _way(variant: str, shift: dict[str, Any]) -> str:
    """Which label the variant gets more or less often, and by how much."""
    more = Estimate(**shift["more"])
    if (more.value or 0) >= 0:
        return f"{variant} gets {shift['label']} more often by {_number(more)}"
    turned = Estimate(-(more.value or 0), -(more.high or 0), -(more.low or 0), more.estimable, more.reason)
    return f"{variant} gets {shift['label']} less often by {_number(turned)}"


def _frames(pair: Pair) -> str:
    return f" in {pair.frames:,} frames" if pair.flip.estimable else ""


def _estimate(told: dict[str, Any] | None) -> Estimate | None:
    return None if told is None else Estimate(**told)


def _number(found: Estimate | None) -> str:
    if found is None:
        return "-"
    if not found.estimable or found.value is None:
        return f"not estimable, {found.reason}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
