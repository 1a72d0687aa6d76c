"""The calls of a chat model: what is asked, what it can cost, several on their way at once, and what came back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

from labeling.crowd import chat_errors, chat_images, egress, joint_prompts, prompts, token_counts
from labeling.crowd.base import (
    Answer,
    Brief,
    Example,
    More,
    Pulse,
    Question,
    granted,
    nothing_stays,
    or_raised,
    unstopped,
)
from labeling.crowd.chat_reply import NoReply, Reply, label_probabilities, read_reply
from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.chat_turn import Asked, Heard, Turn, together
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, NotAsked, Refused, Unexplained
from labeling.crowd.joint_prompts import Shown
from labeling.crowd.joint_replies import read_one
from labeling.crowd.places import as_sent, original
from labeling.crowd.redaction import Outgoing, outgoing
from labeling.crowd.replies import read_answer
from labeling.crowd.scrubbing import scrubbed
from labeling.crowd.shots import ShotPicker
from labeling.crowd.wordings import wording

ATTEMPTS = 3
"""A malformed answer is asked again at most twice."""
PULSE_SECONDS = 0.5
CONTROL = Question("", (("Text", "…"),))
"""Asked in place of a text that is refused without a reason: if this is refused, too, the text is not at fault."""


@dataclass(slots=True)
class Line:
    """The way to the server; `hides`: personal data; `answered`: a request was accepted."""

    client: Any
    secret: str = field(repr=False)
    hides: bool
    tokens: token_counts.Count
    answered: bool = False


@dataclass
class Part:
    """One question that a chat model was prepared for. `unread`: answers in a row that could not be read."""

    brief: Brief
    shots: ShotPicker
    version: str
    unread: int = 0

    @cached_property
    def known(self) -> dict[str, Example]:
        """Its examples by the name of their text."""
        return {example.question.task: example for example in self.brief.examples}


class ChatCalls:
    """Questions on their way to a chat model that was prepared for one question of a project or for several (`parts`).

    Where a `Question` is about several of them they are asked in one call: what cannot be read is asked once more
    alone, and what the call took is shared evenly among its answers.
    """

    def __init__(self, name: str, settings: ChatSettings, outside: bool) -> None:
        self.name = name
        self.settings = settings
        self.outside = outside
        self._line: Line | None = None
        self._parts: Sequence[Part] = ()

    def most_it_can_cost(self, question: Question) -> int:
        """Micro-dollars that asking this question once can cost: what to reserve before `answer`.

        Before it is asked again, `outcomes` asks for more.
        """
        return self._most_of(question, _asks(question))

    def most_tokens(self, question: Question) -> int:
        """The most tokens that a prompt with this question can have."""
        return self._tokens(self._messages(question, _asks(question)))

    def _tokens(self, asked: Asked) -> int:
        return self._to_server.tokens(asked) + chat_images.tokens_at_most(asked, self.settings)

    def _most_of(self, question: Question, places: Sequence[int], *, reminded: bool = False) -> int:
        """Of a call about the question, or about the text in its place."""
        both = question, _control(question)
        return max(self._most(self._messages(one, places, reminded=reminded), len(places)) for one in both)

    def _most(self, asked: Asked, answers: int) -> int:
        """Micro-dollars of one call at most, rounded up as a provider may do."""
        return self.settings.price.cost(
            self._tokens(asked), self.settings.limit_of(answers), images=chat_images.images_in(asked)
        )

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answers in order; raises the first CrowdError. With concurrency above 1, prefer `outcomes`."""
        return or_raised(self.outcomes(questions))

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
                    turns.append(Turn(question, _asks(question)))
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
        return scrubbed(outcome, self._to_server.secret)

    def _send(self, turn: Turn, threads: ThreadPoolExecutor) -> None:
        """Make the next call of a turn; what may leave is looked up right before."""
        stays = self._parts[0].brief.stays if self.outside else nothing_stays
        shots = self._shots(turn.question, turn.left)
        try:
            leaving = egress.check_texts(turn.question, [next(iter(shown.values())) for shown in shots], stays)
        except CrowdError as error:
            turn.outcome = turn.failure(error)
            return
        named = {example.question.task for example in leaving}
        shots = [shown for shown in shots if joint_prompts.subject(shown).task in named]
        question = _control(turn.question) if turn.doubt else turn.question
        again = turn.attempts > 0 and not turn.doubt
        turn.asked = self._messages(question, turn.left, [] if turn.doubt else shots, reminded=again)
        turn.most_tokens, turn.images = self._tokens(turn.asked), chat_images.images_in(turn.asked)
        turn.limit = self.settings.limit_of(len(turn.left))
        turn.call = threads.submit(self._call, turn.asked, self._fields(turn))

    def _send_again(self, turn: Turn, threads: ThreadPoolExecutor, more: More) -> None:
        """Make another call of a turn, if there is money for it; else what it said stands."""
        if more(turn.question, turn.microdollars + self._most_of(turn.question, turn.left, reminded=True)):
            self._send(turn, threads)
        elif turn.doubt:
            turn.outcome = turn.failure(Refused(str(turn.doubt)))
        else:
            turn.unfunded = True
            self._conclude(turn)

    def _take(self, turn: Turn) -> None:
        """Read what came back; without an outcome the turn is to be asked again."""
        assert turn.call is not None
        try:
            reply = turn.call.result()
        except CrowdError as error:
            self._take_failure(turn, error)
            return
        self._to_server.answered = True
        again = turn.count(reply, self.settings)
        if turn.doubt:
            turn.outcome = turn.failure(Refused(str(turn.doubt)))
            return
        turn.heard |= {place: self._heard(turn, place, reply) for place in turn.left}
        as_held = turn.last_microdollars <= self._most(turn.asked, len(turn.left))
        silent = [place for place in turn.left if turn.heard[place].read.said is None]
        left = tuple(place for place in silent if not self._parts[place].unread)
        if left and again and as_held and turn.attempts < ATTEMPTS:
            turn.left = left
            return
        self._conclude(turn)

    def _heard(self, turn: Turn, place: int, reply: Reply) -> Heard:
        """What a reply says to one of the questions."""
        brief, shown = self._parts[place].brief, self._outgoing(turn.question).question
        if reply.refused:
            return Heard()
        if turn.question.about[1:]:
            read, words = read_one(reply.content, place, brief, shown)
        else:
            read, words = read_answer(reply.content, brief, shown), ""
        told = reply.within(words) if words else reply
        chances = None if read.label is None else label_probabilities(told, brief.labels, read.label)
        return Heard(read, words, chances)

    def _conclude(self, turn: Turn) -> None:
        """The answers are what was read, in places of the question's own text."""
        asks, sent = _asks(turn.question), self._outgoing(turn.question)
        version = self._parts[asks[0]].version
        if len(asks) > 1:
            version = joint_prompts.version({place: self._parts[place].version for place in asks})
        answers = []
        for place in asks:
            part = self._parts[place]
            one = turn.answer(turn.heard[place], self.settings, version)
            part.unread = part.unread + 1 if one.unreadable else 0
            answers.append(replace(one, said=original(one.said, part.brief, turn.question, sent), hidden=sent.counts))
        turn.outcome = answers[0] if len(answers) == 1 else together(answers)

    def _take_failure(self, turn: Turn, error: CrowdError) -> None:
        """A refusal that nobody explained is tried with a text of ours, unless the server has answered before."""
        if not isinstance(error, Refused) or not (turn.doubt or isinstance(error, Unexplained)):
            turn.outcome = turn.failure(error)
        elif turn.doubt:
            turn.outcome = turn.failure(chat_errors.setup_refused(str(turn.doubt), shown_name(self.name)))
        elif self._to_server.answered:
            turn.outcome = turn.failure(Refused(str(error)))
        else:
            assert isinstance(error, Unexplained)
            turn.doubt = error

    def _shots(self, question: Question, places: Sequence[int]) -> list[Shown]:
        """The worked examples that go along with a question."""
        if question.task == CONTROL.task:
            return []
        if not question.about[1:]:
            return [{places[0]: example} for example in self._parts[places[0]].shots(question)]
        pickers = {place: self._parts[place].shots for place in places}
        known = {place: self._parts[place].known for place in places}
        return joint_prompts.shots_together(question, pickers, known, self.settings.shots)

    def _messages(
        self, question: Question, places: Sequence[int], shots: Sequence[Shown] | None = None, *, reminded: bool = False
    ) -> Asked:
        """The conversation that asks about these places, by default with all of the examples."""
        shots = self._shots(question, places) if shots is None else shots
        shown = [
            {place: as_sent(one, self._parts[place].brief, self._outgoing(one.question)) for place, one in each.items()}
            for each in shots
        ]
        attach, out = chat_images.attaching(self.settings), self._outgoing(question).question
        if question.about[1:]:
            briefs = {place: self._parts[place].brief for place in places}
            asked, remind = joint_prompts.messages(briefs, out, shown, attach=attach), joint_prompts.reminder(places)
        else:
            brief = self._parts[places[0]].brief
            asked = prompts.messages(brief, out, [one for each in shown for one in each.values()], attach=attach)
            remind = wording(brief).reminder
        asked = prompts.reminded(asked, remind) if reminded else asked
        return prompts.folded(asked) if self.settings.fold_system else asked

    def _outgoing(self, question: Question) -> Outgoing:
        """A question as it may leave; every text that this voter sends passes here."""
        return outgoing(question, hide=self._to_server.hides)

    def _fields(self, turn: Turn) -> dict[str, Any]:
        """What a request holds besides model and messages."""
        briefs = {place: self._parts[place].brief for place in turn.left}
        first = briefs[turn.left[0]]
        together = bool(turn.question.about[1:])
        schema = joint_prompts.schema(briefs) if together else first.answers.schema(first.space)
        return self.settings.fields(max(len(brief.labels) for brief in briefs.values()), schema, len(briefs))

    def _call(self, asked: Asked, fields: dict[str, Any]) -> Reply:
        import openai

        try:
            response = self._to_server.client.chat.completions.with_raw_response.create(
                model=self.settings.model, messages=chat_images.loaded(asked), **fields
            )
            return read_reply(response.http_response.content)
        except NoReply as nothing:
            headers = response.http_response.headers
            raise chat_errors.from_no_reply(nothing, headers, shown_name(self.name)) from None
        except openai.OpenAIError as error:
            raise chat_errors.from_openai(error, shown_name(self.name)) from None

    @property
    def _to_server(self) -> Line:
        if self._line is None:
            raise RuntimeError(f"{self.name} was asked before it was prepared")
        return self._line


def _asks(question: Question) -> tuple[int, ...]:
    """The places of the questions that are asked."""
    return question.about or (0,)


def _control(question: Question) -> Question:
    """A text of ours in place of the question's."""
    return replace(CONTROL, about=question.about)


def shown_name(name: str) -> str:
    """A name without the options that a one-line description carries."""
    return name.partition("?")[0]
