"""The sections of a datasheet in the order in which they are read; what each says is taken from the plain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairness.datasheet.plain import Plain
from fairness.disclosure import about_questions
from fairness.disclosure.asked import QUESTIONS
from fairness.disclosure.document import Code, Items, Linked, Section, Words, facts, money, table, told, words

Blocks = list[Any]
FIRST_SHOWN = 20


def sections(sheet: Plain) -> list[Section]:
    """All of them; those with nothing to say are left out."""
    made = [Section(key, title, tuple(write(sheet))) for key, title, write in OF_ALL]
    made[4:4] = [about_questions.section(one, len(sheet["questions"])) for one in sheet["questions"]]
    return [one for one in made if one.blocks]


def title(sheet: Plain) -> str:
    return f"Datasheet of {sheet['dataset']['batch']}, {sheet['dataset']['project']}"


def _summary(sheet: Plain) -> Blocks:
    one, settled = sheet["questions"][0], sum(each["settled"] for each in sheet["questions"])
    tasks = sum(each["tasks"] - each["not_asked"] for each in sheet["questions"])
    said = [
        Words(f"{settled:,} of {tasks:,} tasks about {sheet['instances']['instances']:,} instances are settled.", True)
    ]
    said.append(Words(f"Right: {told(one['right']['share'])}. {one['right']['basis'].capitalize()}."))
    said.append(Words("Every number here is taken from the rows of the database; people are numbered, not named."))
    return [*said, *([Words("Its limits:"), Items(tuple(sheet["limits"]))] if sheet["limits"] else [])]


def _source(sheet: Plain) -> Blocks:
    said, there = sheet["statements"], sheet["instances"]
    rows = [(one.title, said[one.key]) for one in QUESTIONS]
    silent = "; ".join(one.title.rstrip("?") for one in QUESTIONS if not said[one.key])
    read = [
        ("Batch", f"{sheet['dataset']['batch']}, number {sheet['dataset']['number']}"),
        ("Language", sheet["dataset"]["language"]),
        ("Imported", sheet["dataset"]["created_at"]),
        ("Finished", sheet["dataset"]["finished_at"] or f"not yet, it is {sheet['dataset']['stage']}"),
        ("Texts stay on the machine", sheet["dataset"]["stays_on_this_machine"]),
        ("Rows read", there["rows_read"]),
        ("of them new, duplicate, bad", [there["rows_new"], there["rows_duplicate"], there["rows_bad"]]),
        ("Instances", there["instances"]),
        ("with text, with pictures", [there["with_text"], there["with_pictures"]]),
    ]
    sizes = [(name, value or "none", n) for name, groups in there["groups"].items() for value, n in groups.items()]
    groups = table("Groups", ("Attribute", "Group", "Instances"), sizes, [2])
    return [facts(read), *groups, facts(rows), *([Words(f"Nobody has said yet: {silent}.")] if silent else [])]


def _told(sheet: Plain) -> Blocks:
    found = sheet["instructions"]
    rows = [(one["number"], one["since"], one["digest"][:12], one["why"]) for one in found["versions"]]
    versions = table("Versions of what annotators are told", ("Version", "Since", "SHA-256", "Why"), rows)
    return [Words(found["guidelines"] or "There are no guidelines beside the questions."), *versions]


def _annotators(sheet: Plain) -> Blocks:
    rows = [
        (
            one["name"],
            one["kind"],
            _model(one),
            one["answers"],
            f"{one['refusals']:,} ({told(one['refusal_rate'])})" if one["refusals"] else "0",
            f"{one['tokens_in']:,}, {one['tokens_out']:,}" if one["tokens_in"] else "–",
            money(one["spent_usd"]),
        )
        for one in sheet["annotators"]
    ]
    head = ("Who", "Kind", "Model, decoding", "Answers", "Refusals", "Tokens in, out", "Spent")
    prompts = [
        (one["name"], one["joined_at"], one["model_versions"], one["prompt_hashes"], _prices(one), one["seconds_each"])
        for one in sheet["annotators"]
        if one["model_versions"] or one["prompt_hashes"] or _prices(one) != "–"
    ]
    second = ("Who", "Joined", "Versions", "Prompt hashes", "Prices, US dollars", "Seconds each")
    return [*table("", head, rows, [3, 4, 5, 6]), *table("Versions, prompts, prices", second, prompts, [5])]


def _model(one: Plain) -> str:
    if "model" not in one:
        return "–"
    decoding = ", ".join(f"{name} {value}" for name, value in one["decoding"].items())
    outside = f" at {one['server']}" if "server" in one else ""
    return f"{one['model']}{outside}{f'; {decoding}' if decoding else ''}"


def _prices(one: Plain) -> str:
    stated = words(one.get("stated_prices_usd", {}))
    most = one["most_for_one_answer_usd"]
    return f"{stated}; at most {money(most)} an answer" if most else stated


def _cooperation(sheet: Plain) -> Blocks:
    found = sheet["cooperation"]
    led = [(found["meaning"][who], n) for who, n in found["led_by"].items()]
    handed = [
        ("Handed from machines to people", found["handed_over"]),
        ("to whom", found["handed_over_to"]),
        ("because", found["handed_over_because"]),
        ("Not settled", found["undecided"]),
    ]
    said = Words(
        "Who decided each single task, who led and when it was handed over stands in the JSON sheet and beside "
        "the Croissant file, one record a task."
    )
    decided = [(by, n) for by, n in found["decided_by"].items()]
    return [
        *table("Who led", ("Who", "Tasks"), led, [1]),
        *table("Who decided", ("By", "Tasks"), decided, [1]),
        facts(handed),
        said,
        *_first(sheet.get("provenance", [])),
    ]


def _first(records: list[Plain]) -> Blocks:
    rows = [
        (one["task"], one["question"], one["decided_by"], one["led_by"], (one["handed_over"] or {}).get("at"))
        for one in records[:FIRST_SHOWN]
    ]
    head = ("Task", "Question", "Decided by", "Led by", "Handed over")
    return table(f"The first {len(rows)} of {len(records):,} tasks", head, rows)


def _events(sheet: Plain) -> Blocks:
    found = sheet["events"]
    rows = [
        (
            one["kind"],
            one["about"],
            one["why"],
            one["raised_at"],
            one["cleared_at"] or "stands",
            one["paused_what_it_concerns"],
            "; ".join(f"{answer['what']}: {answer['why'] or answer['done']}" for answer in one["answers"]),
        )
        for one in found["alarms"]
    ]
    said = [
        ("Paused since", found["paused_at"]),
        ("Stopped because", found["stopped_because"]),
        ("Paid calls stopped since", found["paid_calls_stopped_at"]),
        ("Models set aside", found["models_set_aside"]),
        ("Errors learned by groups of", found["errors_learned_by"]),
        ("Machines settle from this confidence on", told({"value": found["accepted_from"]})),
        (
            "for this batch",
            told({"value": found["accepted_for_this_batch_from"]}) if found["accepted_for_this_batch_from"] else None,
        ),
        ("Accepted below it by a manager", found["accepted_below_the_line"]),
        ("Decisions superseded, by who had made them", found["superseded_decisions_by_who_made_them"]),
        ("Final answers of people against the votes", found["last_word_differs_from_the_votes"]),
    ]
    head = ("What", "About", "Why", "Raised", "Cleared", "Paused it", "Answers")
    return [facts(said), *table("Alarms", head, rows), *([] if rows else [Words("No alarm was raised.")])]


def _money(sheet: Plain) -> Blocks:
    found = sheet["money"]
    rows = [
        ("Cap", money(found["cap_usd"])),
        ("Spent", money(found["spent_usd"])),
        ("Held", money(found["held_usd"])),
        ("Billed beyond the cap", money(found["overdrawn_usd"]) if found["overdrawn_usd"] else None),
        ("Calls of unknown outcome", found["outcome_unknown"]),
        ("Movements in the ledger", found["movements"]),
        ("Tokens in, out", [found["tokens_in"], found["tokens_out"]]),
    ]
    by = [
        (kind, one["answers"], money(one["spent_usd"]), money(one["held_usd"]))
        for kind, one in found["by_kind"].items()
    ]
    return [facts(rows), *table("By kind", ("Kind", "Answers", "Spent", "Held"), by, [1, 2, 3])]


def _rubric(sheet: Plain) -> Blocks:
    rows = [
        (
            one["group"],
            one["dimension"],
            one["values"],
            one["from"],
            Linked(words([e["says"] for e in one["evidence"]]), one["evidence"][0]["link"]),
        )
        for one in sheet["rubric"]
    ]
    return table("", ("Part", "Dimension", "Answer", "From", "Evidence"), rows)


def _reproduce(sheet: Plain) -> Blocks:
    files = [one["labels_file"] for one in sheet["questions"]]
    rows = [(one["name"], one["rows"], one["bytes"], one["sha256"]) for one in files]
    lines = (*(one["command"] for one in files), sheet["reproduce"]["sheet"], *sheet["reproduce"]["weighing"])
    return [
        *table("Files of labels", ("File", "Rows", "Bytes", "SHA-256"), rows, [1, 2]),
        Code(lines),
        Words(f"{sheet['reproduce']['note']} Build {sheet['reproduce']['build']}."),
    ]


OF_ALL: list[tuple[str, str, Callable[[Plain], Blocks]]] = [
    ("summary", "In short", _summary),
    ("source", "What the data are", _source),
    ("told", "What annotators were told", _told),
    ("annotators", "Who annotated", _annotators),
    ("cooperation", "Models and people", _cooperation),
    ("events", "Alarms, pauses, last words", _events),
    ("money", "Money and tokens", _money),
    ("rubric", "DataRubrics", _rubric),
    ("reproduce", "Files and how to make them again", _reproduce),
]
