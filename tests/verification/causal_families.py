"""Every family of causal language models, tried on a tiny random model: are its label scores the right ones?

    python -m tests.verification.causal_families            all families, some minutes; prints what is not as listed
    python -m tests.verification.causal_families mamba bert only these
    python -m tests.verification.causal_families --table    writes docs/causal_families.md

Right are the scores of one prompt with one label at a time, the whole sequence, no padding, no cache, in float32.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import numpy as np
import torch
import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as FAMILIES

from labeling.crowd.causal_families import BOTH_WAYS, IN_WHOLE, PACKED, PROMPT_ONCE, may_share_prompts, packs
from labeling.crowd.label_scores import label_scores
from labeling.crowd.local_models import LocalModel
from labeling.crowd.packed_scores import packed_scores
from tests.verification.tiny_families import TooBig, tiny_model

EXACT = 1e-5
TABLE = Path(__file__).resolve().parents[2] / "docs" / "causal_families.md"
REASONS = {
    "big_bird": "its blocks of attention read both ways in long texts",
    "doge": "which keys it reads depends on what stands to their right",
    "reformer": "it chooses at random what it reads in long texts",
    "musicgen": "writes sound",
    "musicgen_melody": "writes sound",
    "gemma4_assistant": "goes on from the states of a larger model, never alone",
    "gemma4_unified_assistant": "goes on from the states of a larger model, never alone",
}
"""Families that are refused for what a short trial cannot show."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found for a family. `once`, `whole`, `packed`: largest error of a score, None where it could not be had.

    Of a score beyond -1 the error is its share of the score: float32 has seven digits.
    """

    family: str
    once: float | None = None
    whole: float | None = None
    shares: bool = False
    packed: float | None = None
    failure: str = ""

    @property
    def way(self) -> str:
        """The list of `causal_families` that the family belongs in, or refused."""
        if self.family in REASONS:
            return "refused"
        if self.shares and _exact(self.once):
            return "packed" if _exact(self.packed) else "prompt once"
        return "in whole" if _exact(self.whole) else "refused"

    @property
    def error(self) -> float | None:
        return {"packed": self.packed, "prompt once": self.once}.get(self.way, self.whole)


def _exact(error: float | None) -> bool:
    return error is not None and error <= EXACT


def trial(family: str) -> Trial:
    """Score three prompts of unlike lengths and four labels of one to four tokens, two of which begin alike."""
    try:
        model = tiny_model(family)
        prompts, labels = _texts()
        right = _right(model, prompts, labels)
    except Exception as error:  # a family may fail in any way at all: that is what is looked for
        told = "not tried: no tiny model of it" if isinstance(error, TooBig) else f"{type(error).__name__}: {error}"
        return Trial(family, failure=" ".join(told.split())[:90])
    return Trial(
        family,
        _error(model, right, prompts, labels, shares=True),
        _error(model, right, prompts, labels, shares=False),
        _as_listed(model, may_share_prompts, "PROMPT_ONCE"),
        _packed(model, labels),
    )


def _right(model: Any, prompts: Sequence[list[int]], labels: Sequence[list[int]]) -> Any:
    return np.array([[_one_by_one(model, prompt, label) for label in labels] for prompt in prompts])


def _packed(model: Any, labels: list[list[int]]) -> float | None:
    """The largest error of prompts with a common beginning that is kept, where they fit into the model's windows.

    The beginning is read for the first prompts, kept, and used in part by the second, which share less of it.
    """
    room = int(_as_listed(model, packs, "PACKED"))
    if not room:
        return None
    draw = np.random.default_rng(1).integers
    start, errors = draw(3, 290, min(37, room - 9)).tolist(), []
    begun = packed_scores.__globals__["FEWEST"]
    packed_scores.__globals__["FEWEST"] = 4  # windows are tiny here
    loaded = LocalModel(SimpleNamespace(pad_token_id=0), model, "cpu", "tiny", True, packs=room)
    try:
        for shared in (start, start[:-2]):
            prompts = [[*shared, *draw(3, 290, n).tolist()] for n in (1, 5, 3)]
            prompts[0][-1], prompts[1][len(shared)] = 7, 8
            errors.append(_held_to(loaded, prompts, labels, _right(model, prompts, labels)))
        return max(errors) if loaded.beginnings.kept else None
    except Exception:  # as above
        return None
    finally:
        packed_scores.__globals__["FEWEST"] = begun


def _texts() -> tuple[list[list[int]], list[list[int]]]:
    draw = np.random.default_rng(0).integers
    labels = [draw(3, 290, n).tolist() for n in (1, 2, 4)]
    return [draw(3, 290, n).tolist() for n in (5, 23, 41)], [*labels, [*labels[2][:2], 7]]


def _one_by_one(model: Any, prompt: list[int], label: list[int]) -> float:
    with torch.inference_mode():
        logs = model(input_ids=torch.tensor([prompt + label]), use_cache=False).logits[0].log_softmax(-1)
    return float(np.mean([logs[len(prompt) - 1 + step, token].item() for step, token in enumerate(label)]))


def _error(model: Any, right: Any, prompts: Any, labels: Any, *, shares: bool) -> float | None:
    loaded = LocalModel(SimpleNamespace(pad_token_id=0), model, "cpu", "tiny", shares)
    try:
        return _held_to(loaded, prompts, labels, right)
    except Exception:  # as above
        return None


def _held_to(loaded: LocalModel, prompts: Any, labels: Any, right: Any) -> float:
    return float((np.abs(label_scores(loaded, prompts, labels) - right) / np.maximum(np.abs(right), 1)).max())


def _as_listed(model: Any, asked: Callable[[Any], Any], names: str) -> Any:
    """What the product would say of the model, were its family on the list; False where it fails."""
    held = asked.__globals__[names]
    asked.__globals__[names] = held | {model.config.model_type}
    try:
        return asked(model)
    except Exception:  # as above
        return False
    finally:
        asked.__globals__[names] = held


def listed(family: str) -> str:
    if family in PROMPT_ONCE:
        return "packed" if family in PACKED else "prompt once"
    return "in whole" if family in IN_WHOLE else "refused"


def table(trials: Sequence[Trial]) -> Iterator[str]:
    counts = {way: sum(one.way == way for one in trials) for way in ("packed", "prompt once", "in whole", "refused")}
    yield "# Families of causal language models"
    yield ""
    yield f"Every family of transformers {transformers.__version__}, tried on a tiny model with random weights"
    yield "(`python -m tests.verification.causal_families`): scores of labels of one to four tokens behind prompts of"
    yield "5 to 41 tokens, with attention windows of 16, held to those of one prompt and one label at a time, without"
    yield "padding or cache. The family is `model_type` in the model's `config.json`."
    yield ""
    yield f"- **packed** ({counts['packed']}): what prompts begin with is read once and kept; all labels stand behind a"
    yield "  prompt in one pass. Where a prompt is longer than a window of the attention, it is scored as **once**."
    yield f"- **once** ({counts['prompt once']}): a prompt is read once, its keys and values serve all labels."
    yield f"- **whole** ({counts['in whole']}): prompt and label are read together, for each label of several tokens."
    yield f"- **refused** ({counts['refused']}): the model cannot join as `causal:`, and the refusal names the family."
    yield "- *: only with `is_decoder` in its configuration; otherwise it is an encoder and joins as `embedding:`."
    yield ""
    yield "| family | scored | largest error |"
    yield "|---|---|---|"
    for one in trials:
        star = "*" if one.family in BOTH_WAYS else ""
        if one.way != "refused":
            yield f"| `{one.family}`{star} | {one.way.split()[-1]} | {one.error:.1e} |"
            continue
        wrong = "gives no scores from text alone" if one.whole is None else f"scores wrong by {one.whole:.1g}"
        wrong = "not tried: no tiny model of it could be made" if one.failure else wrong
        yield f"| `{one.family}` | refused | {REASONS.get(one.family, wrong)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    parser.add_argument("--table", action="store_true", help=f"write {TABLE.name}")
    told = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    trials = []
    for family in told.families or sorted(FAMILIES):
        trials.append(trial(family))
        gc.collect()
    for one in trials:
        if told.families or one.way != listed(one.family):
            print(f"{one.family}: {one.way}, listed as {listed(one.family)}; {one}")
    if told.table:
        TABLE.write_text("\n".join(table(trials)) + "\n", encoding="utf-8")
    wrong = sum(one.way != listed(one.family) for one in trials)
    print(f"{len(trials)} families tried, {len(trials) - wrong} as listed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
