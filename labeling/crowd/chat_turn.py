"""One question on its way to a chat model: how often it was asked, what that used, and what came of it."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from labeling.crowd import prompts
from labeling.crowd.base import Answer, LabelSet, Question
from labeling.crowd.chat_reply import RAW_CHARACTERS, Reply, label_probabilities
from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.errors import CrowdError, Unexplained
from labeling.crowd.replies import Read
from labeling.crowd.thoughts import without_thoughts

Asked = list[prompts.Message]
CUT_OFF = (
    "The model was cut off at {limit} tokens before it answered; raise max_tokens, or let it think less, for example "
    'by extra={{"reasoning_effort":"low"}}.'
)


@dataclass(slots=True)
class Turn:
    """One question and its attempts. `doubt`: a refusal that may be about the text or about how the model is set up."""

    question: Question
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
        output_tokens = settings.max_tokens if reply.output_tokens is None else reply.output_tokens
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

    def answer(self, read: Read, labels: LabelSet, settings: ChatSettings, version: str) -> Answer:
        """What the last reply says, with what all attempts used."""
        return Answer(
            read.label,
            None if read.label is None else label_probabilities(self.reply, labels, read.label),
            self.reply.content[:RAW_CHARACTERS],
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
            CUT_OFF.format(limit=settings.max_tokens): self.cut_off(self.reply),
            "It was not asked again, because the money did not suffice.": self.unfunded,
            "The text was shortened.": prompts.is_shortened(self.question),
            "The server counted no tokens; the most it can have been is booked.": self.uncounted,
        }
        return " ".join(note for note, holds in notes.items() if holds)
