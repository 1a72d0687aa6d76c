"""Several questions about one thing in one prompt: text, images and examples once, an answer under a key for each.

Every question is told as it is told alone (`wordings`), and its answer has the form that it has alone; so each answer
is read by its own reader (`joint_replies`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from labeling.crowd import prompts
from labeling.crowd.base import Brief, Example, Question
from labeling.crowd.prompts import Attach, Message
from labeling.crowd.shots import NearestExamples, ShotPicker, best_first
from labeling.crowd.wordings import wording

TEMPLATE = "1"
"""Change it with every change of wording: votes remember the version they were given under."""
Shown = dict[int, Example]
"""One known text with its known answers, by the place of the question."""


def key(place: int) -> str:
    """Under what the answer to a question stands in the reply."""
    return f"q{place + 1}"


def messages(
    briefs: Mapping[int, Brief], question: Question, shots: Sequence[Shown], *, attach: Attach | None = None
) -> list[Message]:
    """A conversation that asks for one JSON object with an answer to each of the `briefs`, by place.

    A worked example may hold the answers to some of the questions alone: each message says which are wanted.
    """
    asked: list[Message] = [{"role": "system", "content": instructions(briefs)}]
    for shown in shots:
        asked.append(_wanted(subject(shown), shown, attach))
        told = {key(place): _given(briefs[place], example) for place, example in shown.items()}
        asked.append({"role": "assistant", "content": json.dumps(told, ensure_ascii=False)})
    return [*asked, _wanted(question, briefs, attach)]


def instructions(briefs: Mapping[int, Brief]) -> str:
    """The questions in their order, each with its labels, its guidelines and the form of its answer."""
    shared = next(iter(briefs.values())).shared
    form = ", ".join(f'"{key(place)}": {{...}}' for place in briefs)
    told = [
        "You answer several questions about each text, every one for itself. Reply with one JSON object that holds the "
        f"answers that are wanted, each under the key of its question: {{{form}}}.",
        *([f"Guidelines for all of them:\n{shared}"] if shared.strip() else []),
    ]
    for place, brief in briefs.items():
        words = wording(brief)
        told += prompts.asked_for(brief, f'Question "{key(place)}". {words.task}', _own(brief))
        told.append(f'Its answer is an object: "{key(place)}": {words.form}')
    return "\n\n".join([*told, prompts.BETWEEN])


def reminder(places: Collection[int]) -> str:
    """When the last reply answered none of these."""
    form = ", ".join(f'"{key(place)}": {{...}}' for place in places)
    return f"Your last reply could not be read. Reply with nothing but {{{form}}}, each in the form of its question."


def schema(briefs: Mapping[int, Brief]) -> dict[str, Any]:
    """The JSON schema of the reply."""
    answers = {key(place): brief.answers.schema(brief.space) for place, brief in briefs.items()}
    return {"type": "object", "properties": answers, "required": list(answers), "additionalProperties": False}


def version(versions: Mapping[int, str]) -> str:
    """A short hash of all that the prompt is made of besides the text: the prompts of its questions, by place."""
    told = json.dumps([TEMPLATE, *([key(place), one] for place, one in versions.items())])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def shots_together(
    question: Question, pickers: Mapping[int, ShotPicker], known: Mapping[int, Mapping[str, Example]], count: int
) -> list[Shown]:
    """Known texts, each once with all that is known of it, until every question has `count` answers shown.

    Taken in turn from what is picked for each question alone, the best first; the nearest ones stand last, as they do
    alone. `known`: the examples of each question by the name of their text.
    """
    waiting = {place: best_first(picker, question) for place, picker in pickers.items()}
    shown: dict[str, Shown] = {}
    told = Counter[int]()
    while any(waiting.values()):
        for place, picked in waiting.items():
            if told[place] >= count:
                picked.clear()
            while picked:
                name = picked.pop(0).question.task
                if name not in shown:
                    shown[name] = {other: known[other][name] for other in waiting if name in known[other]}
                    told.update(list(shown[name]))
                    break
    order = list(shown.values())
    return order[::-1] if any(isinstance(picker, NearestExamples) for picker in pickers.values()) else order


def subject(shown: Shown) -> Question:
    """The known text."""
    return next(iter(shown.values())).question


def _given(brief: Brief, example: Example) -> Any:
    return json.loads(prompts.given(brief, example, as_json=True))


def _wanted(question: Question, places: Collection[int], attach: Attach | None) -> Message:
    """The text, and which answers are wanted."""
    keys = ", ".join(f'"{key(place)}"' for place in places)
    content = prompts.content(question, attach)
    told = f"Answers wanted: {keys}."
    both = f"{content}\n\n{told}" if isinstance(content, str) else [*content, {"type": "text", "text": told}]
    return {"role": "user", "content": both}


def _own(brief: Brief) -> str:
    """The guidelines of this question alone."""
    return brief.instructions.replace(brief.shared, "", 1).strip() if brief.shared.strip() else brief.instructions
