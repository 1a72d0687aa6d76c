"""Reading the reply of a chat server, which may be anything."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from labeling.crowd.base import LabelSet

RAW_CHARACTERS = 2_000
MOST_TOKENS = 10**9


class NoReply(ValueError):
    """What came back with a success is no answer. `what` it is instead, or the server's `error`."""

    def __init__(self, what: str, error: object = None) -> None:
        super().__init__(what)
        self.what = what
        self.error = error


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the model's text, tokens if the server counted them, and who it says it is.

    `cut`: the answer ended because it was as long as it may be.
    """

    content: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    model: str = ""
    refused: bool = False
    token_logprobs: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()
    cut: bool = False

    def within(self, words: str) -> Reply:
        """The same reply with the tokens of these words of it alone; without any where they stand nowhere, or twice."""
        begin, place, tokens = self.content.find(words), 0, []
        told = "".join(token for token, _ in self.token_logprobs)
        if begin < 0 or told != self.content or self.content.find(words, begin + 1) >= 0:
            return replace(self, token_logprobs=())
        for token, alternatives in self.token_logprobs:
            if begin <= place < begin + len(words):
                tokens.append((token, alternatives))
            place += len(token)
        return replace(self, token_logprobs=tuple(tokens))


def read_reply(body: bytes) -> Reply:
    """A reply from the bytes of a successful response; what is malformed in it stays empty.

    Raises NoReply where it holds no message of a model: an error object, a web page, an event stream, no choices.
    """
    told = _parsed(body)
    choice = _first(told.get("choices"))
    error = told.get("error") or choice.get("error")
    if error or not isinstance(choice.get("message"), dict):
        raise NoReply("no choices", error or _other_error(told))
    message = choice["message"]
    content = _content(message.get("content"))
    input_tokens, output_tokens = _tokens(_dict(told.get("usage")), content)
    names = [_text(told.get(key)) for key in ("model", "system_fingerprint")]
    return Reply(
        content=content,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        model=" ".join(name for name in names if name)[:200],
        refused=bool(message.get("refusal")) or choice.get("finish_reason") == "content_filter",
        token_logprobs=_token_logprobs(_dict(choice.get("logprobs")).get("content")),
        cut=choice.get("finish_reason") in ("length", "max_tokens"),
    )


def _parsed(body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "replace").strip()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise NoReply(_what(text)) from None
    told = _first(told) if isinstance(told, list) else told  # some servers put their error object into a list
    if not isinstance(told, dict):
        raise NoReply("something that is no JSON object")
    return told


def _what(text: str) -> str:
    if not text:
        return "nothing at all"
    if text.startswith("<"):
        return "a web page"
    if text.startswith(("data:", "event:", ":", "id:", "retry:")):
        return "a stream of events"
    return "something that is no JSON"


def _other_error(told: dict[str, Any]) -> object:
    """An error under another name than "error", as some servers and gateways write it."""
    several = told.get("errors")
    if isinstance(several, list) and several:
        return several[0]
    wrong = told.get("object") == "error" or told.get("status") in ("error", "failed") or "choices" not in told
    return told if wrong and (told.get("message") or told.get("detail")) else None


def _tokens(usage: dict[str, Any], content: str) -> tuple[int | None, int | None]:
    """Input and output tokens, None where the server did not count them; nobody reads or writes with zero tokens.

    Some servers count what a model thinks in the total alone: the output is the larger of the two.
    """
    read, written, total = (_count(usage.get(f"{key}_tokens")) for key in ("prompt", "completion", "total"))
    if not read:
        return None, written or None
    beyond = (total or 0) - read
    most = max(written or 0, beyond)
    return read, most if most > 0 or (written == 0 and not content) else None


def label_probabilities(reply: Reply, labels: LabelSet, chosen: int) -> tuple[float, ...] | None:
    """Probabilities of the labels from the alternatives to the token that began the label, or None.

    An alternative counts for every label that it begins, the chosen one first where it begins several;
    what no alternative covers is shared equally. This sees the first token only: labels that begin alike
    cannot be told apart, then the chosen one gets all their mass.
    """
    alternatives = _alternatives(reply, labels.names[chosen])
    if alternatives is None:
        return None
    mass = [0.0] * len(labels)
    for token, logprob in alternatives:
        begins = [k for k, name in enumerate(labels.names) if _begins(token, name)]
        if begins:
            mass[chosen if chosen in begins else begins[0]] += math.exp(min(logprob, 0.0))
    rest = max(1.0 - sum(mass), 1e-6) / len(labels)
    total = sum(mass) + rest * len(labels)
    return tuple((share + rest) / total for share in mass)


def _alternatives(reply: Reply, name: str) -> tuple[tuple[str, float], ...] | None:
    """The alternatives at the token where `name` last begins in the reply."""
    written = "".join(token for token, _ in reply.token_logprobs)
    begin = written.casefold().rfind(name.casefold())
    position = 0
    for token, alternatives in reply.token_logprobs:
        if begin >= 0 and position <= begin < position + len(token):
            return alternatives or None
        position += len(token)
    return None


def _begins(token: str, name: str) -> bool:
    bare = token.strip(" \t\n\"'`*:{").casefold()
    return bool(bare) and name.casefold().startswith(bare)


def _token_logprobs(content: Any) -> tuple[tuple[str, tuple[tuple[str, float], ...]], ...]:
    if not isinstance(content, list):
        return ()
    rows = [_dict(row) for row in content]
    return tuple((_text(row.get("token")), _top(row.get("top_logprobs"))) for row in rows)


def _top(alternatives: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(alternatives, list):
        return ()
    rows = [(_text(_dict(row).get("token")), _dict(row).get("logprob")) for row in alternatives]
    return tuple((token, float(value)) for token, value in rows if isinstance(value, (int, float)) and value == value)


def _content(content: Any) -> str:
    """The text of a message: a string, or the text parts of a list of parts."""
    if isinstance(content, list):
        return "".join(_text(_dict(part).get("text")) for part in content)
    return _text(content)


def _first(choices: Any) -> dict[str, Any]:
    return _dict(choices[0]) if isinstance(choices, Sequence) and not isinstance(choices, str) and choices else {}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if counts else None
