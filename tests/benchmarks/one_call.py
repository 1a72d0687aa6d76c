"""What asking all questions about a text in one call saves, against one call for each question, on real texts.

Run by `python -m tests.benchmarks.one_call [ITEMS.jsonl] [--field passage] [--texts 100] [--shots 0 3]`; without a file
on the passages of BoolQ.
A chat model on this machine is asked three questions of different kinds about each text, the same ones in both ways;
its server counts four bytes as a token. `--guidelines 120`: words that stand with all questions. Prints one JSON line
for each number of shots: requests, tokens and micro-dollars of both ways (0.15 and 0.60 US dollars per million tokens).
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from labeling.crowd.base import Answer, Brief, Example, LabelSet, Question
from labeling.crowd.openai_chat import ChatModel
from labeling.crowd.registry import build
from labeling.kinds.registry import has_one_label
from tests.fake_openai import FakeOpenAI, Request

ITEMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "items"
RULES = "Read the whole text before you answer, and judge by what it says, not by what is likely to be true of it. "


class Metered(FakeOpenAI):
    """A server whose token is four bytes."""

    def charge(self, request: Request, content: str, *, beyond: int = 0) -> dict[str, int]:
        used = {"prompt_tokens": len(request.prompt.encode()) // 4, "completion_tokens": len(content) // 4 + beyond}
        self.bill_microdollars += math.ceil(sum(p * n for p, n in zip(self.prices, used.values(), strict=True)))
        return {**used, "total_tokens": sum(used.values())}


def briefs(words: int, known: list[Question]) -> list[Brief]:
    """Three questions of different kinds with the same guidelines, and what is known of them."""
    rules = " ".join((RULES * (words // 20 + 1)).split()[:words])
    topics, tones = LabelSet(("science", "history", "sports", "arts", "other")), LabelSet(("1", "2", "3", "4", "5"))
    made = [
        Brief(topics, f"What is the text about?\n\n{rules}", shared=rules),
        Brief(LabelSet(("person", "place", "date", "number")), rules, kind="choices", wording="What does it name?"),
        Brief(tones, rules, kind="scale", wording="How hard is it to read, from 1, easy, to 5?"),
    ]
    return [
        replace(brief, shared=rules, examples=tuple(_example(brief, one, n) for n, one in enumerate(known)))
        for brief in made
    ]


def _example(brief: Brief, asked: Question, n: int) -> Example:
    one = n % len(brief.labels)
    name = brief.labels.names[one]
    said = brief.answers.read(name if brief.answers.form == "cell" else [name], brief.space)
    return Example(asked, one if has_one_label(brief.kind) else -1, said)


def used(server: Metered, voters: list[Any], questions: list[Question]) -> dict[str, int]:
    """Requests, tokens and money of asking all of these."""
    server.requests.clear()
    server.bill_microdollars = 0
    answers = [one for voter in voters for one in voter.outcomes(questions)]
    assert all(isinstance(one, Answer) and all(part.said is not None for part in one.each) for one in answers)
    tokens = [sum(getattr(one, name) for one in answers) for name in ("input_tokens", "output_tokens")]
    return {
        "requests": len(server.requests),
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "microdollars": server.bill_microdollars,
    }


def measure(questions: list[Question], known: list[Question], shots: int, words: int) -> dict[str, Any]:
    """Both ways, on the same server."""
    with Metered() as server:
        members = []
        for brief in briefs(words, known):
            line = f"chat:m@{server.base_url}?local=yes&input=0.15&output=0.60&shots={shots}&concurrency=4"
            voter = build(line)
            assert isinstance(voter, ChatModel)
            voter.prepare(brief)
            members.append(voter)
        apart = used(server, members, questions)
        together = used(
            server, [members[0].together(members[1:])], [replace(one, about=(0, 1, 2)) for one in questions]
        )
    saved = {name: round(1 - together[name] / apart[name], 3) for name in apart}
    return {"texts": len(questions), "shots": shots, "apart": apart, "together": together, "saved": saved}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", type=Path, nargs="?", default=ITEMS / "boolq.jsonl")
    parser.add_argument("--field", default="passage")
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--shots", type=int, nargs="*", default=[0, 3])
    parser.add_argument("--guidelines", type=int, default=120)
    chosen = parser.parse_args()
    texts = [json.loads(line)[chosen.field] for line in chosen.items.read_text(encoding="utf-8").split("\n")[:-1]]
    questions = [Question(f"t{n}", (("Text", text),)) for n, text in enumerate(texts[: chosen.texts + 20])]
    for shots in chosen.shots:
        found = measure(questions[20:], questions[:20], shots, chosen.guidelines)
        print(json.dumps(found | {"guidelines": chosen.guidelines}), flush=True)


if __name__ == "__main__":
    main()
