"""What the line of a model says: which model it is, how it decodes, what it costs; without keys and places."""

from __future__ import annotations

from dataclasses import fields
from pathlib import PurePath
from urllib.parse import parse_qsl, urlsplit

from fairness.datasheet.plain import Plain
from labeling.crowd.chat_settings import ChatSettings
from labeling.models import Annotator

PRICES = ("input", "output", "call", "image")
SILENT = ("key", "tokenizer", "device", "threads", "timeout", "concurrency", "local", *PRICES)
"""Options that say nothing about what is answered, or that stay in the house."""
CHAT, STATED = "chat", ("temperature", "max_tokens", "shots", "seed")
"""Of a chat model these are told even where the line leaves them to their defaults."""


def said(one: Annotator) -> Plain:
    """Model, server (only of models outside), decoding and stated prices; empty of people."""
    if not one.spec:
        return {}
    kind, _, rest = one.spec.partition(":")
    source, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    model, _, server = source.partition("@")
    told: Plain = {"sort": kind, "model": _shown(model) or kind}
    if server and one.outside:
        told["server"] = urlsplit(server).netloc or server
    told["decoding"] = _decoding(kind, options)
    prices = {name: options[name] for name in PRICES if name in options}
    return told | ({"stated_prices_usd": prices} if prices else {})


def _shown(model: str) -> str:
    """A name of a hub as it is; of a path on this machine its last part alone."""
    return PurePath(model).name if model.startswith(("/", ".", "~")) else model


def _decoding(kind: str, options: dict[str, str]) -> dict[str, str]:
    usual = {one.name: str(one.default) for one in fields(ChatSettings) if one.name in STATED} if kind == CHAT else {}
    return usual | {name: value for name, value in sorted(options.items()) if name not in SILENT}
