"""Members that need no download, and the crowd of them weighed by `auto`, on kinds other than one label.

Run by `python -m tests.benchmarks.members [SET ...] [--draws 5] [--known 100]`. Prints for each set the first metric of
each member, the mean and the best of them, and of the crowd, on the texts whose answer was not known; means over draws
of the known answers; and CPU seconds per member. Where a set has no right answers, what its people say together counts.
Needs the folder shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.crowd.base import Brief, Example, LabelSet, Picture, Question
from labeling.crowd.registry import build, embedded_crowd
from labeling.files.kind_votes import read_raw, table_of
from labeling.kinds import registry
from labeling.kinds.base import AnswerTable, Kind, Known, taken
from labeling.kinds.cells import Rules
from tests.benchmarks.kinds_quality import FOLDER

MOST = 500
"""Texts of a set, drawn once."""
SETS = {
    "red_v2": ("choices", "votes.csv", "gold.csv"),
    "people_at_work": ("choices", "votes_choices_simulated.csv", "gold_choices.csv"),
    "convabuse_severity": ("scale", "votes.csv", ""),
    "popquorn_offensiveness": ("scale", "votes.csv", ""),
    "snow_valence": ("scale", "votes.csv", "gold.csv"),
    "ner_llm_biodiv": ("spans", "votes.jsonl.gz", "gold.jsonl"),
    "toxic_spans": ("spans", "votes.jsonl", ""),
    "crowd_oei_dev": ("spans", "votes.jsonl", "gold.jsonl"),
}


@dataclass(frozen=True, slots=True)
class Set:
    """Questions, the right answer to each, and the label set."""

    kind: Kind
    questions: list[Question]
    gold: list[Any]
    labels: tuple[str, ...]


def read(name: str) -> Set:
    """At most 500 tasks of one set."""
    kind_name, votes, gold = SETS[name]
    kind, folder = registry.kind(kind_name), FOLDER / name
    told = json.loads((folder / "meta.json").read_text())
    labels = tuple(map(str, told.get("choices", told["labels"])))
    items = [json.loads(line) for line in (folder / "items.jsonl").open(encoding="utf-8")]
    order = np.random.default_rng(0).permutation(len(items))[:MOST].tolist()
    questions = [_question(items[at], folder) for at in order]
    rules, columns = Rules(labels=labels), ("task", "worker", kind.field)
    raw = read_raw(str(folder / (gold or votes)), kind, ("task", kind.field) if gold else columns, rules)
    space = kind.space(kind.meaning(raw.occurring, rules), rules, {one.task: one.text for one in questions})
    table = table_of(raw, kind, space, kind.meaning(raw.occurring, rules).name)[0]
    answers = table.answers if gold else kind.infer(table, "auto", None, 0).answers
    tasks = [table.tasks[at] for at in table.task.tolist()] if gold else list(table.tasks)
    right = dict(zip(tasks, list(answers), strict=True))
    there = [one for one in questions if one.task in right]
    return Set(kind, there, [right[one.task] for one in there], labels)


def _question(item: dict[str, Any], folder: Any) -> Question:
    if not item.get("image"):
        return Question(item["id"], (("text", item["text"]),))
    with zipfile.ZipFile(folder / "images.zip") as archive:
        content = archive.read(item["image"])
    return Question(item["id"], (), (Picture(item["image"], "image/png", lambda: content),))


@dataclass(frozen=True, slots=True)
class Draw:
    """Which tasks are known, what each member said to every task, and its CPU seconds."""

    known: list[int]
    said: dict[str, list[Any]]
    seconds: dict[str, float]


def draw(one: Set, seed: int, known: int, members: Sequence[str]) -> Draw:
    """Answers of all members that learned from one draw of known answers, at most half of all."""
    count = min(known, len(one.questions) // 2)
    drawn = np.random.default_rng(seed).permutation(len(one.questions))[:count].tolist()
    examples = tuple(Example(one.questions[at], said=one.gold[at]) for at in drawn)
    brief = Brief(LabelSet(one.labels), examples=examples, texts=tuple(one.questions), seed=seed, kind=one.kind.name)
    said, seconds = {}, {}
    for name in members:
        voter, began = build(name), time.process_time()
        voter.prepare(brief)
        said[name] = [answer.said for answer in voter.answer(one.questions)]
        seconds[name] = time.process_time() - began
    return Draw(drawn, said, seconds)


def together(one: Set, drawn: Draw) -> list[Any]:
    """What `auto` makes of the members' answers and the known ones."""
    rules, texts = Rules(labels=one.labels), {question.task: question.text for question in one.questions}
    space = one.kind.space(one.kind.meaning({}, rules), rules, texts)
    n, names = len(one.questions), list(drawn.said)
    entries = [answer for name in names for answer in drawn.said[name]]
    task = np.tile(np.arange(n, dtype=np.int32), len(names))
    annotator = np.repeat(np.arange(len(names), dtype=np.int32), n)
    tasks = [question.task for question in one.questions]
    table = AnswerTable(space, tasks, names, task, annotator, one.kind.pack(entries, space))
    right = Known(np.array(drawn.known, dtype=np.int32), one.kind.pack([one.gold[at] for at in drawn.known], space))
    return list(one.kind.infer(table, "auto", right, 0).answers)


def scored(one: Set, drawn: Draw, said: list[Any]) -> float:
    """The first metric on what was not known."""
    rest = np.setdiff1d(np.arange(len(one.gold)), drawn.known)
    brief = Brief(LabelSet(one.labels), kind=one.kind.name)
    given, right = one.kind.pack(said, brief.space), one.kind.pack(one.gold, brief.space)
    return float(one.kind.score(taken(given, rest), taken(right, rest), brief.space)[one.kind.metrics[0]])


def measure(name: str, draws: int, known: int) -> None:
    """Print one table."""
    one = read(name)
    members = embedded_crowd(int(bool(one.questions[0].text)), one.kind.name, len(one.questions[0].images))
    values: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(draws):
        drawn = draw(one, seed, known, members)
        for member, said in drawn.said.items():
            values.setdefault(member, []).append(scored(one, drawn, said))
            seconds.setdefault(member, []).append(drawn.seconds[member])
        values.setdefault("the crowd", []).append(scored(one, drawn, together(one, drawn)))
    table = np.array([values[member] for member in members])
    smaller = one.kind.metrics[0] == "mae"
    values["mean member"] = table.mean(axis=0).tolist()
    values["best member of each draw"] = (table.min(axis=0) if smaller else table.max(axis=0)).tolist()
    print(f"\n{name}: {one.kind.metrics[0]}, {len(one.questions)} tasks, {known} known, {draws} draws", flush=True)
    for member, row in values.items():
        spent = f"{np.mean(seconds[member]):6.1f} CPU s" if member in seconds else ""
        print(f"  {member:26} {np.mean(row):.3f}  ({' '.join(f'{value:.3f}' for value in row)}) {spent}", flush=True)


def main() -> None:
    """The tables of the sets that are named, else of all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--known", type=int, default=100)
    options = parser.parse_args()
    for name in options.sets or list(SETS):
        measure(name, options.draws, options.known)


if __name__ == "__main__":
    main()
