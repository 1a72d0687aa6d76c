"""Any model behind an OpenAI-compatible chat API: paid ones, and free ones served by Ollama, vLLM or llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from labeling.crowd import chat_errors, egress, prompts, token_counts
from labeling.crowd.abilities import ALL_KINDS, check_kind
from labeling.crowd.base import Answer, Brief, Question, Voter
from labeling.crowd.chat_calls import CONTROL as CONTROL
from labeling.crowd.chat_calls import ChatCalls, Line, Part, shown_name
from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, Misconfigured
from labeling.crowd.lines import FILES, KEYS, NETWORK, Options, Provider, typed, yes
from labeling.crowd.prices import LIKELY_WRITTEN, Price, stated_price
from labeling.crowd.redaction import VERSION as REDACTION
from labeling.crowd.shot_trials import Evidence, trial
from labeling.crowd.shots import CHOSEN, shot_picker

LIKELY_SHARE = 1 / 3
"""Until answers tell: three bytes of a prompt make a token (of English four do)."""

TRIED = Question("\0trial", (("Text", "This is a text for a trial. It was fine, all in all."),))
"""What a free model is asked before it joins."""


class ChatModel(ChatCalls):
    """A voter that asks a chat model. Its key stands in no attribute that is shown, stored or logged.

    An answer that names no label is asked again, at most twice, with a reminder, while there is money for it; not where
    the answers before it named none either, nor where the model only repeats itself or was cut off while thinking. The
    tokens of every attempt are counted; then it is an abstention. Failures of the server are errors, never abstentions.
    """

    kinds = ALL_KINDS
    sees = True

    def __init__(self, name: str, settings: ChatSettings) -> None:
        super().__init__(name, settings, not settings.local)
        self.evidence: Evidence | None = None

    def __repr__(self) -> str:
        return f"ChatModel({self.name!r}, {self.settings.model!r} at {self.settings.base_url!r})"

    def prepare(self, brief: Brief) -> None:
        """Read the key and pass the gate; nothing is sent, unless examples are to be chosen by known texts.

        Raises WrongKey, DestinationRefused, Unreachable, or Misconfigured for a tokenizer that cannot be read.
        """
        secret = self.settings.key(shown_name(self.name))
        egress.check_destination(self.settings.base_url, local=self.settings.local)
        hides = self.outside and brief.hide_personal_data
        check_kind(self, brief)
        way = self.settings.way
        part = Part(brief, shot_picker(brief, self.settings.shots, way), self._version(brief, hides, way))
        from labeling.crowd.chat_transport import client

        count = token_counts.counter(self.settings.tokenizer)
        self._line, self._parts = Line(client(self.settings, secret), secret, hides, count), [part]
        if way == CHOSEN:
            self.evidence = trial(brief, self._tried)
            part.shots = shot_picker(brief, self.settings.shots, self.evidence.kept)
            part.version = self._version(brief, hides, self.evidence.kept)

    def try_out(self) -> None:
        """Ask for the list of models, which costs nothing; a free model is asked about a text of ours as well.

        Raises WrongKey, Unreachable or ModelMissing, or Misconfigured for answers that name no label.
        """
        chat_errors.check_key(self._to_server.client, shown_name(self.name))
        if not self.settings.price.free:
            return
        [outcome] = self.outcomes([TRIED])
        if isinstance(outcome, CrowdError):
            raise outcome
        if outcome.unreadable:
            words = " ".join(outcome.raw.split())[:80]
            raise Misconfigured(
                f"{shown_name(self.name)} answers a trial text with “{words}”, which names none of the labels; choose "
                "another model, or let it answer in JSON (json_mode=yes, or json_schema=yes)."
            )

    def together(self, others: Sequence[Voter]) -> ChatPanel:
        """The same model for several questions at once; all of them are prepared."""
        return ChatPanel([self, *(other for other in others if isinstance(other, ChatModel))])

    def _tried(self, way: str, questions: Sequence[Question]) -> list[Answer | None]:
        """Answers with examples chosen in one way; None for a text that is refused. Raises any other CrowdError."""
        [part] = self._parts
        part.shots = shot_picker(part.brief, self.settings.shots, way)
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

    def likely_cost(self, question: Question, share: float = LIKELY_SHARE, written: float = LIKELY_WRITTEN) -> int:
        """Micro-dollars that asking once is likely to cost, for plans.

        `share`: how many of the most tokens its prompt really has, 1 where they are counted; `written`: tokens of an
        answer. Both can be learnt from earlier answers.
        """
        share = 1.0 if self.settings.tokenizer else share
        pictures = len(question.images) * (1 + self.settings.shots)
        return self.settings.price.cost(ceil(share * self.most_tokens(question)), ceil(written), images=pictures)


class ChatPanel(ChatModel):
    """A chat model that was prepared for several questions of a project, and answers those about one thing in a call.

    `Question.about` says which are asked; of a single one it is asked as it is alone.
    """

    def __init__(self, members: Sequence[ChatModel]) -> None:
        first = members[0]
        super().__init__(first.name, first.settings)
        self.outside, self._line = first.outside, first._line
        self._parts = [part for member in members for part in member._parts]


def _made(spec: str, source: str, options: Options) -> ChatModel:
    model, at, base_url = source.rpartition("@")
    if not (model and at and base_url):
        raise Misconfigured(f"{spec!r} names no model or no base URL; write chat:MODEL@https://host/v1?....")
    local = yes(options.get("local", "no"), "local", spec)
    prices: Options = {key: options.pop(key) for key in ("input", "output", "call", "image") if key in options}
    price = Price() if local and not prices else stated_price(prices, f"{model} at {base_url}")
    if "key" in options:
        options["key_name"] = options.pop("key")
    return ChatModel(spec, ChatSettings(model, base_url, price, **typed(ChatSettings, options, spec)))


def _about(voter: ChatModel) -> str:
    price = voter.settings.price
    per_call = f" and {price.per_call} per call" if price.per_call else ""
    per_call += f" and {price.per_image} per image" if price.per_image else ""
    paid = f"{price.input_per_million} and {price.output_per_million} US dollars per million tokens{per_call}"
    cost = "free" if price.free else f"at {paid}"
    return f"chat model {voter.settings.model} at {voter.settings.base_url}, {cost}"


def _reach(source: str, options: Options) -> list[str]:
    settings = _made(f"chat:{source}", source, dict(options)).settings
    named = {KEYS: settings.key_name, NETWORK: settings.local, FILES: settings.tokenizer}
    return [what for what, wanted in named.items() if wanted]


PROVIDER = Provider(
    "chat", _made, _about, _reach, lambda source: source.rpartition("@")[0], source=("model", "base_url")
)
