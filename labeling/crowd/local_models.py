"""Loading a transformers model: from a folder, from the local cache, or from the hub, and never with its own code."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from labeling.crowd.causal_families import check_family, may_share_prompts, packs
from labeling.crowd.errors import Misconfigured, ModelMissing, UnsafeModel
from labeling.crowd.packed_scores import Beginnings, packs_right
from labeling.crowd.precision import COARSE, loaded_as, made_coarse

_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A loaded model with its tokenizer; `version` names its source and, where the hub tells it, its revision.

    `shares_prompts`: whether several labels may go on from one reading of a prompt (`label_scores`). `images`: what
    makes pictures into numbers, for models that look at them; the tokenizer is then None, unless they read, too.
    `packs`: tokens of the longest prompt with its label that may be read in one pass with all labels behind it, 0 for
    none; `beginnings`: what prompts begin with and need not be read again (`packed_scores`).
    """

    tokenizer: Any
    model: Any
    device: str
    version: str
    shares_prompts: bool = False
    images: Any = None
    packs: int = 0
    beginnings: Beginnings = field(default_factory=Beginnings, compare=False)


class Weights(Protocol):
    """What a voter uses of a loaded model; see LocalModel. It may lie in memory for several voters (`held_models`)."""

    @property
    def tokenizer(self) -> Any: ...
    @property
    def model(self) -> Any: ...
    @property
    def device(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def shares_prompts(self) -> bool: ...
    @property
    def images(self) -> Any: ...
    @property
    def packs(self) -> int: ...
    @property
    def beginnings(self) -> Beginnings: ...


def load_causal(source: str, device: str = "auto", threads: int = 0, precision: str = "auto") -> LocalModel:
    """A causal language model and its tokenizer, of a family that scores labels right; see `_load`."""

    def load(path: str, **options: Any) -> Any:
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM.from_pretrained(path, **options)

    loaded = _load(source, load, device, threads, check_family, precision)
    import torch

    shares = may_share_prompts(loaded.model)
    loaded = replace(loaded, shares_prompts=shares, packs=packs(loaded.model))
    exact = precision not in COARSE and loaded.model.dtype == torch.float32
    return loaded if packs_right(loaded, 1e-3 if exact else 0.1) else replace(loaded, packs=0)


def load_encoder(source: str, device: str = "auto", threads: int = 0) -> LocalModel:
    """An encoder and its tokenizer; see `_load`."""

    def load(path: str, **options: Any) -> Any:
        from transformers import AutoModel

        return AutoModel.from_pretrained(path, **options)

    return _load(source, load, device, threads)


def load_image_encoder(source: str, device: str = "auto", threads: int = 0) -> LocalModel:
    """An encoder of images; see `_load`."""

    def load(path: str, **options: Any) -> Any:
        from transformers import AutoModel

        return AutoModel.from_pretrained(path, **options)

    loaded = _load(source, load, device, threads)
    if loaded.images is None:
        raise Misconfigured(f"{source} has no settings for images (preprocessor_config.json); leave reads=images out.")
    return loaded


def load_classifier(source: str, device: str = "auto", threads: int = 0) -> LocalModel:
    """A trained classifier of texts, words or images, in the class that its config.json names; see `_load`."""

    def load(path: str, **options: Any) -> Any:
        import transformers

        config = transformers.AutoConfig.from_pretrained(
            path, local_files_only=options["local_files_only"], trust_remote_code=False
        )
        named = [name for name in config.architectures or () if name.endswith(_CLASSIFIERS)]
        made = getattr(transformers, named[0], None) if named else transformers.AutoModel
        if made is None:
            raise ValueError(f"the class {named[0]} is not known")
        options = {key: value for key, value in options.items() if named == [] or key != "trust_remote_code"}
        return made.from_pretrained(path, **options)

    return _load(source, load, device, threads)


_CLASSIFIERS = ("ForSequenceClassification", "ForTokenClassification", "ForImageClassification")


def check_installed() -> None:
    """Raises Misconfigured, with the command that mends it, where the libraries of local models are not installed."""
    missing = [name for name in ("torch", "transformers", "safetensors") if find_spec(name) is None]
    if missing:
        raise Misconfigured(
            f"Models of this machine need {missing[0]}, which is not installed; run make models in Concord's folder "
            "(about 1 GB), then add the model again."
        )


def check_known_family(source: str) -> None:
    """Refuse a causal model by its family, as far as its config.json is on this machine. Raises Misconfigured.

    Nothing is fetched and no library of models loaded, so that the web process can ask before a model joins.
    """
    told = _config_here(source)
    if told is not None and "auto_map" not in told:  # code of its own: loading says what is wrong with that
        check_family(told, source)


def _config_here(source: str) -> dict[str, Any] | None:
    """What config.json of a folder, or of a hub model that was fetched before, says; None where there is none."""
    path: str | os.PathLike[str] | None = Path(source).expanduser() / "config.json"
    if not is_folder(source):
        if not _HUB_ID.fullmatch(source) or not _may_be_here(source):
            return None
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(source, "config.json")
        path = found if isinstance(found, str) else None
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8")) if path else None
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def weights_on_disk(source: str) -> int:
    """Bytes of a model's files of weights on this machine; 0 where they are not here yet."""
    folder = Path(source).expanduser() if is_folder(source) else _cached(source)
    return sum(file.stat().st_size for file in folder.glob("**/*.safetensors"))


def _cached(source: str) -> Path:
    """Where the hub's cache keeps a model, or would."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
    return cache / f"models--{source.replace('/', '--')}"


def _may_be_here(source: str) -> bool:
    """Whether the hub's cache may hold this model: asked of the folder first, since the hub's library loads much."""
    return "huggingface_hub" in sys.modules or _cached(source).is_dir()


def is_folder(source: str) -> bool:
    """Whether `source` names a folder rather than a model of the hub."""
    return source.startswith((".", "/", "~")) or Path(source).is_dir()


def offline() -> bool:
    """Whether the environment says that nothing may be fetched."""
    return any(
        os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def _load(
    source: str,
    load: Callable[..., Any],
    device: str,
    threads: int,
    check: Callable[[Mapping[str, Any], str], None] | None = None,
    precision: str = "auto",
) -> LocalModel:
    """Safetensors only, no code from the model, nothing fetched for a folder or when offline.

    `threads`: CPU threads of this process, 0 leaves them. `check`: refuses a model by its configuration, before its
    weights are fetched. `precision`: one of `PRECISIONS`. Raises ModelMissing, UnsafeModel or Misconfigured.
    """
    check_installed()
    local = _check_source(source)
    source = os.path.expanduser(source) if local else source
    import torch
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoTokenizer

    if threads:
        torch.set_num_threads(threads)
    where = _device(device)
    options = {"local_files_only": local or offline(), "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(source, **options)
        if check:
            check(config.to_dict(), source)
        images = _image_processor(source, options) if _sees(config) else None
        reads = images is None or hasattr(config, "text_config")
        tokenizer = AutoTokenizer.from_pretrained(source, **options) if reads else None
        kind = loaded_as(precision, where)
        model, told = load(source, **options, use_safetensors=True, output_loading_info=True, dtype=kind)
    except (OSError, ValueError, ImportError, KeyError, RuntimeError, SafetensorError) as error:
        raise _in_our_words(error, source) from error
    _check_complete(told["missing_keys"], source)
    version = _version(source, model) + (f" {precision}" if precision in COARSE else "")
    return LocalModel(tokenizer, made_coarse(model.to(where).eval(), precision), where, version, images=images)


def _sees(config: Any) -> bool:
    """Whether a model of this configuration looks at images."""
    return hasattr(config, "vision_config") or hasattr(config, "num_channels")


def _image_processor(source: str, options: Mapping[str, Any]) -> Any:
    """What makes images into numbers, by Pillow."""
    from transformers import AutoImageProcessor

    made: Any = AutoImageProcessor
    return made.from_pretrained(source, backend="pil", **options)


def _check_source(source: str) -> bool:
    """Whether the model lies in a folder; raises where there is none, or where it holds no safetensors."""
    if not is_folder(source):
        if not _HUB_ID.fullmatch(source):
            raise Misconfigured(
                f"{source!r} is neither a folder nor a model id; write it as owner/name or as ./folder."
            )
        return False
    folder = Path(source).expanduser()
    if not (folder / "config.json").is_file():
        raise ModelMissing(f"There is no model in {source}: the folder needs a config.json; correct the path.")
    if not any(folder.glob("*.safetensors")):
        raise UnsafeModel(f"The model in {source} has no safetensors file; convert its weights to safetensors.")
    return True


def _check_complete(missing: Iterable[str], source: str) -> None:
    """Weights that the file lacks would be random; only the pooler of an encoder is never used."""
    needed = sorted(name for name in missing if "pooler" not in name)
    if needed:
        raise ModelMissing(
            f"The model {source} holds no weights for this use ({needed[0]} is missing); a causal language model is "
            "needed for causal:, an encoder for embedding:."
        )


def _device(device: str) -> str:
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _in_our_words(error: Exception, source: str) -> Misconfigured:
    told = str(error)
    if "trust_remote_code" in told or "custom code" in told:
        return UnsafeModel(f"{source} can only be loaded by running code that came with it; choose another model.")
    if "safetensors" in told:
        return UnsafeModel(f"{source} has no safetensors weights; choose a model that has, or convert it.")
    if isinstance(error, OSError):
        hint = " The process is offline: download it first." if offline() else ""
        return ModelMissing(
            f"The model {source} cannot be had; check its name and that this machine may fetch it.{hint}"
        )
    first = " ".join(told.split())[:160]
    return ModelMissing(f"The model {source} cannot be loaded ({type(error).__name__}: {first}); choose another one.")


def _version(source: str, model: Any) -> str:
    revision = getattr(model.config, "_commit_hash", None)
    return f"{source}@{revision[:12]}" if revision else source
