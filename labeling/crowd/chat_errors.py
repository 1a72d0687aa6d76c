"""What a failed call to a chat server means: which kind of error, and whether it may have cost money."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping

from labeling.crowd import errors
from labeling.crowd.errors import CrowdError

LONGEST_WAIT = 3_600.0


def from_openai(error: Exception, name: str, secret: str) -> CrowdError:
    """The error of the openai client in our words; `secret` never stands in the message."""
    import openai

    if isinstance(error, openai.APIStatusError):
        told = _told(error.body, secret)
        return from_status(error.status_code, error.response.headers, told, name)
    cause = error.__cause__ or error
    if isinstance(error, openai.APITimeoutError):
        return _timeout(cause, name)
    if _nothing_was_sent(cause):
        return errors.Unreachable(f"Nothing answers at the base URL of {name}; start the server or correct the URL.")
    return errors.ConnectionLost(
        f"The connection to {name} ended before the answer was complete; it may have been charged.", charged=None
    )


def from_status(status: int, headers: Mapping[str, str], told: str, name: str) -> CrowdError:
    """An HTTP status that is no success as an error.

    Refused requests are not charged. After 502 and 504 a server behind the one that answered may have
    done the work, so the charge is unknown.
    """
    wait = retry_after(headers)
    if status in (401, 403):
        return errors.WrongKey(f"{name} refuses the key (HTTP {status}); correct the key in the environment.")
    if status == 402 or (status == 429 and "insufficient_quota" in told):
        return errors.WrongKey(f"The account behind the key of {name} has no credit left; top it up or pause {name}.")
    if status == 404:
        return errors.ModelMissing(f"The server does not know the model of {name} (HTTP 404){told}; correct its name.")
    if 300 <= status < 400:
        return errors.DestinationRefused(f"{name} answers with a redirect, which is not followed; use the final URL.")
    if status == 429:
        return errors.RateLimited(f"{name} asks to wait (HTTP 429); it will be asked again later.", retry_after=wait)
    if status in (408, 409):
        return errors.ServerFailed(f"{name} could not serve the request now (HTTP {status}).", retry_after=wait)
    if status == 413:
        return errors.TextTooLong(f"The text is too long for {name} (HTTP 413).")
    if status >= 500:
        charged = None if status in (502, 504) else False
        return errors.ServerFailed(f"{name} failed (HTTP {status}).", retry_after=wait, charged=charged)
    if "context_length" in told or "maximum context" in told:
        return errors.TextTooLong(f"The text is too long for {name} (HTTP {status}).")
    return errors.Refused(f"{name} refuses the request (HTTP {status}){told}.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, by `retry-after-ms` or `retry-after` (seconds or a date), at most an hour; None where unsaid."""
    for key, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        said = headers.get(key, "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", said):
            return min(float(said) * scale, LONGEST_WAIT)
    try:
        when = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return min(max(when.timestamp() - time.time(), 0.0), LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _timeout(cause: BaseException, name: str) -> CrowdError:
    if "Connect" in type(cause).__name__ or "Pool" in type(cause).__name__:
        return errors.TimedOut(f"{name} could not be connected in time; nothing was sent.")
    return errors.TimedOut(f"{name} did not answer in time; it may have been charged.", charged=None)


def _nothing_was_sent(cause: BaseException) -> bool:
    return type(cause).__name__ in ("ConnectError", "UnsupportedProtocol", "LocalProtocolError", "ProxyError")


def _told(body: object, secret: str) -> str:
    """The server's own words, in brackets, on one line, without the key."""
    message = body.get("message") or body.get("error") if isinstance(body, dict) else ""
    code = body.get("code") if isinstance(body, dict) else ""
    words = " ".join(str(part) for part in (code, message) if part)
    if secret:
        words = words.replace(secret, "(key)")
    plain = " ".join("".join(char for char in words if char.isprintable()).split())[:200]
    return f" ({plain})" if plain else ""
