"""What no log can know about data: the questions of a short form, answered once for a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labeling.models import Project, Statement

ORIGINS = ("written or taken by people", "made by a model", "origin unknown")
NOVELTY = (
    *("new, from people", "new, from a model", "translated by people", "translated by machine"),
    *("collected from what was there", "derived from what was there"),
)
USES = (
    *("pre-training", "supervised fine-tuning", "reinforcement learning", "evaluation", "analysis", "knowledge base"),
)
OTHER_LANGUAGES = ("none", "program code", "mathematics or logic", "biological sequences", "constructed languages")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the form. `choices`: what may be ticked, any number of them; `help`: what an answer may say."""

    key: str
    title: str
    help: str
    choices: tuple[str, ...] = ()


QUESTIONS = (
    Asked("purpose", "What are the data for?", "The task they were made for, and who wanted them."),
    Asked("uses", "How may they be used?", "Add what they should not be used for.", USES),
    Asked("origin_text", "Where do the texts come from?", "Say from where and when.", ORIGINS),
    Asked("origin_pictures", "Where do the pictures come from?", "Leave it empty where there are none.", ORIGINS),
    Asked("novelty", "What is new in them?", "Name the sources they were taken or derived from.", NOVELTY),
    Asked("languages", "Which languages are they in?", "Names or codes, such as English or de, fr."),
    Asked("other_languages", "Is there anything beside human language?", "", OTHER_LANGUAGES),
    Asked("creator", "Who made them?", "A person or an organisation, as it should be named."),
    Asked("license", "Under which licence?", "Best the address of a known licence."),
    Asked("address", "Where are they published?", "The address of a page, once there is one."),
    Asked("people_in_data", "Do they tell of people?", "Personal or sensitive facts, and whether people agreed."),
    Asked("who_labeled", "Who are the people that labeled?", "How they were found, trained and paid; not their names."),
    Asked("limits", "What are their limits?", "Known biases, gaps, and what a reader should beware of."),
    Asked("maintenance", "Who keeps them up?", "Whom to write to, and how errors are corrected."),
)
Answers = Mapping[str, Statement]


def answers(project: Project) -> dict[str, Statement]:
    """What was answered so far, by key."""
    return {one.key: one for one in project.statements.all()}


def said(found: Answers, key: str) -> str:
    """An answer as one text, "" where there is none."""
    one = found.get(key)
    return "; ".join(part for part in (", ".join(one.chosen), one.words.strip()) if part) if one else ""


def unanswered(found: Answers) -> list[Asked]:
    """Questions to which nobody has said anything."""
    return [one for one in QUESTIONS if not said(found, one.key)]
