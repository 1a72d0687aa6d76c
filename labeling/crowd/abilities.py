"""Which voter can be asked what: a voter that cannot is told so before anything is loaded or sent."""

from __future__ import annotations

from collections.abc import Mapping

from labeling.crowd.base import Brief, Question, Voter
from labeling.crowd.errors import Unable
from labeling.kinds.registry import NAMES

ALL_KINDS = frozenset(NAMES)
WITHOUT_PLACES = frozenset({"choice", "choices", "scale"})
"""Kinds whose answer is told by the whole, not by places in it."""
ABLE: Mapping[str, str] = {
    "choice": "any specialist, causal:, embedding:, pipeline: and chat:",
    "choices": "any specialist, causal:, embedding:, pipeline: and chat:",
    "scale": "any specialist, causal:, embedding:, pipeline: and chat:",
    "spans": "span_logistic and the other span_ specialists, pipeline: with a model of tokens, and chat:",
}
SAMPLE = 200
"""So many questions are looked at."""
SEEING = "image_thumbnail and the other image_ specialists, embedding: and pipeline: with a model of images, and chat:"


def check_kind(voter: Voter, brief: Brief) -> None:
    """Raises Unable, naming who can, where the voter cannot answer in the brief's kind or see its images."""
    name = voter.name.partition("?")[0]
    if brief.kind not in voter.kinds:
        raise Unable(f"{name} cannot answer in {brief.kind}; {ABLE[brief.kind]} can.")
    shown = _questions(brief)
    blind = not voter.sees and any(question.images for question in shown)
    if blind and not any(question.text.strip() for question in shown):
        raise Unable(f"{name} cannot see images, and these tasks have no text; {SEEING} can.")


def check_sight(voter_name: str, brief: Brief) -> None:
    """Raises Unable where a voter that reads images alone is given tasks without any."""
    shown = _questions(brief)
    if shown and not any(question.images for question in shown):
        raise Unable(f"{voter_name} looks at images, but these tasks have none; leave it out of the crowd.")


def _questions(brief: Brief) -> list[Question]:
    return [*(example.question for example in brief.examples), *brief.texts][:SAMPLE]
