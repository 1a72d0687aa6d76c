"""What a failed call to a chat server means: which kind of error, and whether it may have cost money."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any

from labeling.crowd import errors
from labeling.crowd.chat_reply import NoReply
from labeling.crowd.errors import CrowdError

LONGEST_WAIT = 3_600.0
NOT_NOW = 500
"""Stands for an error inside a successful response that carries no code."""

_TOO_LONG = re.compile(
    r"context.{0,3}(?:length|window|size)|maximum context|input (?:tokens|is too long)|prompt is too long"
    r"|too many tokens|reduce the length|string_above_max_length|text.{0,10}too long|longer than the model"
)
_ABOUT_THE_TEXT = re.compile(
    r"content.{0,3}(?:filter|policy|management)|moderat|safety|flagged|harm|violat|inappropriate|sensitive|prohibited"
    r"|data.?inspection|responsible.?ai|recitation|invalid_prompt|usage polic"
)
_ABOUT_THE_SETUP = re.compile(
    r"param|unsupported|unrecogni[sz]ed|unknown|unexpected|forbidden|not permitted|not supported|does not support"
    r"|schema|response_format|logprobs|temperature|max_tokens|max_completion_tokens|\bseed\b|\brole|system|developer|template"
    r"|alternat|\bmodel\b|api.?version|missing|required|\bfield|argument|deprecat"
)
_ABOUT_THE_KEY = re.compile(
    r"key|token|permission|forbidden|unauthor|access|credential|account|organi[sz]ation|project|country|region|territor"
    r"|billing|quota|subscri"
)
_WAIT = re.compile(r"(?:try again|retry)\s+(?:in|after)\s+(\d{1,6}(?:\.\d{1,6})?)\s*(ms|s|m)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_CODES = {
    "rate_limit": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    "insufficient_quota": 402,
    "insufficient_balance": 402,
    "invalid_api_key": 401,
    "authentication": 401,
    "unauthenticated": 401,
    "permission": 403,
    "model_not_found": 404,
    "not_found": 404,
    "context_length": 400,
    "content_policy": 400,
    "content_filter": 400,
    "invalid_request": 400,
    "overloaded": 503,
    "unavailable": 503,
}


def from_openai(error: Exception, name: str) -> CrowdError:
    """The error of the openai client in our words; the server's own words stand in them as they came."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return from_status(error.status_code, error.response.headers, _told(error.body), name)
    cause = error.__cause__ or error
    if isinstance(error, openai.APITimeoutError):
        return _timeout(cause, name)
    if _nothing_was_sent(cause):
        return errors.Unreachable(f"Nothing answers at the base URL of {name}; start the server or correct the URL.")
    return cut_off(name)


def cut_off(name: str) -> errors.ConnectionLost:
    """The line was cut after the request had been sent."""
    return errors.ConnectionLost(
        f"The connection to {name} ended before the answer was complete; it may have been charged.", charged=None
    )


def from_no_reply(nothing: NoReply, headers: Mapping[str, str], name: str) -> CrowdError:
    """A successful response that is no answer: an error by its code, else a failure; nothing is charged."""
    if nothing.error is None:
        return errors.NoAnswer(f"{name} answers with {nothing.what} instead of an answer; look at its base URL.")
    told, status = _told(nothing.error), _status(nothing.error)
    if status == NOT_NOW:
        return errors.NoAnswer(f"{name} reports an error inside a successful response{told}.")
    error = from_status(status, headers, told, name)
    error.charged = False
    return error


def from_status(status: int, headers: Mapping[str, str], told: str, name: str) -> CrowdError:
    """An HTTP status that is no success as an error.

    Refused requests are not charged. After 502 and 504 a server behind the one that answered may have
    done the work, so the charge is unknown. Whether a refusal (400, 403 and the like) is about this text or about every
    request is read from the server's words (`told`); where they do not say, it is Unexplained.
    """
    wait = retry_after(headers, told)
    if status == 401:
        return errors.WrongKey(f"{name} refuses the key (HTTP 401); correct the key in the environment.")
    if status == 402 or (status == 429 and "insufficient_quota" in told):
        return errors.WrongKey(f"The account behind the key of {name} has no credit left; top it up or pause {name}.")
    if status == 404:
        return errors.ModelMissing(f"The server does not know the model of {name} (HTTP 404){told}; correct its name.")
    if 300 <= status < 400:
        return errors.DestinationRefused(f"{name} answers with a redirect, which is not followed; use the final URL.")
    if status == 429:
        return errors.RateLimited(f"{name} asks to wait (HTTP 429); it will be asked again later.", retry_after=wait)
    if status in (408, 409, 425):
        return errors.ServerFailed(f"{name} could not serve the request now (HTTP {status}).", retry_after=wait)
    if status >= 500:
        charged = None if status in (502, 504) else False
        return errors.ServerFailed(f"{name} failed (HTTP {status}).", retry_after=wait, charged=charged)
    return _refusal(status, told, name)


def setup_refused(told: str, name: str) -> errors.SetupRefused:
    """The annotator is stopped with the server's words; what most often helps is said."""
    hint = " (fold_system=yes puts the instructions into the first message)" if "system" in told.casefold() else ""
    return errors.SetupRefused(f"{name} refuses how it is asked, whatever the text: {told} Correct its options{hint}.")


def _refusal(status: int, told: str, name: str) -> CrowdError:
    words = told.casefold()
    sentence = f"{name} refuses the request (HTTP {status}){told}."
    if status == 413 or _TOO_LONG.search(words):
        return errors.TextTooLong(f"The text is too long for {name} (HTTP {status}).")
    if _ABOUT_THE_TEXT.search(words):
        return errors.Refused(sentence)
    if status == 403:
        if _ABOUT_THE_KEY.search(words):
            return errors.WrongKey(f"{name} refuses the key (HTTP 403){told}; correct the key in the environment.")
        return errors.Unexplained(sentence)
    return setup_refused(sentence, name) if _ABOUT_THE_SETUP.search(words) else errors.Unexplained(sentence)


def retry_after(headers: Mapping[str, str], told: str = "") -> float | None:
    """Seconds to wait, at most an hour; None where unsaid.

    By `retry-after-ms` or `retry-after` (seconds or a date), else by the server's words ("try again in 7.5s").
    """
    for key, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        said = headers.get(key, "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", said):
            return min(float(said) * scale, LONGEST_WAIT)
    in_words = _WAIT.search(told.casefold())
    try:
        when = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return min(max(when.timestamp() - time.time(), 0.0), LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError, OSError):
        return min(float(in_words[1]) * _SECONDS[in_words[2]], LONGEST_WAIT) if in_words else None


def _timeout(cause: BaseException, name: str) -> CrowdError:
    if "Connect" in type(cause).__name__ or "Pool" in type(cause).__name__:
        return errors.TimedOut(f"{name} could not be connected in time; nothing was sent.")
    return errors.TimedOut(f"{name} did not answer in time; it may have been charged.", charged=None)


def _nothing_was_sent(cause: BaseException) -> bool:
    return type(cause).__name__ in ("ConnectError", "UnsupportedProtocol", "LocalProtocolError", "ProxyError")


def _status(error: object) -> int:
    """The HTTP status that an error object speaks of, by its number or its name."""
    said = error if isinstance(error, dict) else {}
    for value in (said.get("code"), said.get("status"), said.get("type"), said.get("error")):
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value
        if isinstance(value, str) and value.isdigit() and 400 <= int(value[:4]) < 600:
            return int(value[:4])
        if isinstance(value, str):
            for word, status in _CODES.items():
                if word in value.casefold():
                    return status
    return NOT_NOW


def _told(body: object) -> str:
    """The server's own words, in brackets, on one line."""
    said = body if isinstance(body, dict) else {"message": body if isinstance(body, str) and "<" not in body else ""}
    message = said.get("message") or said.get("error") or said.get("detail")
    words = " ".join(str(part) for part in (said.get("code"), message) if part)
    plain = " ".join("".join(char for char in words if char.isprintable()).split())[:200]
    return f" ({plain})" if plain else ""


def check_key(client: Any, name: str) -> None:
    """Ask a chat server for its list of models, which costs nothing. Raises WrongKey, Unreachable, DestinationRefused.

    What the list says does not count: many servers answer to names that they do not list.
    """
    import openai

    try:
        client.models.list()
    except openai.OpenAIError as error:
        failure = from_openai(error, name)
        if isinstance(failure, (errors.WrongKey, errors.Unreachable, errors.DestinationRefused)):
            raise failure from error
    except (AttributeError, TypeError, ValueError):  # a page in place of a list
        return
