"""A tiny random model of any family of causal language models that transformers knows, to try how labels are scored.

Sizes in a configuration are found by the words in their names and made small; where a family needs sizes that fit
together in its own way, it says so in `OWN`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

VOCABULARY = 300
MOST_WEIGHTS = 100_000_000

SMALL: tuple[tuple[str, Any], ...] = (
    (r".*vocab_size|vocab_size.*", VOCABULARY),
    (r"(pad|sep|cls)_token_id", 0),
    (r"(bos|eos|decoder_start|mask|unk|forced_.*|boi|eoi|image|audio|video).*token_(id|index)", 1),
    (r".*(token_id|token_index)", None),
    (r".*(sliding_window|attention_window|window_size|attention_chunk_size)", 16),
    (r"index_n_heads", 16),  # with few, many keys are worth exactly nothing, and chance says which of them are read
    (r"index_topk", 8),
    (r".*(experts_per_tok|topk|top_k|moe_k|experts_per_token)", 2),
    (r"(n_group|topk_group|n_shared_experts|num_shared_experts|num_nextn_predict_layers)", 1),
    (r".*(num_.*experts|n_routed_experts|moe_num_experts)", 4),
    (r".*(num_key_value_heads|num_kv_heads|kv_heads|multi_query_group_num)", 2),
    (r".*(attention_heads|num_heads|n_heads?|num_attention_heads)", 4),
    (r".*(num_hidden_layers|num_layers|n_layers?|encoder_layers|decoder_layers|num_.*_layers)", 4),
    (r".*head_dim", 8),
    (r".*lora_rank|.*_rank", 8),
    (r".*(intermediate_size|ffn_dim|ffn_size|n_inner|inner_dim|ffn_hidden_size|.*intermediate_dim)", 48),
    (r"(hidden_size|d_model|n_embd|embed_dim|embedding_size|width|dim|lru_width|.*_hidden_size|emb_dim)", 32),
    (r"max_position_embeddings|n_positions|max_seq_len|n_ctx|max_seq_length", 512),
)
"""What a field that holds a number becomes, by the first pattern that its whole name matches."""

_SPARSE_HEADS = {"num_key_value_heads": 4}
_TWO_KINDS = ["linear_attention", "full_attention"] * 2
OWN: dict[str, dict[str, Any]] = {
    "axk1": _SPARSE_HEADS,
    "axk2": _SPARSE_HEADS,
    "bailing_hybrid": _SPARSE_HEADS | {"layer_types": _TWO_KINDS},
    "bamba": {"attn_layer_indices": [1, 3], "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1},
    "codegen": {"rotary_dim": 4},
    "cohere_compass_text": {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 1e4}}},
    "deepseek_v2": _SPARSE_HEADS | {"num_experts_per_tok": 2, "n_routed_experts": 4, "first_k_dense_replace": 1},
    "deepseek_v3": _SPARSE_HEADS,
    "deepseek_v32": _SPARSE_HEADS,
    "dbrx": {"attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8.0}},
    "dots1": {"n_routed_experts": 4, "num_experts_per_tok": 2, "first_k_dense_replace": 1, "n_shared_experts": 1},
    "dots3_note_text": _SPARSE_HEADS,
    "gemma3n_text": {"num_kv_shared_layers": 0, "layer_types": ["sliding_attention", "full_attention"] * 2},
    "gemma4_text": {"num_kv_shared_layers": 0, "hidden_size_per_layer_input": 0},
    "gemma4_unified_text": {"num_kv_shared_layers": 0, "hidden_size_per_layer_input": 0},
    "glm4_moe_lite": _SPARSE_HEADS,
    "glm_moe_dsa": _SPARSE_HEADS,
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "gptj": {"rotary_dim": 4},
    "granitemoehybrid": {
        "layer_types": ["mamba", "attention"] * 2,
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_n_groups": 1,
    },
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "kimi_linear": _SPARSE_HEADS | {"layer_types": _TWO_KINDS, "linear_num_heads": 4},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "lfm2": {"layer_types": ["conv", "full_attention"] * 2},
    "mamba2": {"num_heads": 8, "n_groups": 1, "state_size": 16},
    "minicpm3": _SPARSE_HEADS,
    "minimax": {"layer_types": _TWO_KINDS},
    "nemotron": {"num_key_value_heads": 2},
    "nemotron_h": {"mamba_num_heads": 8, "mamba_head_dim": 8, "n_groups": 1},
    "qwen4_exp_text": {
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 8,
        "indexer_budget": 16,
        "indexer_compress_ratio": 4,
    },
    "reformer": {"axial_pos_embds": False},
    "xlstm": {"hidden_size": 128},
    "xmod": {"default_language": "en_XX"},
    "youtu": _SPARSE_HEADS,
    "zamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "num_hidden_layers": 6, "num_key_value_heads": 4},
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"] * 2},
    "zaya": {"num_experts_per_tok": 1},
}
"""By model type: what only this family needs. Where a family mixes kinds of layers, the tiny model has each kind."""


class TooBig(Exception):
    """The tiny configuration of a family is not tiny yet."""


def tiny_config(config_class: Any, **own: Any) -> Any:
    """A configuration of this class with small sizes; parts (`text_config`) are made small the same way."""
    own = OWN.get(config_class.model_type, {}) | own
    parts = {name: tiny_config(part) for name, part in _parts(config_class)}
    sizes = {
        field.name: _small(field.name, field.default)
        for field in dataclasses.fields(config_class)
        if _is_number(field.default) or field.name.endswith("token_id") or field.name == "head_dim"
    }
    if "is_decoder" in {field.name for field in dataclasses.fields(config_class)}:
        own = {"is_decoder": True} | own
    changed = {name: value for name, value in sizes.items() if value is not _KEEP}
    return config_class(**(changed | parts | own))


def _parts(config_class: Any) -> Iterator[tuple[str, Any]]:
    """Name and class of each configuration inside this one."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING, AutoConfig

    inside = {**config_class.sub_configs, **getattr(config_class, "sub_configs_defaults", {})}
    for name, part in inside.items():
        kind = getattr(part, "config_class", part)
        yield name, CONFIG_MAPPING[part.model_type] if kind is AutoConfig and part is not kind else kind


_KEEP = object()


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _small(name: str, default: Any) -> Any:
    for pattern, value in SMALL:
        if re.fullmatch(pattern, name):
            return 1 if value is None and default is not None else value
    return _KEEP


def tiny_model(model_type: str) -> Any:
    """The random model, ready to score. Raises TooBig, or whatever the family raises."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config = tiny_config(CONFIG_MAPPING[model_type])
    with torch.device("meta"):
        weights = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
    if weights > MOST_WEIGHTS:
        raise TooBig(f"{weights:,} weights")
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and not re.search(r"conv|A_log|norm|time_|\.D$|\.B$", name):
            torch.nn.init.normal_(weight, std=0.2)
    return model
