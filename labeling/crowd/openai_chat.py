"""Any model behind an OpenAI-compatible chat API: paid ones, and free ones served by Ollama, vLLM or llama.cpp."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice
from math import ceil
from typing import Any

from labeling.crowd import chat_errors, chat_images, egress, prompts, token_counts
from labeling.crowd.abilities import ALL_KINDS, check_kind
from labeling.crowd.base import Answer, Brief, Example, More, Pulse, Question, granted, nothing_stays, unstopped
from labeling.crowd.chat_reply import NoReply, Reply, read_reply
from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.chat_turn import Asked, Turn
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, NotAsked, Refused, Unexplained
from labeling.crowd.places import as_sent, original
from labeling.crowd.redaction import VERSION as REDACTION
from labeling.crowd.redaction import Outgoing, outgoing
from labeling.crowd.replies import Read, read_answer
from labeling.crowd.scrubbing import scrubbed
from labeling.crowd.shot_trials import Evidence, trial
from labeling.crowd.shots import CHOSEN, ShotPicker, shot_picker
from labeling.crowd.wordings import wording

ATTEMPTS = 3
"""A malformed answer is asked again at most twice."""
PULSE_SECONDS = 0.5
LIKELY_SHARE, LIKELY_WRITTEN = 1 / 3, 20.0
"""Until answers tell: three bytes of a prompt make a token (of English four do), and an answer has so many tokens."""
CONTROL = Question("", (("Text", "…"),))
"""Asked in place of a text that is refused without a reason: if this is refused, too, the text is not at fault."""


@dataclass(slots=True)
class _Ready:
    """What `prepare` leaves behind; `answered`: a request was accepted; `unread`: answers in a row without a label."""

    brief: Brief
    client: Any
    secret: str = field(repr=False)
    shots: ShotPicker
    version: str
    hides: bool
    tokens: token_counts.Count
    answered: bool = False
    unread: int = 0


class ChatModel:
    """A voter that asks a chat model. Its key stands in no attribute that is shown, stored or logged.

    An answer that names no label is asked again, at most twice, with a reminder, while there is money for it; not where
    the answers before it named none either, nor where the model only repeats itself or was cut off while thinking. The
    tokens of every attempt are counted; then it is an abstention. Failures of the server are errors, never abstentions.
    """

    kinds = ALL_KINDS
    sees = True

    def __init__(self, name: str, settings: ChatSettings) -> None:
        self.name = name
        self.settings = settings
        self.outside = not settings.local
        self.evidence: Evidence | None = None
        self._ready: _Ready | None = None

    def __repr__(self) -> str:
        return f"ChatModel({self.name!r}, {self.settings.model!r} at {self.settings.base_url!r})"

    def prepare(self, brief: Brief) -> None:
        """Read the key and pass the gate; nothing is sent, unless examples are to be chosen by known texts.

        Raises WrongKey, DestinationRefused, Unreachable, or Misconfigured for a tokenizer that cannot be read.
        """
        secret = self.settings.key(_shown(self.name))
        egress.check_destination(self.settings.base_url, local=self.settings.local)
        hides = self.outside and brief.hide_personal_data
        check_kind(self, brief)
        way = self.settings.way
        shots = shot_picker(brief, self.settings.shots, way)
        from labeling.crowd.chat_transport import client

        count = token_counts.counter(self.settings.tokenizer)
        version = self._version(brief, hides, way)
        self._ready = _Ready(brief, client(self.settings, secret), secret, shots, version, hides, count)
        if way == CHOSEN:
            self.evidence = trial(brief, self._tried)
            self._ready.shots = shot_picker(brief, self.settings.shots, self.evidence.kept)
            self._ready.version = self._version(brief, hides, self.evidence.kept)

    def _tried(self, way: str, questions: Sequence[Question]) -> list[Answer | None]:
        """Answers with examples chosen in one way; None for a text that is refused. Raises any other CrowdError."""
        ready = self._prepared()
        ready.shots = shot_picker(ready.brief, self.settings.shots, way)
        told = list(self.outcomes(questions))
        for outcome in told:
            if isinstance(outcome, CrowdError) and not isinstance(outcome, ABOUT_ONE_TEXT):
                raise outcome
        return [outcome if isinstance(outcome, Answer) else None for outcome in told]

    def _version(self, brief: Brief, hides: bool, way: str) -> str:
        shapes = {
            f"redaction {REDACTION}": hides,
            "nearest": way == "nearest",
            "random": way == "random",
            f"schema {brief.kind}": self.settings.json_schema,
            f"images {self.settings.detail} {self.settings.most_pixels}": bool(brief.texts and brief.texts[0].images),
            "folded": self.settings.fold_system,
            f"extra {self.settings.extra}": self.settings.extra,
        }
        also = [shape for shape, holds in shapes.items() if holds]
        return prompts.prompt_version(brief, self.settings.shots, also=also)

    def most_it_can_cost(self, question: Question) -> int:
        """Micro-dollars that asking this question once can cost: what to reserve before `answer`.

        Before it is asked again, `outcomes` asks for more.
        """
        asked = self._messages(question, self._prepared().shots(question), reminded=False)
        return max(self._most(asked), self._most(self._messages(CONTROL, [], reminded=False)))

    def most_tokens(self, question: Question) -> int:
        """The most tokens that a prompt with this question can have."""
        return self._tokens(self._messages(question, self._prepared().shots(question), reminded=False))

    def likely_cost(self, question: Question, share: float = LIKELY_SHARE, written: float = LIKELY_WRITTEN) -> int:
        """Micro-dollars that asking once is likely to cost, for plans.

        `share`: how many of the most tokens its prompt really has, 1 where they are counted; `written`: tokens of an
        answer. Both can be learnt from earlier answers.
        """
        share = 1.0 if self.settings.tokenizer else share
        pictures = len(question.images) * (1 + self.settings.shots)
        return self.settings.price.cost(ceil(share * self.most_tokens(question)), ceil(written), images=pictures)

    def _tokens(self, asked: Asked) -> int:
        return self._prepared().tokens(asked) + chat_images.tokens_at_most(asked, self.settings)

    def _most(self, asked: Asked) -> int:
        """Micro-dollars of one call at most, rounded up as a provider may do."""
        return self.settings.price.cost(
            self._tokens(asked), self.settings.max_tokens, images=chat_images.images_in(asked)
        )

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answers in order; raises the first CrowdError. With concurrency above 1, prefer `outcomes`."""
        for outcome in self.outcomes(questions):
            if isinstance(outcome, CrowdError):
                raise outcome
            yield outcome

    def outcomes(
        self, questions: Iterable[Question], pulse: Pulse = unstopped, more: More = granted
    ) -> Iterator[Answer | CrowdError]:
        """An answer or an error for each question, in order, with up to `concurrency` calls on their way.

        After an error that is not about one text alone, calls already made are still waited for and told,
        and the rest is NotAsked. Once `pulse` says False, a question that is being asked is not asked again; nor is one
        for which `more` grants no money: it is then an abstention.
        Closing the iterator early waits for calls on their way; their outcome is lost.
        """
        turns: deque[Turn] = deque()
        unasked = iter(questions)
        failed: CrowdError | None = None
        with ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="chat") as threads:
            while True:
                room = 0 if failed else self.settings.concurrency - len(turns)
                for question in islice(unasked, room):
                    turns.append(Turn(question))
                    self._send(turns[-1], threads)
                if not turns:
                    break
                outcome = self._first_outcome(turns, threads, pulse, more)
                if isinstance(outcome, CrowdError) and not isinstance(outcome, ABOUT_ONE_TEXT):
                    failed = failed or outcome
                yield outcome
        yield from (NotAsked(f"Not asked, because an earlier call failed: {failed}") for _ in unasked)

    def _first_outcome(
        self, turns: deque[Turn], threads: ThreadPoolExecutor, pulse: Pulse, more: More
    ) -> Answer | CrowdError:
        """The outcome of the first turn; all of them go on until it is there, with a pulse twice a second."""
        stopped = False
        while (outcome := turns[0].outcome) is None:
            calls = {turn.call: turn for turn in turns if turn.call is not None and turn.outcome is None}
            done = wait(calls, timeout=PULSE_SECONDS, return_when=FIRST_COMPLETED).done
            stopped = stopped or (not done and not pulse())
            for call in done:
                turn = calls[call]
                self._take(turn)
                if turn.outcome is None and stopped:
                    turn.outcome = turn.failure(NotAsked("Not asked, because calls were stopped."))
                elif turn.outcome is None:
                    self._send_again(turn, threads, more)
        turns.popleft()
        return scrubbed(outcome, self._prepared().secret)

    def _send(self, turn: Turn, threads: ThreadPoolExecutor) -> None:
        """Make the next call of a turn; what may leave is looked up right before."""
        ready = self._prepared()
        stays = ready.brief.stays if self.outside else nothing_stays
        try:
            shots = egress.check_texts(turn.question, ready.shots(turn.question), stays)
        except CrowdError as error:
            turn.outcome = turn.failure(error)
            return
        asked = self._messages(turn.question, shots, reminded=turn.attempts > 0)
        turn.asked = self._messages(CONTROL, [], reminded=False) if turn.doubt else asked
        turn.most_tokens, turn.images = self._tokens(turn.asked), chat_images.images_in(turn.asked)
        turn.call = threads.submit(self._call, turn.asked)

    def _send_again(self, turn: Turn, threads: ThreadPoolExecutor, more: More) -> None:
        """Make another call of a turn, if there is money for it; else what it said stands."""
        ready = self._prepared()
        asked = self._messages(turn.question, ready.shots(turn.question), reminded=True)
        if more(turn.question, turn.microdollars + max(self._most(asked), self.most_it_can_cost(turn.question))):
            self._send(turn, threads)
        elif turn.doubt:
            turn.outcome = turn.failure(Refused(str(turn.doubt)))
        else:
            turn.unfunded = True
            self._conclude(turn, Read())

    def _take(self, turn: Turn) -> None:
        """Read what came back; without an outcome the turn is to be asked again."""
        ready = self._prepared()
        assert turn.call is not None
        try:
            reply = turn.call.result()
        except CrowdError as error:
            self._take_failure(turn, error)
            return
        ready.answered = True
        again = turn.count(reply, self.settings)
        if turn.doubt:
            turn.outcome = turn.failure(Refused(str(turn.doubt)))
            return
        shown = self._outgoing(turn.question).question
        read = Read() if reply.refused else read_answer(reply.content, ready.brief, shown)
        as_held = turn.last_microdollars <= self._most(turn.asked)
        attempts = ATTEMPTS if not ready.unread and as_held else 1
        if read.said is None and again and turn.attempts < attempts:
            return
        self._conclude(turn, read)

    def _conclude(self, turn: Turn, read: Read) -> None:
        """The answer is what the last reply says, in places of the question's own text."""
        ready, sent = self._prepared(), self._outgoing(turn.question)
        answer = turn.answer(read, ready.brief.labels, self.settings, ready.version)
        ready.unread = ready.unread + 1 if answer.unreadable else 0
        said = original(answer.said, ready.brief, turn.question, sent)
        turn.outcome = replace(answer, said=said, hidden=sent.counts)

    def _take_failure(self, turn: Turn, error: CrowdError) -> None:
        """A refusal that nobody explained is tried with a text of ours, unless the server has answered before."""
        if not isinstance(error, Refused) or not (turn.doubt or isinstance(error, Unexplained)):
            turn.outcome = turn.failure(error)
        elif turn.doubt:
            turn.outcome = turn.failure(chat_errors.setup_refused(str(turn.doubt), _shown(self.name)))
        elif self._prepared().answered:
            turn.outcome = turn.failure(Refused(str(error)))
        else:
            assert isinstance(error, Unexplained)
            turn.doubt = error

    def _messages(self, question: Question, shots: Sequence[Example], *, reminded: bool) -> Asked:
        brief = self._prepared().brief
        shown = [as_sent(shot, brief, self._outgoing(shot.question)) for shot in shots]
        attach = chat_images.attaching(self.settings)
        asked = prompts.messages(brief, self._outgoing(question).question, shown, attach=attach)
        if reminded:
            asked = prompts.reminded(asked, wording(brief).reminder)
        return prompts.folded(asked) if self.settings.fold_system else asked

    def _outgoing(self, question: Question) -> Outgoing:
        """A question as it may leave; every text that this voter sends passes here."""
        return outgoing(question, hide=self._prepared().hides)

    def _call(self, asked: Asked) -> Reply:
        import openai

        ready = self._prepared()
        try:
            brief = ready.brief
            fields = self.settings.fields(len(brief.labels), brief.answers.schema(brief.space))
            response = ready.client.chat.completions.with_raw_response.create(
                model=self.settings.model, messages=chat_images.loaded(asked), **fields
            )
            return read_reply(response.http_response.content)
        except NoReply as nothing:
            raise chat_errors.from_no_reply(nothing, response.http_response.headers, _shown(self.name)) from None
        except openai.OpenAIError as error:
            raise chat_errors.from_openai(error, _shown(self.name)) from None

    def _prepared(self) -> _Ready:
        if self._ready is None:
            raise RuntimeError(f"{self.name} was asked before it was prepared")
        return self._ready


def _shown(name: str) -> str:
    """A name without the options that a one-line description carries."""
    return name.partition("?")[0]
