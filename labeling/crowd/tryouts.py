"""A member tried before it joins a run: what can be found out without a text of the project, and without a bill."""

from __future__ import annotations

import logging
from typing import Protocol, runtime_checkable

from labeling.crowd.abilities import check_kind
from labeling.crowd.base import Brief, Voter
from labeling.crowd.errors import CrowdError, NeedsExamples, Unreachable, Unsuitable, unforeseen

log = logging.getLogger(__name__)


@runtime_checkable
class Tried(Protocol):
    """A voter that can find out more than `prepare` does."""

    def try_out(self) -> None:
        """Look once at what answers; nothing may be charged for it. Raises CrowdError in one sentence."""


def try_out(voter: Voter, brief: Brief) -> None:
    """Prepare a voter for a brief without examples and texts, and let it find out what it can.

    Raises CrowdError with one sentence that says what to do: for weights that are missing, labels that a map misses, a
    key that is refused, another protocol, a model that answers in prose. What only known answers or texts can tell, or
    what passes by itself, is left for later.
    """
    check_kind(voter, brief)
    try:
        voter.prepare(brief)
        if isinstance(voter, Tried):
            voter.try_out()
    except (NeedsExamples, Unsuitable):
        return
    except CrowdError as error:
        if error.permanent or isinstance(error, Unreachable):
            raise
    except Exception as error:
        log.exception("%s", voter.name.partition("?")[0])
        raise unforeseen(error, voter.name) from error
