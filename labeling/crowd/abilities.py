"""Which voter can be asked what: a voter that cannot is told so before anything is loaded or sent."""

from __future__ import annotations

from collections.abc import Mapping

from labeling.crowd.base import Brief, Question, Voter
from labeling.crowd.errors import Unable
from labeling.crowd.kinds.registry import NAMES, ways, where

ALL_KINDS = NAMES
LEARNED = where(lambda one: one.head)
"""Kinds whose answers are learned from features of the whole."""
SCORED = where(lambda one: one.scored)
BY_CLASSES, BY_NUMBER = where(lambda one: one.by_classes), where(lambda one: one.by_number)
FOUND = where(lambda one: one.by_findings)
"""Kinds that rules which are written down can answer in."""
TAGGED = where(lambda one: one.tagged)
ABLE: Mapping[str, str] = {name: ways(name).able for name in sorted(NAMES)}
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
