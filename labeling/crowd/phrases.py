"""Labels by words, phrases and regular expressions that stand in a text: a voter that is written down, not trained."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from labeling.crowd.abilities import FOUND, check_kind
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.errors import Misconfigured
from labeling.crowd.kinds.registry import ways
from labeling.crowd.lines import FILES, Options, Provider
from labeling.kinds.cells import listed

Rules = Mapping[str, re.Pattern[str]]
"""What names a label, by its name."""


class Phrases:
    """A voter that gives a label where something of its list stands in the text.

    Of one label it gives the one with the most different findings and says nothing where none or several have most; of
    a set all that are found; of stretches every finding, of those that overlap the longest.
    """

    outside = False
    kinds = FOUND
    sees = False

    def __init__(self, name: str, rules: Rules) -> None:
        self.name = name
        self._rules = rules

    def prepare(self, brief: Brief) -> None:
        """Match the lists with the labels. Raises Misconfigured for a list of what is no label."""
        check_kind(self, brief)
        ours = {name.casefold(): place for place, name in enumerate(brief.space.labels)}
        strange = [name for name in self._rules if name.casefold() not in ours]
        if strange:
            shown = self.name.partition(":")[0]
            raise Misconfigured(
                f"{shown} names {strange[0]!r}, which is no label; ours are {listed(brief.space.labels)}."
            )
        self._places = {ours[name.casefold()]: pattern for name, pattern in self._rules.items()}
        self._say, self._count = ways(brief.kind).by_findings, len(brief.space.labels)

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """What is found in each text."""
        for question in questions:
            began, text = time.perf_counter(), question.text
            found = {place: [m.span() for m in one.finditer(text) if m[0]] for place, one in self._places.items()}
            assert self._say is not None
            answer = self._say(text, {place: spans for place, spans in found.items() if spans}, self._count)
            yield Answer(answer.label, said=answer.said, seconds=time.perf_counter() - began, model=self.name[:120])


def _keywords(spec: str, source: str, options: Options) -> Phrases:
    """Whole words in any case; a star stands for the rest of a word."""
    if options:
        raise Misconfigured(f"{spec!r} has no options; write keywords:LABEL=word,a phrase,begin*;LABEL=word.")
    lists = [part.partition("=") for part in source.split(";") if part.strip()]
    if not lists or not all(label.strip() and words.strip() for label, _, words in lists):
        raise Misconfigured(f"{spec!r} lists nothing; write keywords:LABEL=word,a phrase,begin*;LABEL=word.")
    return Phrases(spec, {label.strip(): _words(words.split(",")) for label, _, words in lists})


def _words(words: Sequence[str]) -> re.Pattern[str]:
    """One expression for a list of words and phrases, the longest first."""
    plain = sorted((" ".join(word.split()) for word in words if word.strip()), key=len, reverse=True)
    forms = [r"\s+".join(re.escape(part).replace(r"\*", r"\w*") for part in word.split()) for word in plain]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)", re.IGNORECASE)


def _patterns(spec: str, source: str, options: Options) -> Phrases:
    """A TOML file with a list of regular expressions for each label."""
    if options:
        raise Misconfigured(f"{spec!r} has no options; write patterns:FILE.")
    try:
        told = tomllib.loads(Path(source).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"The patterns in {source} cannot be read as TOML ({error}); correct the file.") from error
    if not told or not all(
        isinstance(one, list) and one and all(isinstance(p, str) for p in one) for one in told.values()
    ):
        raise Misconfigured(
            f'{source} needs a list for each label, for example noise = ["\\\\bloud\\\\b", "parties?"].'
        )
    return Phrases(spec, {label: _compiled(each, source) for label, each in told.items()})


def _compiled(expressions: Sequence[str], source: str) -> re.Pattern[str]:
    for one in expressions:
        try:
            re.compile(one)
        except re.error as error:
            raise Misconfigured(f"{one!r} in {source} is no regular expression ({error}); correct it.") from error
    return re.compile("|".join(f"(?:{one})" for one in expressions), re.IGNORECASE)


def _about(voter: Phrases) -> str:
    return f"labels by what stands in the text ({voter.name[:80]})"


KEYWORDS = Provider("keywords", _keywords, _about, lambda source, options: [], lambda source: "keywords")
PATTERNS = Provider("patterns", _patterns, _about, lambda source, options: [FILES])
