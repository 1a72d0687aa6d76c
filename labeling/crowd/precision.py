"""How exactly a model of this machine reckons: in float32, in bf16, or with weights in int8."""

from __future__ import annotations

import warnings
from typing import Any, cast

from labeling.crowd.errors import Misconfigured

PRECISIONS = ("auto", "float32", "bf16", "int8")
"""auto: float32 on a CPU, and on a graphics card what the model was saved in."""
COARSE = ("bf16", "int8")


def check_precision(precision: str) -> None:
    """Raises Misconfigured where there is no such precision."""
    if precision not in PRECISIONS:
        raise Misconfigured(f"precision={precision} is not known; write one of {', '.join(PRECISIONS)}.")


def loaded_as(precision: str, device: str) -> Any:
    """The type in which weights are loaded: int8 is made of float32 afterwards. Raises Misconfigured."""
    import torch

    if precision == "int8" and device != "cpu":
        raise Misconfigured("precision=int8 is for the CPU; on a graphics card write precision=bf16.")
    if precision == "bf16":
        return torch.bfloat16
    return "auto" if precision == "auto" and device == "cuda" else torch.float32


def made_coarse(model: Any, precision: str) -> Any:
    """The model with the weights of its linear layers in int8, where that is asked, a scale for each output.

    What comes in is rounded to int8 batch by batch. torch's own way: torchao's needs a compiler on the machine to be as
    fast on a CPU.
    """
    if precision != "int8":
        return model
    import torch
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic
    from transformers.pytorch_utils import Conv1D

    for whole in list(model.modules()):
        for name, part in list(whole.named_children()):
            if isinstance(part, Conv1D):
                setattr(whole, name, _as_linear(part))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torchao will take it over
        return cast(Any, quantize_dynamic)(model, {torch.nn.Linear: per_channel_dynamic_qconfig}, inplace=True)


def _as_linear(part: Any) -> Any:
    """A layer of GPT-2's sort, whose weights are turned, as a linear one."""
    import torch

    made = torch.nn.Linear(part.nx, part.nf)
    with torch.no_grad():
        made.weight.copy_(part.weight.T)
        made.bias.copy_(part.bias)
    return made
