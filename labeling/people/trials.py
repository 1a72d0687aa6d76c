"""Who joins the crowd is tried out, so that what cannot work is known before a run and not in the midst of it."""

from __future__ import annotations

from labeling.crowd import registry, tryouts
from labeling.crowd.errors import CrowdError
from labeling.models import Annotator
from labeling.people import recruiting, voters


def try_out(annotator: Annotator) -> None:
    """Try a member on each question that it can answer. Raises CrowdError with the first sentence.

    Specialists that need no download have nothing that could be missing.
    """
    if recruiting.named().get(annotator.spec, annotator.spec) in registry.BUILT_IN:
        return
    for asked in recruiting.questions_of(annotator):
        if asked.label_list():
            tryouts.try_out(recruiting.build(annotator.spec), voters.bare_brief(asked))


def note(annotator: Annotator) -> None:
    """Try a member and keep what is wrong with it for the Crowd page."""
    try:
        try_out(annotator)
    except CrowdError as error:
        annotator.sit_out(str(error))
