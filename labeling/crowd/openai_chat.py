"""Any model behind an OpenAI-compatible chat API: paid ones, and free ones served by Ollama, vLLM or llama.cpp."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from threading import Event
from typing import Any

from labeling.crowd import prompts
from labeling.crowd.answers import parse_label
from labeling.crowd.base import Answer, Brief, Example, Pulse, Question, unstopped
from labeling.crowd.chat_errors import from_openai
from labeling.crowd.chat_reply import RAW_CHARACTERS, Reply, label_probabilities, read_reply
from labeling.crowd.egress import check_destination
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, Misconfigured, NotAsked, WrongKey
from labeling.crowd.prices import Price
from labeling.crowd.redaction import VERSION as REDACTION
from labeling.crowd.redaction import Outgoing, outgoing
from labeling.crowd.shots import ShotPicker, shot_picker

ATTEMPTS = 3
"""A malformed answer is asked again at most twice."""
CONNECT_SECONDS = 10.0
PULSE_SECONDS = 0.5
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY")


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How one chat model is called. Raises Misconfigured where a value is out of range.

    `key_name`: the environment variable that holds the key, or "" for none; its name must end in
    _API_KEY, so that no other secret of the process can be sent to a server. `local`: the server
    stands on this machine or its private network, and texts may not go elsewhere. `nearest`: the shots
    are the examples most like the question, otherwise the same ones for all. `limit`: the name
    of the field that limits the answer (some servers want max_completion_tokens). `seed`,
    `temperature`: None leaves the field out, for models that refuse it.
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

    def __post_init__(self) -> None:
        if self.key_name and not _KEY_NAME.fullmatch(self.key_name):
            raise Misconfigured("The variable with the key must be in capitals and end in _API_KEY; rename it.")
        if self.limit not in ("max_tokens", "max_completion_tokens"):
            raise Misconfigured("The limit must be max_tokens or max_completion_tokens.")
        ranges = {"max_tokens": (1, 100_000), "timeout": (0.05, 3_600), "shots": (0, 64), "concurrency": (1, 64)}
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise Misconfigured(f"{name} must lie between {low} and {high}, but it is {getattr(self, name)}.")


@dataclass(slots=True)
class _Spent:
    """What the attempts at one question have used so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    microdollars: int = 0
    attempts: int = 0
    uncounted: bool = False


@dataclass(slots=True)
class _Ready:
    """What `prepare` leaves behind."""

    brief: Brief
    client: Any
    secret: str = field(repr=False)
    shots: ShotPicker
    version: str
    hides: bool


class ChatModel:
    """A voter that asks a chat model. Its key stands in no attribute that is shown, stored or logged.

    An answer that names no label is asked again, at most twice, with a reminder; the tokens of every
    attempt are counted; then it is an abstention. Failures of the server are errors, never abstentions.
    """

    def __init__(self, name: str, settings: ChatSettings) -> None:
        self.name = name
        self.settings = settings
        self.outside = not settings.local
        self._ready: _Ready | None = None

    def __repr__(self) -> str:
        return f"ChatModel({self.name!r}, {self.settings.model!r} at {self.settings.base_url!r})"

    def prepare(self, brief: Brief) -> None:
        """Read the key and pass the gate; nothing is sent. Raises WrongKey, DestinationRefused or Unreachable."""
        secret = _key(self.settings.key_name, _shown(self.name))
        check_destination(self.settings.base_url, local=self.settings.local)
        hides = self.outside and brief.hide_personal_data
        shots = shot_picker(brief, self.settings.shots, nearest=self.settings.nearest)
        also = (f"redaction {REDACTION}" if hides else "", "nearest" if self.settings.nearest else "")
        version = prompts.prompt_version(brief, self.settings.shots, also=also)
        self._ready = _Ready(brief, _client(self.settings, secret), secret, shots, version, hides)

    def most_it_can_cost(self, question: Question) -> int:
        """Micro-dollars that asking this question can cost with all attempts: what to reserve before `answer`."""
        tokens = prompts.tokens_at_most(self._messages(question, reminded=True))
        return self.settings.price.most_it_can_cost(tokens, self.settings.max_tokens, ATTEMPTS)

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answers in order; raises the first CrowdError. With concurrency above 1, prefer `outcomes`."""
        for outcome in self.outcomes(questions):
            if isinstance(outcome, CrowdError):
                raise outcome
            yield outcome

    def outcomes(self, questions: Iterable[Question], pulse: Pulse = unstopped) -> Iterator[Answer | CrowdError]:
        """An answer or an error for each question, in order, with up to `concurrency` calls on their way.

        After an error that is not about one text alone, calls already made are still waited for and told,
        and the rest is NotAsked. Once `pulse` says False, a question that is being asked is not asked again.
        Closing the iterator early waits for calls on their way; their outcome is lost.
        """
        waiting: deque[Future[Answer | CrowdError]] = deque()
        unasked, halt = iter(questions), Event()
        failed: CrowdError | None = None
        with ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="chat") as threads:
            while True:
                room = 0 if failed else self.settings.concurrency - len(waiting)
                waiting.extend(threads.submit(self._outcome, question, halt) for question in islice(unasked, room))
                if not waiting:
                    break
                outcome = _awaited(waiting.popleft(), pulse, halt)
                if isinstance(outcome, CrowdError) and not isinstance(outcome, ABOUT_ONE_TEXT):
                    failed = failed or outcome
                yield outcome
        yield from (NotAsked(f"Not asked, because an earlier call failed: {failed}") for _ in unasked)

    def _outcome(self, question: Question, halt: Event) -> Answer | CrowdError:
        spent = _Spent()
        try:
            return self._ask(question, spent, halt)
        except CrowdError as error:
            error.spent_microdollars = spent.microdollars
            error.input_tokens, error.output_tokens = spent.input_tokens, spent.output_tokens
            return error

    def _ask(self, question: Question, spent: _Spent, halt: Event) -> Answer:
        ready = self._prepared()
        began = time.perf_counter()
        label, reply = None, Reply()
        while label is None and not reply.refused and spent.attempts < ATTEMPTS:
            if halt.is_set():
                raise NotAsked("Not asked, because calls were stopped.")
            asked = self._messages(question, reminded=spent.attempts > 0)
            reply = self._call(asked)
            self._count(reply, asked, spent)
            label = None if reply.refused else parse_label(reply.content, ready.brief.labels)
        given = None if label is None else label_probabilities(reply, ready.brief.labels, label)
        return Answer(
            label,
            given,
            reply.content[:RAW_CHARACTERS],
            spent.input_tokens,
            spent.output_tokens,
            spent.attempts,
            time.perf_counter() - began,
            spent.microdollars,
            reply.model or self.settings.model,
            ready.version,
            _note(question, reply, spent),
            self._outgoing(question).counts,
        )

    def _messages(self, question: Question, *, reminded: bool) -> list[prompts.Message]:
        ready = self._prepared()
        shots = [Example(self._outgoing(shot.question).question, shot.label) for shot in ready.shots(question)]
        asked = prompts.messages(ready.brief, self._outgoing(question).question, shots)
        if reminded:
            asked[-1] = {**asked[-1], "content": f"{asked[-1]['content']}\n\n{prompts.REMINDER}"}
        return asked

    def _outgoing(self, question: Question) -> Outgoing:
        """A question as it may leave; every text that this voter sends passes here."""
        return outgoing(question, hide=self._prepared().hides)

    def _call(self, asked: list[prompts.Message]) -> Reply:
        import openai

        ready = self._prepared()
        try:
            response = ready.client.chat.completions.with_raw_response.create(
                model=self.settings.model, messages=asked, **_options(self.settings, len(ready.brief.labels))
            )
        except openai.OpenAIError as error:
            raise from_openai(error, _shown(self.name), ready.secret) from None
        return read_reply(response.http_response.content)

    def _count(self, reply: Reply, asked: list[prompts.Message], spent: _Spent) -> None:
        """Add the tokens of one attempt; where the server counted none, the most it can have been."""
        uncounted = reply.input_tokens is None or reply.output_tokens is None
        input_tokens = prompts.tokens_at_most(asked) if reply.input_tokens is None else reply.input_tokens
        output_tokens = self.settings.max_tokens if reply.output_tokens is None else reply.output_tokens
        spent.attempts += 1
        spent.uncounted |= uncounted
        spent.input_tokens += input_tokens
        spent.output_tokens += output_tokens
        spent.microdollars += self.settings.price.cost(input_tokens, output_tokens)

    def _prepared(self) -> _Ready:
        if self._ready is None:
            raise RuntimeError(f"{self.name} was asked before it was prepared")
        return self._ready


def _awaited(call: Future[Answer | CrowdError], pulse: Pulse, halt: Event) -> Answer | CrowdError:
    """The outcome of a call, with a pulse twice a second until it is there."""
    while not wait([call], timeout=PULSE_SECONDS).done:
        if not pulse():
            halt.set()
    return call.result()


def _shown(name: str) -> str:
    """A name without the options that a one-line description carries."""
    return name.partition("?")[0]


def _key(key_name: str, name: str) -> str:
    """The key from the environment, or a placeholder where none is needed."""
    if not key_name:
        return ""
    key = os.environ.get(key_name, "").strip()
    if not key:
        raise WrongKey(f"The key of {name} is missing; set the environment variable {key_name}.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise WrongKey(f"The key in {key_name} holds a space or a special character; copy it again.")
    return key


def _client(settings: ChatSettings, secret: str) -> Any:
    import httpx2
    import openai

    from labeling.crowd.chat_transport import CheckedTransport

    timeout = httpx2.Timeout(settings.timeout, connect=min(CONNECT_SECONDS, settings.timeout))
    http = httpx2.Client(
        transport=CheckedTransport(local=settings.local, seconds=settings.timeout),
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
    )
    return openai.OpenAI(
        api_key=secret or "none", base_url=settings.base_url, http_client=http, timeout=timeout, max_retries=0
    )


def _options(settings: ChatSettings, n_labels: int) -> dict[str, Any]:
    chosen: dict[str, Any] = {settings.limit: settings.max_tokens}
    if settings.temperature is not None:
        chosen["temperature"] = settings.temperature
    if settings.seed is not None:
        chosen["seed"] = settings.seed
    if settings.json_mode:
        chosen["response_format"] = {"type": "json_object"}
    if settings.logprobs:
        chosen |= {"logprobs": True, "top_logprobs": min(max(n_labels, 5), 20)}
    return chosen


def _note(question: Question, reply: Reply, spent: _Spent) -> str:
    notes = {
        "The model declined to answer.": reply.refused,
        "The text was shortened.": prompts.is_shortened(question),
        "The server counted no tokens; the most it can have been is booked.": spent.uncounted,
    }
    return " ".join(note for note, holds in notes.items() if holds)
