"""How each kind of answer is asked for in words: the task, the form of the reply, and a reminder of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labeling.crowd.steps import has_steps

if TYPE_CHECKING:
    from labeling.crowd.base import Brief


@dataclass(frozen=True, slots=True)
class Wording:
    """`role` and `task`: the sentences before the labels. `form`: of a JSON reply. `plain`: of a reply in words.

    `reminder`: when the last reply could not be read. `names`: what stands in a completion before the answer.
    """

    role: str
    task: str
    form: str
    plain: str
    reminder: str
    names: str = "Label"


CHOICE = Wording(
    "You label texts.",
    "Choose the one label that fits best:",
    '{"label": "<one of the labels>"}.',
    "Reply with the label alone.",
    'Your last reply named none of the labels. Reply with nothing but {"label": "..."}, naming one of them.',
)
CHOICES = Wording(
    "You label texts.",
    "Choose every label that fits; there may be several, or none:",
    '{"labels": ["<label>", "<another label>"]}, with an empty list where no label fits.',
    "Reply with a line for each label: its name, a colon, and yes or no.",
    'Your last reply could not be read. Reply with nothing but {"labels": [...]}, naming labels that fit or none.',
    "Labels",
)
SCALE = Wording(
    "You rate texts.",
    "Choose the step of the scale that fits best; the steps, from the lowest to the highest:",
    '{"value": <the step>}.',
    "Reply with the step alone.",
    'Your last reply named no step of the scale. Reply with nothing but {"value": ...}, naming one of them.',
    "Value",
)
SCALE_OF_NUMBERS = Wording(
    "You rate texts.",
    "Give a number on a scale; its ends, the lowest and the highest:",
    '{"value": <a number between the ends>}.',
    "Reply with the number alone.",
    'Your last reply named no number of the scale. Reply with nothing but {"value": ...}, between the ends.',
    "Value",
)
SPANS = Wording(
    "You mark stretches of text.",
    "Mark every stretch that is of one of these types:",
    '{"spans": [{"quote": "<words copied exactly from the text>", "label": "<type>"}]}, '
    "the stretches in the order of the text, an empty list where there is nothing to mark. Copy each quote letter by "
    "letter, no more of it than the stretch. A quote that is listed twice means its first two occurrences; to mark a "
    'later occurrence alone, add its number, for example "occurrence": 2.',
    'Reply with one stretch a line, as "words copied exactly from the text | type", or with: nothing.',
    'Your last reply could not be read. Reply with nothing but {"spans": [{"quote": "...", "label": "..."}]}, with '
    "quotes copied exactly from the text.",
    "Spans",
)
WORDINGS = {"choice": CHOICE, "choices": CHOICES, "scale": SCALE, "spans": SPANS}
OF_NUMBERS = {"scale": SCALE_OF_NUMBERS}
"""In place of the above where the labels are two ends, or too many to be steps."""


def wording(brief: Brief) -> Wording:
    """The words for the brief's kind."""
    plain = WORDINGS[brief.kind]
    space = brief.space
    return plain if not space.values or has_steps(space) else OF_NUMBERS.get(brief.kind, plain)


def in_words(brief: Brief, said: Any) -> str:
    """A known answer as `plain` asks for it."""
    return _IN_WORDS.get(brief.kind, _as_read)(brief, said)


def _as_read(brief: Brief, said: Any) -> str:
    return brief.answers.words(said, brief.space)


def _line_by_line(brief: Brief, said: Any) -> str:
    chosen = set(filter(None, brief.answers.written(said, brief.space)))
    return "\n".join(f"{name}: {'yes' if name in chosen else 'no'}" for name in brief.space.labels)


_IN_WORDS = {"choices": _line_by_line}
