"""A causal language model of this machine, which scores the labels instead of writing an answer."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd import cleaning, memory, prompts
from labeling.crowd.abilities import SCORED, check_kind
from labeling.crowd.base import Answer, Brief, Example, Question
from labeling.crowd.batching import Batches, rows_that_fit
from labeling.crowd.causal_answers import scored
from labeling.crowd.errors import TextTooLong
from labeling.crowd.exactness import Exactness, compared
from labeling.crowd.held_models import Shared, shared
from labeling.crowd.label_scores import label_scores
from labeling.crowd.lines import MODELS, Options, Provider, typed
from labeling.crowd.local_models import check_installed, check_known_family, load_causal, weights_on_disk
from labeling.crowd.precision import COARSE, check_precision
from labeling.crowd.shot_trials import Evidence, trial
from labeling.crowd.shots import CHOSEN, WAYS, check_way, shot_picker

Floats = NDArray[np.float64]

CONTENT_FREE = ("N/A", "", "[MASK]")
BATCH = defaultdict(lambda: 8, cuda=256)
"""Prompts at a time: a graphics card gains from many, a CPU hardly."""
WINDOW_SECONDS = 4.0
"""Questions are sorted by length as far as they are answered in about this time: a stop is not to wait long."""
EXACT_TAKES = 3
"""A model in float32 is compared with where so many times the bytes of its files are free."""
DIGITS = 4
"""Probabilities are rounded to this many decimals: batches of other sizes differ in the seventh."""


@dataclass(frozen=True, slots=True)
class CausalSettings:
    """`source`: folder or hub id. `shots`: worked examples in the prompt. `nearest`: those most
    like the question, otherwise the same for all. `examples`: how they are chosen, in place of `nearest`: fixed,
    random, nearest or chosen. `most_tokens`: longest prompt. `batch`: prompts at a time, at most, 0 for what suits the
    device; fewer where memory bears fewer. `precision`: auto, float32, bf16 or int8.

    `calibrate`: subtract what the model says to a question without content. `threads`: CPU threads, 0 leaves them.
    """

    source: str
    shots: int = 0
    nearest: bool = False
    batch: int = 0
    most_tokens: int = 2_048
    calibrate: bool = True
    device: str = "auto"
    threads: int = 0
    examples: str = ""
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_way(self.examples, nearest=self.nearest)

    @property
    def way(self) -> str:
        """How shots are chosen."""
        return self.examples or ("nearest" if self.nearest else "fixed")


class CausalModel:
    """A voter that compares the labels by log-probability.

    Score of a label: the mean log-probability of its tokens after the prompt, less the same after
    prompts with no content ("N/A", empty, "[MASK]", averaged), so that neither long nor common labels
    are preferred (Zhao et al. 2021, Calibrate Before Use; Holtzman et al. 2021, Surface Form
    Competition). Probabilities are the softmax of the scores; they rank well and are not calibrated.
    A chat template is used where the tokenizer has one. A text that does not fit is shortened in its
    middle and the answer says so; labels and instructions are never shortened, shots are dropped last.
    Of a set of labels each is asked for by comparing "label: yes" with "label: no", all after one reading of the
    prompt; of a scale the steps are the labels (`causal_answers`).
    """

    outside = False
    kinds = SCORED
    sees = False

    def __init__(self, name: str, settings: CausalSettings) -> None:
        self.name = name
        self.settings = settings
        self.evidence: Evidence | None = None
        self.exactness: Exactness | None = None
        self._loaded: Shared | None = None

    def prepare(self, brief: Brief) -> None:
        """Load the model once and score the prompts without content; raises ModelMissing or UnsafeModel."""
        check_kind(self, brief)
        if self._loaded is None:
            told = self.settings
            self._loaded = shared(load_causal, told.source, told.device, told.threads, told.precision)
            most = told.batch or BATCH[self._loaded.device.partition(":")[0]]
            self._batches = Batches(most, self.name.partition("?")[0])
        self._brief = brief
        self._scored = scored(brief)
        self._labels = self._label_tokens(self._loaded.tokenizer)
        self._choose(self.settings.way if self.settings.way != CHOSEN else WAYS[0])
        if self.settings.way == CHOSEN:
            self.evidence = trial(brief, self._tried)
            self._choose(self.evidence.kept)

        if self.settings.precision in COARSE:
            self.exactness = self._compared(brief)

    def _compared(self, brief: Brief) -> Exactness | None:
        """The same model in float32 is loaded for the comparison alone, where memory bears it."""
        told = self.settings
        if weights_on_disk(told.source) * EXACT_TAKES > memory.free() or not (brief.examples or brief.texts):
            return None
        exact = CausalModel(self.name, replace(told, precision="float32", examples=self._way, nearest=False))
        exact.prepare(brief)
        try:
            return compared(
                brief, told.precision, lambda asked: list(self.answer(asked)), lambda a: list(exact.answer(a))
            )
        finally:
            exact.let_go()

    def let_go(self) -> None:
        """Give its weights' memory back, whoever else uses them; they are loaded again when they are asked for."""
        if self._loaded is not None:
            self._loaded.let_go()

    def _choose(self, way: str) -> None:
        """Choose examples in one way from now on."""
        self._way, self._shots = way, shot_picker(self._brief, self.settings.shots, way)
        also = () if way == WAYS[0] else (way,)
        self._version = prompts.prompt_version(self._brief, self.settings.shots, as_json=False, also=also)
        self._bias = np.zeros(len(self._labels))
        if self.settings.calibrate:
            self._bias = self._content_free_scores()

    def _tried(self, way: str, questions: Sequence[Question]) -> list[Answer]:
        self._choose(way)
        return list(self.answer(questions))

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """A label and probabilities for every question, window by window; in a window the longest are read first."""
        begin, width = 0, self._batches.most
        while begin < len(questions):
            began = time.perf_counter()
            yield from self._answer_window(questions[begin : begin + width])
            begin += width
            width *= 2 if time.perf_counter() - began < WINDOW_SECONDS / 2 else 1

    def _answer_window(self, questions: Sequence[Question]) -> Iterator[Answer]:
        began = time.perf_counter()
        asked = [self._prompt(question) for question in questions]
        scores = self._scores([ids for ids, _ in asked]) - self._bias
        seconds = (time.perf_counter() - began) / len(questions)
        for (ids, note), row in zip(asked, scores, strict=True):
            yield replace(
                self._scored.answer(row, DIGITS),
                input_tokens=len(ids),
                seconds=seconds,
                model=self._model.version,
                prompt_version=self._version,
                note=note,
            )

    def _scores(self, prompts_ids: Sequence[Sequence[int]]) -> Floats:
        """Log-probability of each continuation, (prompts, continuations): of a token on average, or in all."""
        loaded, behind = self._model, sum(len(label) - 1 for label in self._labels)
        rows = self._batches.through(
            [len(ids) for ids in prompts_ids],
            lambda places: list(label_scores(loaded, [prompts_ids[at] for at in places], self._labels)),
            lambda longest: rows_that_fit(loaded.model, loaded.device, longest, behind),
        )
        mean = np.stack(rows)
        return mean * np.array([len(label) for label in self._labels]) if self._scored.whole else mean

    @property
    def _model(self) -> Shared:
        if self._loaded is None:
            raise RuntimeError(f"{self.name} was asked before it was prepared")
        return self._loaded

    @property
    def in_memory(self) -> bool:
        """Whether its weights are in this process's memory now."""
        return self._loaded is not None and self._loaded.here

    def _content_free_scores(self) -> Floats:
        titles = next(
            (q.parts for q in (*self._brief.texts, *(e.question for e in self._brief.examples))), (("Text", ""),)
        )
        blanks = [Question(f"\0{text}", tuple((title, text) for title, _ in titles)) for text in CONTENT_FREE]
        ids = [self._prompt(blank)[0] for blank in blanks]
        mean: Floats = self._scores(ids).mean(axis=0)
        return mean

    def _label_tokens(self, tokenizer: Any) -> list[list[int]]:
        """Token ids of each label as the prompt would go on: after a chat template bare, else behind a space."""
        gap = "" if tokenizer.chat_template else " "
        found = [tokenizer.encode(gap + name, add_special_tokens=False) for name in self._scored.continuations]
        return [ids or [tokenizer.unk_token_id or 0] for ids in found]

    def _prompt(self, question: Question) -> tuple[list[int], str]:
        """Token ids of the prompt of a question, and a note where its text had to be shortened."""
        shots = [replace(shot, question=self._harmless(shot.question)) for shot in self._shots(question)]
        question = self._harmless(question)
        room = self._room()
        ids = self._encode(question, shots)
        if len(ids) <= room:
            return ids, "The text was shortened." if cleaning.is_shortened(question) else ""
        while shots and len(self._encode(_cut(question, 200), shots)) > room:
            shots = shots[:-1]
        return self._longest_that_fits(question, shots, room), "The text was shortened."

    def _longest_that_fits(self, question: Question, shots: list[Example], room: int) -> list[int]:
        """The prompt with as much of each text as fits, by bisection on characters."""
        low, high = 0, max(len(text) for _, text in question.parts)
        best = self._encode(_cut(question, 0), shots)
        if len(best) > room:
            raise TextTooLong(
                f"The labels and guidelines alone do not fit into {room} tokens of {self.name}; shorten the guidelines."
            )
        while high - low > 8:
            middle = (low + high) // 2
            ids = self._encode(_cut(question, middle), shots)
            low, high, best = (middle, high, ids) if len(ids) <= room else (low, middle, best)
        return best

    def _encode(self, question: Question, shots: list[Example]) -> list[int]:
        tokenizer = self._model.tokenizer
        if not tokenizer.chat_template:
            ids: list[int] = tokenizer.encode(prompts.completion(self._brief, question, shots))
            return ids
        asked = prompts.messages(self._brief, question, shots, as_json=False)
        text = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        return list(tokenizer.encode(text, add_special_tokens=False))

    def _room(self) -> int:
        """Prompt tokens that leave space for the longest label within what the model was built for."""
        config = getattr(self._model.model.config, "max_position_embeddings", None) or self.settings.most_tokens
        return min(self.settings.most_tokens, config) - max(len(label) for label in self._labels)

    def _harmless(self, question: Question) -> Question:
        """The question with the tokenizer's own control tokens taken apart."""
        marks = [token for token in self._model.tokenizer.all_special_tokens if len(token) > 1]
        return replace(question, parts=tuple((title, cleaning.clean(text, marks)) for title, text in question.parts))


def _cut(question: Question, most: int) -> Question:
    return replace(question, parts=tuple((title, cleaning.shortened(text, most)) for title, text in question.parts))


def _made(spec: str, source: str, options: Options) -> CausalModel:
    check_installed()
    check_known_family(source)
    return CausalModel(spec, CausalSettings(source, **typed(CausalSettings, options, spec)))


def _about(voter: CausalModel) -> str:
    return f"causal language model {voter.settings.source} of this machine, {voter.settings.shots} shots"


PROVIDER = Provider("causal", _made, _about, lambda source, options: [MODELS])
