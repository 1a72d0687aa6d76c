"""An agent of the server's own choice, asked by HTTP: a small JSON protocol, described in docs/annotators.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from labeling.crowd import chat_errors, cleaning, egress, prompts
from labeling.crowd.abilities import ALL_KINDS, check_kind
from labeling.crowd.base import Answer, Brief, More, Pulse, Question, granted, nothing_stays, or_raised, unstopped
from labeling.crowd.chat_settings import check_key_name, key_of
from labeling.crowd.errors import (
    ABOUT_ONE_TEXT,
    CrowdError,
    Misconfigured,
    NoAnswer,
    NotAsked,
    TimedOut,
    Unreachable,
)
from labeling.crowd.lines import KEYS, NETWORK, Options, Provider, typed, yes
from labeling.crowd.own_words import said_in
from labeling.crowd.places import original
from labeling.crowd.prices import Price, stated_price
from labeling.crowd.redaction import VERSION as REDACTION
from labeling.crowd.redaction import outgoing
from labeling.crowd.scrubbing import scrubbed

PROTOCOL = "concord-annotator-1"
PULSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """`source`: where it answers. `price`: US dollars per call. `key_name`: the environment variable with the key,
    which is sent as a bearer token. `local`: it stands on this machine or its private network.
    `concurrency`: calls at a time.
    """

    source: str
    price: Price
    key_name: str = ""
    local: bool = False
    timeout: float = 60.0
    concurrency: int = 1

    def __post_init__(self) -> None:
        check_key_name(self.key_name)
        if not 1 <= self.concurrency <= 64 or not 0.05 <= self.timeout <= 3_600:
            raise Misconfigured("concurrency must lie between 1 and 64, timeout between 0.05 and 3600 seconds.")


@dataclass(slots=True)
class _Line:
    """The way to the agent, and what it is told with every text."""

    client: Any
    secret: str = field(repr=False)
    told: dict[str, Any]
    hides: bool


class Agent:
    """A voter behind an address. What leaves passes the gate and the hiding of personal data, as for chat models."""

    kinds = ALL_KINDS
    sees = False

    def __init__(self, name: str, settings: AgentSettings) -> None:
        self.name, self.settings = name, settings
        self.outside = not settings.local
        self._shown = name.partition("?")[0]
        self._line: _Line | None = None

    def prepare(self, brief: Brief) -> None:
        """Greet the agent, without any text; it must answer in the protocol.

        Raises WrongKey, DestinationRefused, Unreachable, or Misconfigured for another protocol.
        """
        check_kind(self, brief)
        secret = key_of(self.settings.key_name, self._shown)
        egress.check_destination(self.settings.source, local=self.settings.local)
        hides = self.outside and brief.hide_personal_data
        self._brief, self._line = brief, _Line(_client(self.settings), secret, _told(brief), hides)
        shapes = f"{json.dumps(self._line.told, sort_keys=True)}{REDACTION if hides else ''}"
        self._version = prompts.short_hash(shapes)
        try:
            reply = self._posted({"protocol": PROTOCOL, "hello": True})
        except NoAnswer as error:
            raise self._stranger(str(error)) from error
        kinds = reply.get("kinds")
        if isinstance(kinds, list) and brief.kind not in kinds:
            raise Misconfigured(f"{self._shown} says that it cannot answer in {brief.kind}; choose another one.")

    def _stranger(self, told: str) -> Misconfigured:
        return Misconfigured(
            f'{self._shown} does not speak "{PROTOCOL}" (docs/annotators.md): {told} Correct the address, or the agent.'
        )

    def most_it_can_cost(self, _question: Question) -> int:
        """Micro-dollars of one call."""
        return self.settings.price.cost(0, 0)

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answers in order; raises the first CrowdError."""
        return or_raised(self.outcomes(questions))

    def outcomes(
        self, questions: Iterable[Question], pulse: Pulse = unstopped, more: More = granted
    ) -> Iterator[Answer | CrowdError]:
        """An answer or an error for each question, in order; `concurrency` of them on their way at a time.

        After an error that is not about one text alone the rest is NotAsked.
        """
        unasked, failed = iter(questions), None
        with ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="agent") as threads:
            while failed is None and (asked := list(islice(unasked, self.settings.concurrency))):
                calls = [threads.submit(self._asked, question) for question in asked]
                _awaited(calls, pulse)
                for outcome in (call.result() for call in calls):
                    if isinstance(outcome, CrowdError) and not isinstance(outcome, ABOUT_ONE_TEXT):
                        failed = failed or outcome
                    yield outcome
        yield from (NotAsked(f"Not asked, because an earlier call failed: {failed}") for _ in unasked)

    def _asked(self, question: Question) -> Answer | CrowdError:
        """One call; what may leave is looked up right before."""
        line, began = self._prepared, time.perf_counter()
        try:
            egress.check_texts(question, [], self._brief.stays if self.outside else nothing_stays)
            sent = outgoing(question, hide=line.hides)
            parts = [{"title": title, "text": cleaning.clean(text)} for title, text in sent.question.parts]
            task = {"id": question.task, "parts": parts}
            reply = self._posted({"protocol": PROTOCOL, **line.told, "task": task})
            shown = replace(sent.question, parts=(("", cleaning.shown_text(sent.question)),))
            try:
                answer = said_in(reply.get("answer", ""), self._brief, shown, self._shown)
            except Misconfigured as unread:
                answer = Answer(None, unreadable=True, note=str(unread))
        except CrowdError as error:
            return scrubbed(error, line.secret)
        moved = original(answer.said, self._brief, question, sent)
        full = replace(
            answer,
            said=moved,
            probabilities=_chances(reply.get("probabilities"), self._brief, answer),
            raw=json.dumps(reply.get("answer"), ensure_ascii=False)[:500],
            seconds=time.perf_counter() - began,
            cost_microdollars=self.most_it_can_cost(question),
            model=str(reply.get("model") or self._shown)[:120],
            prompt_version=self._version,
            note=answer.note or str(reply.get("note") or "")[:300],
            hidden=sent.counts,
        )
        return scrubbed(full, line.secret)

    def _posted(self, told: dict[str, Any]) -> dict[str, Any]:
        """What the agent answers to one request. Raises CrowdError."""
        import httpx2

        line, name = self._prepared, self._shown
        headers = {"authorization": f"Bearer {line.secret}"} if line.secret else {}
        try:
            response = line.client.post(self.settings.source, json=told, headers=headers)
        except httpx2.ConnectError as error:
            raise Unreachable(f"Nothing answers at {name}; start the agent or correct its address.") from error
        except httpx2.TimeoutException as error:
            raise TimedOut(f"{name} did not answer in time; it may have been charged.", charged=None) from error
        except httpx2.HTTPError as error:
            raise chat_errors.cut_off(name) from error
        if response.status_code == 404:
            raise NoAnswer("there is no such address (HTTP 404).")
        if not response.is_success:
            raise chat_errors.from_status(response.status_code, response.headers, "", name)
        return _reply(response.content)

    @property
    def _prepared(self) -> _Line:
        if self._line is None:
            raise RuntimeError(f"{self.name} was asked before it was prepared")
        return self._line


def _client(settings: AgentSettings) -> Any:
    from labeling.crowd.chat_transport import bare_client

    return bare_client(settings.local, settings.timeout)


def _told(brief: Brief) -> dict[str, Any]:
    """What is the same for all texts."""
    told = brief.labels.descriptions or ("",) * len(brief.labels.names)
    labels = [{"name": name, "description": about or ""} for name, about in zip(brief.labels.names, told, strict=True)]
    return {"kind": brief.kind, "labels": labels, "question": brief.wording, "guidelines": brief.instructions}


def _reply(content: bytes) -> dict[str, Any]:
    """The JSON object of a reply. Raises NoAnswer where it is none, or speaks another protocol."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        words = " ".join(content[:60].decode("utf-8", "replace").split())
        raise NoAnswer(f"it answers with “{words}” and no JSON.") from error
    if not isinstance(told, dict) or told.get("protocol") != PROTOCOL:
        raise NoAnswer(f'its reply does not say "protocol": "{PROTOCOL}".')
    return told


def _chances(told: Any, brief: Brief, answer: Answer) -> tuple[float, ...] | None:
    """Chances of the labels, as far as they are such; those of another label than the answer do not count."""
    if not isinstance(told, dict) or answer.label is None:
        return None
    row = [told.get(name, 0) for name in brief.labels.names]
    if not all(isinstance(one, (int, float)) and 0 <= one < float("inf") for one in row) or not sum(row):
        return None
    shares = tuple(one / sum(row) for one in row)
    return shares if shares[answer.label] == max(shares) else None


def _awaited(calls: Sequence[Future[Any]], pulse: Pulse) -> None:
    """Wait for all calls, with a pulse twice a second."""
    left: set[Future[Any]] = set(calls)
    while left:
        left = wait(left, timeout=PULSE_SECONDS, return_when=FIRST_COMPLETED).not_done
        if left:
            pulse()


def _made(spec: str, source: str, options: Options) -> Agent:
    local = yes(options.get("local", "no"), "local", spec)
    prices: Options = {"call": options.pop("call")} if "call" in options else {}
    price = Price() if local and not prices else stated_price(prices, source)
    if "key" in options:
        options["key_name"] = options.pop("key")
    return Agent(spec, AgentSettings(source, price, **typed(AgentSettings, options, spec)))


def _about(voter: Agent) -> str:
    cost = "free" if voter.settings.price.free else f"{voter.settings.price.per_call} US dollars per call"
    return f"agent at {voter.settings.source}, {cost}"


def _reach(source: str, options: Options) -> list[str]:
    settings = _made(f"agent:{source}", source, dict(options)).settings
    return [what for what, wanted in {KEYS: settings.key_name, NETWORK: settings.local}.items() if wanted]


def _host(source: str) -> str:
    return source.partition("://")[2].partition("/")[0] or source


PROVIDER = Provider("agent", _made, _about, _reach, _host)
