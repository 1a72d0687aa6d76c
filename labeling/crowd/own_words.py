"""Answers of programs, in the form in which files hold them: a label, a list of labels, a number, or stretches."""

from __future__ import annotations

from typing import Any

from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.errors import Misconfigured
from labeling.crowd.kinds.registry import ways
from labeling.kinds.base import NoAnswer, UnusableAnswer
from labeling.kinds.cells import Rules, listed
from labeling.kinds.registry import has_one_label


def said_in(told: Any, brief: Brief, question: Question, name: str) -> Answer:
    """What a program told about a question, spelled as our labels are. Raises Misconfigured for what is no answer.

    An empty text is an abstention; an empty list is none of the labels, or no stretch.
    """
    if told == "":
        return Answer(None)
    kind, plain = brief.answers, list(told) if isinstance(told, (tuple, set, frozenset)) else told
    try:
        names = kind.meaning(dict.fromkeys(kind.named(plain), 1), Rules(labels=brief.labels.names, fold_case=True)).name
        said = kind.read(kind.respelled(plain, names), brief.space_of(question), question.task)
    except NoAnswer:
        return Answer(None)
    except (UnusableAnswer, TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        shown = repr(told) if len(repr(told)) < 80 else f"{repr(told)[:80]}…"
        raise Misconfigured(
            f"{name.partition('?')[0]} answers {shown}, which is not {ways(brief.kind).form} of ours "
            f"({listed(brief.labels.names)})."
        ) from error
    return Answer(said if has_one_label(brief.kind) else None, said=said)
