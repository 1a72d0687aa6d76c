"""Any Python callable as a voter: a labeling function, found by its entry point or as module:name."""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from labeling.crowd.abilities import ALL_KINDS, check_kind
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.errors import Misconfigured, unforeseen
from labeling.crowd.lines import CODE, Options, Provider
from labeling.crowd.own_words import said_in
from labeling.kinds.registry import has_one_label

GROUP = "concord.annotators"
"""Packages offer functions under this group of entry points."""


class Function:
    """A voter that calls `label(text, **options)` for each text.

    It returns the answer as files hold it: a label, a list of labels, a number, or stretches as [start, end, type] in
    code points; of one label also a mapping of labels to chances. None is an abstention. A function with an argument
    named `question` gets all of the question (parts, images) in place of its text.
    """

    outside = False
    kinds = ALL_KINDS
    sees = True

    def __init__(self, name: str, call: Callable[..., Any], options: Options) -> None:
        self.name = name
        self._call, self._options = call, options
        self._whole = "question" in _arguments(call)

    def prepare(self, brief: Brief) -> None:
        """Nothing is called before there is a text. Raises Unable for a kind that it cannot answer in."""
        check_kind(self, brief)
        self._brief = brief

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """What the function says to each. Raises Misconfigured for what is no answer, Unforeseen where it fails."""
        for question in questions:
            began = time.perf_counter()
            try:
                told = self._call(question if self._whole else question.text, **self._options)
            except Exception as error:  # what a function of somebody else's does is not foreseen
                raise unforeseen(error, self.name) from error
            answer = Answer(None) if told is None else self._read(told, question)
            yield replace(answer, seconds=time.perf_counter() - began, model=self.name[:120])

    def _read(self, told: Any, question: Question) -> Answer:
        if isinstance(told, Mapping) and has_one_label(self._brief.kind):
            return _by_chances(told, self._brief, self.name)
        return said_in(told, self._brief, question, self.name)


def _by_chances(told: Mapping[str, float], brief: Brief, name: str) -> Answer:
    """The likeliest label, with the chances of all. Raises Misconfigured for chances that are none."""
    strange = [label for label in told if label not in brief.labels.names]
    chances = [float(told.get(label, 0.0)) for label in brief.labels.names]
    total = sum(chances)
    if strange or min(chances) < 0 or not 0 < total < float("inf"):
        raise Misconfigured(
            f"{name} gives chances that are none ({dict(told)!r}); it must name our labels, none below 0."
        )
    shares = tuple(one / total for one in chances)
    return Answer(shares.index(max(shares)), shares)


def _arguments(call: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(call).parameters
    except (TypeError, ValueError):  # some built-in callables do not tell
        return {}


def _made(spec: str, source: str, options: Options) -> Function:
    call = _found(source, spec)
    if not callable(call):
        raise Misconfigured(f"{source} of {spec!r} is no function; name something that can be called.")
    taken = _arguments(call)
    open_to = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values())
    unknown = sorted(options.keys() - taken.keys())
    if taken and unknown and not open_to:
        raise Misconfigured(
            f"{source} takes no option {unknown[0]!r}; it takes {', '.join(list(taken)[1:]) or 'none'}."
        )
    return Function(spec, call, options)


def _found(source: str, spec: str) -> Any:
    """The callable of an entry point's name, or of module:name. Raises Misconfigured."""
    module, colon, name = source.partition(":")
    offered = {one.name: one for one in entry_points(group=GROUP)}
    try:
        if source in offered:
            return offered[source].load()
        if colon and module and name:
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            return found
    except Exception as error:  # importing runs a stranger's code
        words = " ".join(str(error).split())[:150]
        raise Misconfigured(
            f"{source} cannot be imported ({type(error).__name__}: {words}); correct its name."
        ) from error
    there = f"installed are {', '.join(sorted(offered))}" if offered else "no package offers one"
    raise Misconfigured(
        f"{spec!r} names no function; write function:MODULE:NAME, or an entry point of {GROUP} ({there})."
    )


def _about(voter: Function) -> str:
    return f"Python function {voter.name.partition(':')[2].partition('?')[0]}"


def _reach(source: str, _options: Options) -> list[str]:
    return [] if source in entry_points(group=GROUP).names else [CODE]


PROVIDER = Provider("function", _made, _about, _reach, lambda source: source.rpartition(":")[2])
