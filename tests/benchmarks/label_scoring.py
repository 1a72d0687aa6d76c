"""Scoring labels with a causal model beside writing an answer: CPU seconds a task, side by side in one run.

Run by `python -m tests.benchmarks.label_scoring [--family llama] [--batch 8] [--tasks 64] [--old CHECKOUT]`. A model of
95 million random weights and its tokenizer are built on the spot; 170 tokens begin every prompt, 75 follow, there are 4
labels. Prints the CPU seconds a task of `generate` with 4 new tokens in float32 (transformers' pipeline, at the same
batch size), of the member `causal:` in float32, bf16 and int8, and, with --old, of that of another checkout of Concord;
the share of `generate` that each takes; and how far scores are from those of one prompt and one label at a time. The
rounds are interleaved, and the median of each is told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labeling.crowd.base import Brief, LabelSet, Question
from labeling.crowd.registry import build

BEGINNING, OWN, LABELS = 170, 75, ("very angry", "quite happy", "plainly sad", "neutral")
WORDS, ROWS = 6_000, 13_000


def words(count: int, seed: int) -> str:
    """So many made-up words."""
    draw = np.random.default_rng(seed)
    return " ".join(f"w{number}" for number in draw.integers(0, WORDS, count).tolist())


def tokenizer(folder: Path) -> Any:
    """A byte-level tokenizer that learned from what prompts are made of, saved to `folder`."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    made, told = ByteLevelBPETokenizer(), Brief(LabelSet(LABELS)).labels.described()
    texts = [words(2_000, seed) for seed in range(100)] + [_about(words(40, 0))] * 50 + list(told) * 50
    made.train_from_iterator(texts, vocab_size=12_000, min_frequency=2, special_tokens=["<pad>", "<eos>"])
    fast = PreTrainedTokenizerFast(tokenizer_object=made._tokenizer, pad_token="<pad>", eos_token="<eos>")
    fast.padding_side = "left"
    fast.save_pretrained(folder)
    return fast


def _about(guidelines: str, text: str = "") -> str:
    from labeling.crowd import prompts

    return prompts.completion(Brief(LabelSet(LABELS), guidelines), Question("t", (("Text", text),)), [])


def model(folder: Path, family: str, vocabulary: int) -> int:
    """A random causal model of about 95 million weights, saved to `folder`; returns how many weights."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    made: Any
    if family == "gpt2":
        made = GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, n_positions=1024))
    else:
        sizes = {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12}
        config = LlamaConfig(
            vocab_size=max(vocabulary, ROWS), max_position_embeddings=1024, tie_word_embeddings=True, **sizes
        )
        made = LlamaForCausalLM(config)
    made.save_pretrained(folder)
    return int(sum(one.numel() for one in made.parameters()))


def task(fast: Any, tasks: int) -> tuple[str, list[str]]:
    """Guidelines and texts: what all prompts begin with has 170 tokens, what follows has 75."""
    length = _beginning(fast, "")
    guidelines = _of_tokens(fast, BEGINNING - length, 1)
    while (gap := BEGINNING - _beginning(fast, guidelines)) != 0:
        guidelines = _of_tokens(fast, len(fast.encode(guidelines)) + gap, 1)
    whole = len(fast.encode(_about(guidelines, "w1")))
    own = OWN - (whole - BEGINNING) + 1
    return guidelines, [_of_tokens(fast, own, seed + 2) for seed in range(tasks)]


def _beginning(fast: Any, guidelines: str) -> int:
    one, two = (fast.encode(_about(guidelines, text)) for text in ("w1", "w2 w3"))
    return next(at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)


def _of_tokens(fast: Any, count: int, seed: int) -> str:
    ids = fast.encode(words(count, seed))[: max(count, 0)]
    return str(fast.decode(ids))


def member(line: str, guidelines: str, texts: Sequence[str]) -> tuple[Callable[[], Any], Any]:
    """What answers all texts, and the voter."""
    voter = build(line)
    voter.prepare(Brief(LabelSet(LABELS), guidelines))
    questions = [Question(str(at), (("Text", text),)) for at, text in enumerate(texts)]
    return lambda: [answer.probabilities for answer in voter.answer(questions)], voter


def writing(folder: str, batch: int, guidelines: str, texts: Sequence[str]) -> Callable[[], Any]:
    """transformers' pipeline, four new tokens a text."""
    import torch
    from transformers import pipeline

    made = pipeline("text-generation", model=folder, dtype=torch.float32, device="cpu")
    asked = [_about(guidelines, text) for text in texts]
    how = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False, "return_full_text": False}
    return lambda: made(asked, batch_size=batch, **how)


def timed(work: Callable[[], Any], tasks: int) -> float:
    """CPU seconds a task."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / tasks


def alone(voter: Any, guidelines: str, texts: Sequence[str]) -> float:
    """The largest distance of a score from that of one prompt and one label, read whole."""
    import torch

    from labeling.crowd.label_scores import label_scores

    loaded, worst = voter._model, 0.0
    asked = [loaded.tokenizer.encode(_about(guidelines, text)) for text in texts[:8]]
    labels = [loaded.tokenizer.encode(f" {name}", add_special_tokens=False) for name in LABELS]
    found = label_scores(loaded, asked, labels)
    for prompt, row in zip(asked, found, strict=True):
        for label, score in zip(labels, row, strict=True):
            with torch.inference_mode():
                logs = loaded.model(input_ids=torch.tensor([prompt + label])).logits[0].log_softmax(-1)
            right = np.mean([logs[len(prompt) - 1 + step, token].item() for step, token in enumerate(label)])
            worst = max(worst, abs(float(right) - float(score)))
    return worst


def one_way(way: str, told: dict[str, Any]) -> None:
    """In a process of its own: on each line read, measure once and write CPU seconds a task."""
    import torch

    torch.set_num_threads(1)
    folder, batch, guidelines, texts = told["folder"], told["batch"], told["guidelines"], told["texts"]
    voter: Any = None
    if way == "generate":
        work = writing(folder, batch, guidelines, texts)
    else:
        line = f"causal:{folder}?batch={batch}" + (f"&precision={way}" if way in ("bf16", "int8") else "")
        work, voter = member(line, guidelines, texts)
    error = alone(voter, guidelines, texts) if way == "float32" else 0.0
    print(json.dumps(error), flush=True)
    for _ in sys.stdin:
        print(json.dumps(timed(work, len(texts))), flush=True)


def main() -> None:
    """Build, measure in turn, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--family", choices=["llama", "gpt2"], default="llama")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--old", help="another checkout of Concord, measured beside this one")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        return one_way(options.way, json.loads(sys.stdin.readline()))
    with tempfile.TemporaryDirectory() as made:
        _measure(Path(made), options)
    return None


def _measure(folder: Path, options: argparse.Namespace) -> None:
    fast = tokenizer(folder)
    weights = model(folder, options.family, len(fast))
    guidelines, texts = task(fast, options.tasks)
    lengths = [len(fast.encode(_about(guidelines, text))) for text in texts]
    told = {"folder": str(folder), "batch": options.batch, "guidelines": guidelines, "texts": texts}
    ways = ["generate", *(["old"] if options.old else []), "float32", "bf16", "int8"]
    processes = {way: _started(way, told, options.old) for way in ways}
    errors = {way: _said(process) for way, process in processes.items()}
    seconds = {way: [_asked(processes[way])][1:] for way in ways}  # the first is to warm up
    for _ in range(options.rounds):
        for way in ways:
            seconds[way].append(_asked(processes[way]))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    print(f"{options.family}, {weights / 1e6:.0f} M weights, prompts of {np.mean(lengths):.0f} tokens, ", end="")
    print(f"{_beginning(fast, guidelines)} of them shared, batches of {options.batch}")
    for way in ways:
        spent, written = np.median(seconds[way]), np.median(seconds["generate"])
        print(f"  {way:9} {1000 * spent:7.1f} CPU ms a task, {spent / written:.3f} of generate", end="")
        print(f", {spent / np.median(seconds['old']):.3f} of the old one" if options.old else "")
    print(f"  scores of float32 differ from those of one at a time by at most {errors['float32']:.1e}")


def _started(way: str, told: dict[str, Any], old: str | None) -> Any:
    """A process that measures one way, in the other checkout where that is asked."""
    here = Path(old).resolve() if way == "old" and old else Path(__file__).resolve().parents[2]
    line = [sys.executable, str(Path(__file__).resolve()), "--way", way]
    env = {**os.environ, "PYTHONPATH": str(here), "OMP_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error"}
    made = subprocess.Popen(line, cwd=here, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert made.stdin
    made.stdin.write(json.dumps(told) + "\n")
    made.stdin.flush()
    return made


def _asked(process: Any) -> float:
    process.stdin.write("\n")
    process.stdin.flush()
    return _said(process)


def _said(process: Any) -> float:
    while line := process.stdout.readline():
        try:
            return float(json.loads(line))
        except ValueError:
            continue
    raise SystemExit("A way of measuring failed; its message stands above.")


if __name__ == "__main__":
    main()
