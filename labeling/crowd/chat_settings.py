"""How one chat model is called."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

from labeling.crowd.errors import Misconfigured, WrongKey
from labeling.crowd.prices import Price
from labeling.crowd.shots import CHOSEN, check_way

_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY")
_OURS = frozenset(
    [
        "model",
        "messages",
        "stream",
        "stream_options",
        "n",
        "best_of",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "seed",
        "response_format",
        "logprobs",
        "top_logprobs",
        "store",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "web_search_options",
        "prompt",
        "input",
    ]
)
"""Fields that the other options set, or that would change what is sent, kept or paid for."""
MOST_OF_SEVERAL = 4_000
"""Up to so many tokens each answer in a reply has its own limit; every model of today writes as many."""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How one chat model is called. Raises Misconfigured where a value is out of range.

    `key_name`: the environment variable that holds the key, or "" for none; its name must end in
    _API_KEY, so that no other secret of the process can be sent to a server. `local`: the server
    stands on this machine or its private network, and texts may not go elsewhere. `nearest`: the shots
    are the examples most like the question, otherwise the same ones for all. `limit`: the name
    of the field that limits the answer (some servers want max_completion_tokens). `seed`,
    `temperature`: None leaves the field out, for models that refuse it. `fold_system`: the instructions
    stand at the head of the first message, for models without a system role. `extra`: more fields of the
    request as a JSON object, for example {"reasoning_effort": "low"}. `tokenizer`: the file tokenizer.json by which the
    server counts, or "": then a byte counts as a token. `examples`: how shots are chosen, fixed, random, nearest or
    chosen (`shots`). `json_schema`: ask for the kind's JSON schema, for servers that hold to one. `detail`: how closely
    images are looked at, low, high or auto. `most_pixels`: larger images are made smaller before they leave, 0 leaves
    them. `image_tokens`: the most tokens that one image counts as, 0 where the usual rules tell.
    """

    model: str
    base_url: str
    price: Price
    key_name: str = ""
    local: bool = False
    max_tokens: int = 200
    timeout: float = 60.0
    shots: int = 0
    nearest: bool = False
    concurrency: int = 1
    logprobs: bool = False
    json_mode: bool = False
    temperature: float | None = 0.0
    seed: int | None = None
    limit: str = "max_tokens"
    fold_system: bool = False
    extra: str = ""
    tokenizer: str = ""
    examples: str = ""
    json_schema: bool = False
    detail: str = "auto"
    most_pixels: int = 1_500_000
    image_tokens: int = 0

    def __post_init__(self) -> None:
        check_key_name(self.key_name)
        if self.limit not in ("max_tokens", "max_completion_tokens"):
            raise Misconfigured("The limit must be max_tokens or max_completion_tokens.")
        check_way(self.examples, nearest=self.nearest)
        if self.examples == CHOSEN and not self.price.free:
            raise Misconfigured(
                "examples=chosen asks known texts in three ways before any budget is there, so it is for free models; "
                "say fixed, random or nearest."
            )
        if self.detail not in ("low", "high", "auto"):
            raise Misconfigured(f"detail must be low, high or auto, but it is {self.detail!r}.")
        ranges = {
            "most_pixels": (0, 50_000_000),
            "image_tokens": (0, 1_000_000),
            "max_tokens": (1, 100_000),
            "timeout": (0.05, 3_600),
            "shots": (0, 64),
            "concurrency": (1, 64),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise Misconfigured(f"{name} must lie between {low} and {high}, but it is {getattr(self, name)}.")
        taken = sorted(self.extra_fields().keys() & _OURS)
        if taken:
            raise Misconfigured(f"extra may not set {taken[0]}; it has an option of its own, or may not be set at all.")

    def extra_fields(self) -> dict[str, Any]:
        """The fields of `extra`. Raises Misconfigured where it is no JSON object."""
        try:
            fields = json.loads(self.extra) if self.extra.strip() else {}
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise Misconfigured('extra must be a JSON object, for example extra={"reasoning_effort":"low"}.')
        return fields

    @property
    def way(self) -> str:
        """How shots are chosen."""
        return self.examples or ("nearest" if self.nearest else "fixed")

    def limit_of(self, answers: int) -> int:
        """The most tokens of a reply that holds so many answers.

        What is made for short answers counts for each; a large limit leaves room for thoughts, which are thought once.
        """
        return max(self.max_tokens, min(answers * self.max_tokens, MOST_OF_SEVERAL))

    def fields(self, n_labels: int, schema: dict[str, Any] | None = None, answers: int = 1) -> dict[str, Any]:
        """The fields of a request besides model and messages, as the openai client takes them.

        `schema`: of the reply, sent where the server is said to hold to one. `answers`: so many are in it.
        """
        chosen: dict[str, Any] = {self.limit: self.limit_of(answers)}
        if self.temperature is not None:
            chosen["temperature"] = self.temperature
        if self.seed is not None:
            chosen["seed"] = self.seed
        if self.json_schema and schema is not None:
            named = {"name": "answer", "schema": schema}
            chosen["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self.json_mode:
            chosen["response_format"] = {"type": "json_object"}
        if self.logprobs:
            chosen |= {"logprobs": True, "top_logprobs": min(max(n_labels, 5), 20)}
        if self.extra:
            chosen["extra_body"] = self.extra_fields()
        return chosen

    def key(self, name: str) -> str:
        """The key from the environment, or "" where none is needed; `name` stands in the sentence of the WrongKey."""
        return key_of(self.key_name, name)


def check_key_name(key_name: str) -> None:
    """Raises Misconfigured for a variable that may not be read: no other secret is to be sent to a server."""
    if key_name and not _KEY_NAME.fullmatch(key_name):
        raise Misconfigured("The variable with the key must be in capitals and end in _API_KEY; rename it.")


def key_of(key_name: str, name: str) -> str:
    """The key in a variable of the environment, "" where none is named. Raises WrongKey in a sentence about `name`."""
    if not key_name:
        return ""
    key = os.environ.get(key_name, "").strip()
    if not key:
        raise WrongKey(f"The key of {name} is missing; set the environment variable {key_name}.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise WrongKey(f"The key in {key_name} holds a space or a special character; copy it again.")
    return key
