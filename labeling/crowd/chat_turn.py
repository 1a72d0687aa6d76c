"""One question on its way to a chat model: how often it was asked, what that used, and what came of it."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from labeling.crowd import prompts
from labeling.crowd.base import Answer, Question
from labeling.crowd.chat_reply import RAW_CHARACTERS, Reply
from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.cleaning import is_shortened
from labeling.crowd.errors import CrowdError, Unexplained
from labeling.crowd.prices import shares
from labeling.crowd.replies import Read
from labeling.crowd.thoughts import without_thoughts

Asked = list[prompts.Message]
CUT_OFF = (
    "The model was cut off at {limit} tokens before it answered; raise max_tokens, or let it think less, for example "
    'by extra={{"reasoning_effort":"low"}}.'
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a reply says to one question: as it was read, in the model's words, and how likely it finds the labels."""

    read: Read = field(default_factory=Read)
    words: str = ""
    probabilities: tuple[float, ...] | None = None


@dataclass(slots=True)
class Turn:
    """One thing to look at, the questions asked about it, and the attempts.

    `left`: places of the questions that are still to be answered; `heard`: what was said to the others. `doubt`: a
    refusal that may be about the text or about how the model is set up. `limit`: tokens that the last reply may have.
    """

    question: Question
    left: tuple[int, ...]
    heard: dict[int, Heard] = field(default_factory=dict)
    limit: int = 0
    began: float = field(default_factory=time.perf_counter)
    asked: Asked = field(default_factory=list)
    most_tokens: int = 0
    images: int = 0
    call: Future[Reply] | None = None
    doubt: Unexplained | None = None
    outcome: Answer | CrowdError | None = None
    reply: Reply = field(default_factory=Reply)
    input_tokens: int = 0
    output_tokens: int = 0
    microdollars: int = 0
    last_microdollars: int = 0
    attempts: int = 0
    uncounted: bool = False
    unfunded: bool = False

    def count(self, reply: Reply, settings: ChatSettings) -> bool:
        """Add the tokens of one attempt; True where it is worth asking again if the reply names no label.

        Where the server counted no tokens, the most it can have been is added. A model that thinks until it is cut off,
        or says the same as before, would do so again.
        """
        input_tokens = self.most_tokens if reply.input_tokens is None else reply.input_tokens
        output_tokens = self.limit if reply.output_tokens is None else reply.output_tokens
        again = (
            not reply.refused and not self.cut_off(reply) and (not self.attempts or reply.content != self.reply.content)
        )
        self.reply = reply
        self.attempts += 1
        self.uncounted |= reply.input_tokens is None or reply.output_tokens is None
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.last_microdollars = settings.price.cost(input_tokens, output_tokens, images=self.images)
        self.microdollars += self.last_microdollars
        return again

    @staticmethod
    def cut_off(reply: Reply) -> bool:
        """Whether the reply ended in the middle of a thought."""
        return reply.cut and not without_thoughts(reply.content).strip()

    def answer(self, heard: Heard, settings: ChatSettings, version: str) -> Answer:
        """What was said to one question, with what all attempts used."""
        read = heard.read
        return Answer(
            read.label,
            heard.probabilities,
            (heard.words or self.reply.content)[:RAW_CHARACTERS],
            self.input_tokens,
            self.output_tokens,
            self.attempts,
            time.perf_counter() - self.began,
            self.microdollars,
            self.reply.model or settings.model,
            version,
            " ".join(filter(None, [self._note(settings), read.note])),
            unreadable=read.said is None and not self.reply.refused,
            said=read.said,
        )

    def failure(self, error: CrowdError) -> CrowdError:
        """The error, with what earlier attempts used."""
        error.spent_microdollars = self.microdollars
        error.input_tokens, error.output_tokens = self.input_tokens, self.output_tokens
        return error

    def _note(self, settings: ChatSettings) -> str:
        notes = {
            "The model declined to answer.": self.reply.refused,
            CUT_OFF.format(limit=self.limit or settings.max_tokens): self.cut_off(self.reply),
            "It was not asked again, because the money did not suffice.": self.unfunded,
            "The text was shortened.": is_shortened(self.question),
            "The server counted no tokens; the most it can have been is booked.": self.uncounted,
        }
        return " ".join(note for note, holds in notes.items() if holds)


def together(answers: list[Answer]) -> Answer:
    """The answers that one call gave: each with an even share of what the call took, which sums to it exactly."""
    whole, count = answers[0], len(answers)
    used = zip(
        shares(whole.input_tokens, count),
        shares(whole.output_tokens, count),
        shares(whole.cost_microdollars, count),
        strict=True,
    )
    parts = tuple(
        replace(
            one,
            input_tokens=read,
            output_tokens=written,
            cost_microdollars=cost,
            seconds=one.seconds / count,
        )
        for one, (read, written, cost) in zip(answers, used, strict=True)
    )
    silent = all(one.unreadable for one in answers)
    return replace(whole, label=None, said=None, probabilities=None, unreadable=silent, parts=parts)
