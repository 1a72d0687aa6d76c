"""Models of a few thousand parameters, made on the fly and saved as real ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def tokenizer(folder: Path, *, chat: bool = False) -> Any:
    """A byte-level tokenizer without merges, saved to `folder`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    signs = ["<pad>", "<eos>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    bare = Tokenizer(models.BPE(vocab={sign: i for i, sign in enumerate(signs)}, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=bare, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
    if chat:
        made.chat_template = CHAT_TEMPLATE
    made.save_pretrained(folder)
    return made


def causal(folder: Path, *, chat: bool = False, length: int = 1024, architecture: str = "llama") -> Path:
    """A random causal language model with its tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, MambaConfig, MambaForCausalLM

    torch.manual_seed(1)
    made = tokenizer(folder, chat=chat)
    if architecture == "gpt2":
        model: Any = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=len(made), n_embd=16, n_layer=2, n_head=2, n_positions=length, bos_token_id=1, eos_token_id=1
            )
        )
    elif architecture == "mamba":
        model = MambaForCausalLM(
            MambaConfig(vocab_size=len(made), hidden_size=16, state_size=4, num_hidden_layers=2, time_step_rank=2)
        )
    else:
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(made),
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                max_position_embeddings=length,
            )
        )
    for name, parameter in model.named_parameters():  # far from the start values, so that scores differ between texts
        if not name.endswith("A_log"):  # how fast a recurrence forgets: it must not grow
            torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    return folder


def encoder(folder: Path) -> Path:
    """A random BERT with its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    made = tokenizer(folder)
    config = BertConfig(
        vocab_size=len(made),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
    )
    model = BertModel(config)
    torch.nn.init.normal_(model.embeddings.word_embeddings.weight, std=1.0)
    model.save_pretrained(folder)
    return folder


def classifier(folder: Path, labels: list[str], head: str = "Sequence", problem: str | None = None) -> Path:
    """A random BERT that tells texts (Sequence) or words (Token) apart."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertForTokenClassification

    torch.manual_seed(1)
    made = tokenizer(folder)
    config = BertConfig(
        vocab_size=len(made),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: k for k, label in enumerate(labels)},
        problem_type=problem,
    )
    model = {"Sequence": BertForSequenceClassification, "Token": BertForTokenClassification}[head](config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    return folder


def seer(folder: Path, labels: list[str] | None = None) -> Path:
    """A random vision transformer, with a head for these labels or bare."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil, ViTModel

    torch.manual_seed(1)
    config = ViTConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        id2label=dict(enumerate(labels or ["a", "b"])),
    )
    model: Any = ViTForImageClassification(config) if labels else ViTModel(config)
    model.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def captioner(folder: Path) -> Path:
    """A random CLIP with its tokenizer."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    torch.manual_seed(1)
    made = tokenizer(folder)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": len(made), "max_position_embeddings": 64, "eos_token_id": 1, "bos_token_id": 1}
    vision = {**small, "image_size": 32, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder
