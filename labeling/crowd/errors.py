"""Why an annotator gave no answer: few kinds, each with one sentence that says what to do."""

from __future__ import annotations


class CrowdError(Exception):
    """An annotator could not answer; the message is one sentence for the person who set it up.

    `permanent`: asking again will not help until somebody changes something.
    `charged`: whether the failed call cost money: False no, True yes, None nobody knows (the
    connection ended after the request had been sent), so a reservation must be kept.
    `retry_after`: seconds to wait before the next try, or None.
    `spent_microdollars`, `input_tokens`, `output_tokens`: what earlier attempts at the same
    question are known to have used before this one failed.
    """

    permanent = True

    def __init__(self, message: str, *, charged: bool | None = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.charged = charged
        self.retry_after = retry_after
        self.spent_microdollars = 0
        self.input_tokens = 0
        self.output_tokens = 0


class Misconfigured(CrowdError):
    """The annotator's description is unusable: unknown name, bad option, model not to be had, no price."""


class UnknownAnnotator(Misconfigured):
    """No annotator has this name."""


class PriceUnknown(Misconfigured):
    """A model that costs money has no stated price."""


class ModelMissing(Misconfigured):
    """The model is not in the folder, not in the local cache, or not on the server."""


class UnsafeModel(Misconfigured):
    """The model could be loaded only by running code or unpickling files that came with it."""


class DestinationRefused(Misconfigured):
    """The address may not be called: outside for a local annotator, private for an outside one, or no web address."""


class Unable(Misconfigured):
    """The annotator gives no answers of this kind, or cannot see what the tasks show; others may suit it."""


class WrongKey(Misconfigured):
    """The key is missing, or the server refuses it."""


class NeedsExamples(CrowdError):
    """The annotator learns from known labels, and there are too few."""


class Unsuitable(CrowdError):
    """The annotator cannot read tasks of this shape, for example pairs where there is one text."""


class BrokenImage(CrowdError):
    """An image of the question cannot be read."""


class TextTooLong(CrowdError):
    """The question does not fit into the model even after shortening."""


class Refused(CrowdError):
    """The server understood the request and will not answer it."""


class Unexplained(Refused):
    """The server refuses a request and does not say whether the text is at fault or the set-up."""


class SetupRefused(Misconfigured):
    """The server refuses what every request of this annotator holds, so no text would be answered."""


class MustStay(CrowdError):
    """The text must not leave this machine, and the annotator stands outside."""


ABOUT_ONE_TEXT = (TextTooLong, Refused, MustStay, BrokenImage)
"""Failures that say nothing about the next text."""


class Unreachable(CrowdError):
    """Nothing answers at the address; nothing was sent."""

    permanent = False


class TimedOut(CrowdError):
    """No answer within the time allowed."""

    permanent = False


class RateLimited(CrowdError):
    """The server asks to wait; see `retry_after`."""

    permanent = False


class ServerFailed(CrowdError):
    """The server failed on its own account."""

    permanent = False


class NoAnswer(ServerFailed):
    """The server says that all went well and sends something that is no answer."""


class ConnectionLost(CrowdError):
    """The connection ended after the request had been sent."""

    permanent = False


class Unreadable(CrowdError):
    """The annotator answers, and what it writes names no label, text after text."""

    permanent = False


class Unforeseen(CrowdError):
    """The annotator failed in a way that nobody thought of; whether it was charged is unknown."""

    permanent = False


class NotAsked(CrowdError):
    """The question was not sent, because an earlier one of the same call failed."""

    permanent = False


def unforeseen(error: Exception, name: str) -> Unforeseen:
    """An error of any sort as one sentence about the annotator."""
    words = " ".join(str(error).split())[:150]
    told = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return Unforeseen(
        f"{name.partition('?')[0]} failed in a way that nobody foresaw ({told}); the log says more.", charged=None
    )
