"""What `label` is asked to do: everything that can be refused is refused here, before a row is written."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from labeling.files import imports, known_answers, workbooks
from labeling.files.guesses import LOOKED_AT, fields_for, own_known
from labeling.files.own_labels import is_labels
from labeling.files.records import field_names
from labeling.files.rows import Fields, check_encoding, gold_labels
from labeling.files.tables import UnusableFile
from labeling.files.uploads import LINES, WORKBOOK
from labeling.kinds import registry
from labeling.management import label_kinds
from labeling.management.scopes import check_output, project_there
from labeling.models import Batch, Label, Project
from labeling.money import ledger
from labeling.people import first_user
from labeling.people.members import Unwise
from labeling.truth.methods import NAMES

Options = dict[str, Any]
LONGEST_QUESTION = 300
DEFAULT_TEXT = "text"


def open_batch(options: Options) -> Batch:
    """The batch that is to be labeled, its project, crowd, paid models and purse. Raises for what cannot be used."""
    budget = microdollars(options["budget"])
    told = guidelines(options)
    check_numbers(options)
    check_output(options["output"] or "-")
    path = local_path(options["file"])
    check_encoding(path)
    fields = chosen_fields(options, path)
    fields = replace(fields, golds=further_known(path, fields, known_project(options)))
    kind = label_kinds.kind_name(options["kind"], known_project(options))
    label_kinds.check_options(kind, options)
    labels = label_names(options, fields, path, kind)
    meanings = descriptions(options["describe"], labels)
    from labeling.managing import intake
    from labeling.people import recruiting, trials  # these load every sort of model: not needed to refuse a file

    with transaction.atomic():
        project = find_project(options, fields, path, kind)
        imports.set_labels(project, labels)
        describe(project, meanings)
        instruct(project, options["question"], told)
        readers = known_answers.readers(project, fields, labels)
        intake.check_something_new(project, path, Path(path).name, fields, labels, readers)
        names = _lines(options["crowd"]) or recruiting.embedded_crowd(len(fields.text), len(fields.images), [kind])
        recruiting.add_models(project, names, priced=True, vouched=True)
        for name in paid_names(options):
            recruiting.add_paid(project, name, vouched=True)
        label_kinds.check_sight(project, fields)
        batch = imports.open_batch(project, path, fields, validation=options["validation"], seed=options["seed"])
        batch.accept_confidence = options["accept"]
        batch.save(update_fields=["accept_confidence"])
        ledger.open_purse(batch, budget)
        check_budget(batch, budget)
        for annotator in project.annotators.crowd() | project.annotators.charging():
            trials.try_out(annotator)
        manage(project, options["manager"])
    return batch


def check_numbers(options: Options) -> None:
    """Raises UnusableFile for a share, a count or a method that cannot be."""
    for name, example in (("accept", "0.8"), ("people", "0.1")):
        if options[name] is not None and not 0 <= options[name] <= 1:
            raise UnusableFile(f"--{name} is {options[name]:g}; give a share between 0 and 1, e.g. {example}.")
    if options["validation"] is not None and options["validation"] < 0:
        raise UnusableFile(f"--validation is {options['validation']}; give how many known labels, zero or more.")
    if options["aggregator"] and options["aggregator"] not in NAMES:
        raise UnusableFile(f"There is no method {options['aggregator']!r}; choose one of {', '.join(NAMES)}.")
    if len(options["question"]) > LONGEST_QUESTION:
        raise UnusableFile(
            f"--question is longer than {LONGEST_QUESTION} characters; put what does not fit into --guidelines FILE."
        )
    if options["manager"] and not User.objects.filter(username=options["manager"], is_active=True).exists():
        raise UnusableFile(f"Nobody signs in as {options['manager']!r}; --manager names somebody who does.")


def guidelines(options: Options) -> str:
    """The text of the guidelines' file. Raises UnusableFile where it cannot be read."""
    if not options["guidelines"]:
        return ""
    try:
        return Path(options["guidelines"]).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableFile(
            f"The guidelines {options['guidelines']} cannot be read as a UTF-8 text file; check the path."
        ) from error


def descriptions(given: list[str], labels: list[str]) -> dict[str, str]:
    """What each label means, from LABEL=TEXT. Raises UnusableFile for another form, or a label that is not there."""
    told: dict[str, str] = {}
    for line in given:
        whole = [label for label in labels if line.startswith(f"{label}=")]
        name = max(whole, key=len, default=line.partition("=")[0].strip())
        text = line.removeprefix(name).lstrip()[1:].strip()
        if not name or not text:
            raise UnusableFile(f"--describe is {line!r}; write LABEL=TEXT, e.g. --describe 'noise=Too loud at night'.")
        if name not in labels:
            raise UnusableFile(f"--describe names {name!r}, which is no label; the labels are {', '.join(labels)}.")
        if name in told:
            raise UnusableFile(f"--describe says twice what {name!r} means; say it once.")
        told[name] = text
    return told


def describe(project: Project, meanings: dict[str, str]) -> None:
    """Write down what labels mean. Raises UnusableFile for more than fits."""
    most = Label._meta.get_field("description").max_length
    for name, text in meanings.items():
        if most is not None and len(text) > most:
            raise UnusableFile(f"--describe of {name!r} is longer than {most} characters; use --guidelines FILE.")
        project.first_question.labels.filter(name=name).update(description=text)


def instruct(project: Project, question: str, guidelines: str) -> None:
    """Write down the question and the guidelines, where they are given."""
    from labeling.managing.guidelines import note_change

    if question:
        project.questions.filter(position=0).update(wording=question)
        del project.first_question
    if guidelines:
        Project.objects.filter(pk=project.pk).update(guidelines=guidelines)
    if guidelines and guidelines != project.guidelines and project.batches.exists():
        note_change(project, None)
    project.refresh_from_db(fields=["guidelines"])


def paid_names(options: Options) -> list[str]:
    """The paid models, each once."""
    return list(dict.fromkeys(name for given in options["paid"] for name in _lines(given)))


def _lines(text: str) -> list[str]:
    from labeling.crowd import registry as registered
    from labeling.people import recruiting

    return registered.lines(text, recruiting.named())


def check_budget(batch: Batch, budget: int) -> None:
    """Raises UnusableFile for a budget that does not reach for one answer of any model that costs money.

    Raises a CrowdError for one that cannot be asked at all.
    """
    from labeling.crowd.openai_chat import CONTROL
    from labeling.people import recruiting, voters

    least = {}
    for annotator in batch.project.annotators.charging():
        voter = recruiting.build(annotator.spec)
        voter.prepare(voters.bare_brief(batch.project.first_question))
        ceiling = getattr(voter, "most_it_can_cost", None)
        least[annotator.name] = int(ceiling(CONTROL)) if ceiling else int(annotator.price_microdollars or 0)
    if least and budget < min(least.values()):
        name, most = min(least.items(), key=lambda each: each[1])
        raise UnusableFile(
            f"--budget is {ledger.dollars(budget)}, and {ledger.dollars(most)} must be held while one answer of {name} "
            "is asked for, the most it can cost; give more than that, or leave it out."
        )


def manage(project: Project, username: str) -> None:
    try:
        first_user.give_manager(project, username)
    except Unwise as refusal:
        raise UnusableFile(str(refusal)) from None


def unused(options: Options, batch: Batch) -> list[str]:
    """What was asked for and is not used, a sentence each."""
    told = []
    given = [name for one in options["paid"] for name in _lines(one)]
    told += [
        f"--paid {name} is named {given.count(name)} times and asked once."
        for name in dict.fromkeys(given)
        if given.count(name) > 1
    ]
    if microdollars(options["budget"]) and not batch.project.annotators.charging().exists():
        told.append("--budget is not used, because no --paid model is named.")
    if options["people"] and not options["accept"]:
        told.append("--people leaves nothing to people without --accept: give --accept 0.8 to ask them below 80%.")
    if batch.project.batches.exclude(pk=batch.pk).exists():
        kept = [f"--{name}" for name in ("aggregator", "people") if options[name] not in (None, "")]
        if kept:
            told.append(
                f"The project {batch.project} is there already and keeps its settings: {', '.join(kept)} unused."
            )
    return told


def known_project(options: Options) -> Project | None:
    """The project of this name or address, where it is there already. Raises UnusableFile for several of the name."""
    return project_there(options["project"]) if options["project"] else None


def label_names(options: Options, fields: Fields, path: str, kind: str) -> list[str]:
    """The labels as named, else those of a project that is there already, else those found in gold.

    Gold that holds others than the project's is told as what it is: another set. Raises UnusableFile.
    """
    wished, project = split(options["labels"]), known_project(options)
    there = [label.name for label in project.label_list()] if project else []
    if not registry.has_one_label(kind):
        return there if there and not wished else label_kinds.label_names(path, fields, kind, wished)
    if wished or not there:
        return imports.label_names(path, fields, wished)
    found = gold_labels(path, fields, settings.MAX_TEXT_BYTES) if fields.gold else []
    return there if set(found) <= set(there) else imports.label_names(path, fields, wished)


def find_project(options: Options, fields: Fields, path: str, kind: str) -> Project:
    from labeling.managing.new_projects import free_slug

    name = options["project"] or Path(path).stem.split(".")[0]
    known = known_project(options)
    if known:
        return known
    policy: dict[str, Any] = {"review_share": options["people"] or 0}
    if options["aggregator"]:
        policy["aggregator"] = options["aggregator"]
    if fields.groups:
        policy["group_name"] = fields.groups[0][:60]
    project = Project.objects.create(name=name[:120], slug=free_slug(name), **policy)
    project.questions.update(kind=kind)
    return project


def chosen_fields(options: Options, path: str) -> Fields:
    """The fields that the options name; with pictures a text is read only where the file has it."""
    images = list(dict.fromkeys(name for told in options["image"] for name in split(told)))
    if images and options["file"] == "-":
        raise UnusableFile("--image needs a file on disk: its paths start from the folder of that file.")
    text = split(options["text"])
    if images and options["text"] == DEFAULT_TEXT and DEFAULT_TEXT not in field_names(path):
        text = []
    place = str(Path(options["file"]).resolve().parent) if images else ""
    groups = group_fields(options)
    return fields_for(path, text, options["gold"], groups, options["id"], images=images, pictures=place)


def further_known(path: str, fields: Fields, project: Project | None) -> tuple[str, ...]:
    """The fields of our own export with the known answers to the further questions of a project that is there."""
    names = field_names(path, most_rows=LOOKED_AT) if project and fields.gold else []
    if project is None or not is_labels(names):
        return ()
    known = own_known(names, project.questions.count())
    return tuple(known[1:]) if fields.gold == known[0] else ()


def microdollars(text: str) -> int:
    """US dollars as written, in whole micro-dollars, rounded down."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise UnusableFile(f"--budget is {text!r}; give a number of US dollars, e.g. 5 or 0.50.") from None
    if not amount.is_finite() or amount < 0:
        raise UnusableFile(f"--budget is {text}; give zero or more US dollars.")
    return int(amount * 1_000_000)


def local_path(name: str) -> str:
    """The file's path; standard input, and the sheet of a workbook, are kept in a temporary file."""
    if name.endswith(WORKBOOK):
        lines = Path(tempfile.mkdtemp()) / f"{Path(name).stem}{LINES}"
        workbooks.as_json_lines(Path(name), lines, name)
        return str(lines)
    if name != "-":
        return name
    start = sys.stdin.buffer.read(64)
    suffix = ".jsonl" if start.lstrip().startswith(b"{") else ".csv"
    with tempfile.NamedTemporaryFile(prefix="standard-input-", suffix=suffix, delete=False) as copy:
        copy.write(start)
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return copy.name


def group_fields(options: Options) -> list[str]:
    """The fields with groups, comma between or in options of their own, each once."""
    return list(dict.fromkeys(name for told in options["group"] for name in split(told)))


def split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
