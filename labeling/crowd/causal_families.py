"""Families of causal language models whose label scores were found right, by the `model_type` of their config.json.

`python -m tests.verification.causal_families` tries every family that transformers knows and holds these lists to what
it finds; docs/causal_families.md is its table.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from labeling.crowd.errors import Misconfigured

_PROMPT_ONCE = """
afmoe apertus arcee aria_text axk1 beam bert bert-generation biogpt bitnet bloom codegen cohere cohere2
cohere2_moe cohere_compass_text ctrl cwm dbrx deepseek_v2 deepseek_v3 diffllama dots1 electra emu3 ernie
ernie4_5 ernie4_5_moe exaone4 exaone_moe falcon flex_olmo flint fuyu gemma gemma2 gemma3 gemma3_text
gemma3n_text gemma4 gemma4_text gemma4_unified gemma4_unified_text glm glm4 glm4_moe glm4_moe_lite got_ocr2
gpt-sw3 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_neox_japanese gpt_oss gptj granite granite_swa granitemoe
granitemoe_swa granitemoeshared helium hrm_text hunyuan_v1_dense hunyuan_v1_moe hy_v3 hyperclovax internlm3
iquestcoder jais2 jetmoe kolibri1 laguna llama llama4 llama4_text longcat_flash mellum mimo_v2_flash minicpm3
minimax_m2 minimax_m3_vl_text ministral ministral3 mistral mixtral mllama modernbert-decoder
moss_transcribe_diarize mpt nanochat nemotron olmo olmo2 olmo3 olmoe opt persimmon phi phi3 phi4_multimodal
phimoe qwen2 qwen2_moe qwen3 qwen3_moe seed_oss smollm3 solar_open stablelm starcoder2 vaultgemma xglm youtu
"""
PROMPT_ONCE = frozenset(_PROMPT_ONCE.split())
"""A prompt is read once, padded on the left, and its keys and values serve all labels."""

_PACKED = """
afmoe apertus arcee aria_text axk1 beam bert bert-generation biogpt bitnet codegen cohere cohere2 cohere2_moe
cohere_compass_text ctrl cwm dbrx deepseek_v2 deepseek_v3 diffllama dots1 electra emu3 ernie ernie4_5
ernie4_5_moe exaone4 exaone_moe falcon flex_olmo flint fuyu gemma gemma2 gemma3 gemma3_text gemma3n_text gemma4
gemma4_text gemma4_unified gemma4_unified_text glm glm4 glm4_moe glm4_moe_lite got_ocr2 gpt-sw3 gpt2 gpt_bigcode
gpt_neox gpt_neox_japanese gpt_oss gptj granite granite_swa granitemoe granitemoe_swa granitemoeshared helium
hrm_text hunyuan_v1_dense hunyuan_v1_moe hy_v3 hyperclovax internlm3 iquestcoder jais2 jetmoe kolibri1 laguna
llama llama4 llama4_text longcat_flash mellum mimo_v2_flash minicpm3 minimax_m2 minimax_m3_vl_text ministral
ministral3 mistral mixtral modernbert-decoder moss_transcribe_diarize nanochat nemotron olmo olmo2 olmo3 olmoe
opt persimmon phi phi3 phi4_multimodal phimoe qwen2 qwen2_moe qwen3 qwen3_moe seed_oss smollm3 solar_open
stablelm starcoder2 vaultgemma xglm youtu
"""
PACKED = frozenset(_PACKED.split())
"""Those of PROMPT_ONCE that take a mask and positions of their own for each token: what prompts begin with is read
once, and all labels stand packed behind a prompt, within the attention windows."""

_IN_WHOLE = """
axk2 bailing_hybrid bamba bart bigbird_pegasus blenderbot blenderbot-small camembert data2vec-text deepseek_v32
deepseek_v4 dots3_note_text falcon_h1 falcon_mamba git glm_moe_dsa granitemoehybrid hy_v4 inkling2_text
inkling_text jamba kimi_linear lfm2 lfm2_moe lfm3 mamba mamba2 marian mbart megatron-bert minimax moshi mvp
nemotron_h olmo_hybrid openai-gpt pegasus plbart qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen3_next
qwen4_exp qwen4_exp_text recurrent_gemma rembert roberta roberta-prelayernorm roc_bert roformer rwkv trocr
whisper xlm-roberta xlm-roberta-xl xlstm xmod zamba zamba2 zaya
"""
IN_WHOLE = frozenset(_IN_WHOLE.split())
"""Prompt and label are read together: states of convolutions and recurrences cannot be shared among labels, and
positions that a model counts by itself are wrong behind padding on the left."""

_BOTH_WAYS = """
bert bert-generation camembert data2vec-text electra ernie megatron-bert rembert roberta roberta-prelayernorm
roc_bert roformer xlm-roberta xlm-roberta-xl xmod
"""
BOTH_WAYS = frozenset(_BOTH_WAYS.split())
"""Encoders that read forwards only where their config.json says `is_decoder`."""


def check_family(config: Mapping[str, Any], source: str) -> None:
    """Refuse, in one sentence, a model whose label scores would be wrong or were never tried. Raises Misconfigured.

    `config`: what its config.json says.
    """
    family = config.get("model_type") or "unnamed"
    if family in BOTH_WAYS and not config.get("is_decoder"):
        raise Misconfigured(
            f"{source} is an encoder ({family}), which reads both ways and cannot score labels; let it join as "
            f"embedding:{source}."
        )
    if family not in PROMPT_ONCE | IN_WHOLE:
        raise Misconfigured(
            f"{source} belongs to the family {family}, which cannot score labels; choose a model of a family that "
            "docs/causal_families.md lists as scored."
        )


def may_share_prompts(model: Any) -> bool:
    """Whether the labels may share what the model remembers of a prompt: of keys and values alone copies go on alike.

    The states of recurrent layers would be left out of a copy, in some mixed layers without any error.
    """
    return model.config.model_type in PROMPT_ONCE and bool(_layers(model))


def packs(model: Any) -> int:
    """Tokens of the longest prompt with its label that may be read with all labels packed behind it; 0 for none.

    Within the window of its attention a layer that looks back only so far is one that looks back all the way.
    """
    layers = _layers(model) if model.config.model_type in PACKED else []
    windows = [int(layer.sliding_window) for layer in layers if hasattr(layer, "sliding_window")]
    return min(windows, default=sys.maxsize) if layers else 0


def _layers(model: Any) -> list[Any]:
    """The layers of what the model remembers, where all of them hold keys and values alone; else none."""
    import torch
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    with torch.inference_mode():
        told = model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=model.device), use_cache=True)
    layers = list(getattr(told.past_key_values, "layers", ()))
    return layers if all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers) else []
