"""How many tokens a prompt has at most: by the model's own tokenizer where its file is there, else a token a byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec

from labeling.crowd import prompts
from labeling.crowd.errors import Misconfigured
from labeling.crowd.prompts import Message

Count = Callable[[Sequence[Message]], int]


def counter(path: str) -> Count:
    """What counts the most tokens of a prompt; `path`: a file tokenizer.json, or "" for none.

    Nothing is fetched. Raises Misconfigured where the file, or the library that reads it, is not there.
    """
    return by_file(path) if path else prompts.tokens_at_most


@lru_cache(maxsize=8)
def by_file(path: str) -> Count:
    """Counts by a tokenizer of the Hugging Face library; what looks like a special token in a text is read as text."""
    if find_spec("tokenizers") is None:
        raise Misconfigured(
            "Counting by a tokenizer needs the library of local models; run make models, or leave it out."
        )
    from tokenizers import Tokenizer

    try:
        made = Tokenizer.from_file(path)
    except Exception as error:  # the library raises bare exceptions
        words = " ".join(str(error).split())[:100]
        raise Misconfigured(
            f"The tokenizer {path} cannot be read ({words}); name the file tokenizer.json of the model."
        ) from error
    made.no_truncation()
    made.no_padding()
    made.encode_special_tokens = True

    def count(asked: Sequence[Message]) -> int:
        found = made.encode_batch([prompts.words_of(message) for message in asked], add_special_tokens=False)
        counted = sum(len(one.ids) + prompts.TOKENS_OF_A_ROLE for one in found) + prompts.TOKENS_OF_A_PROMPT
        return min(counted, prompts.tokens_at_most(asked))

    return count
