"""Models in this process's memory: one for all who use the same weights; the one not used for longest goes for room."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from labeling.crowd import memory
from labeling.crowd.batching import empty, ran_out
from labeling.crowd.local_models import LocalModel, weights_on_disk

log = logging.getLogger(__name__)
ROOM = "CONCORD_MODEL_MEMORY"
"""Environment variable: gigabytes that the models of a process may take together; without it, half of what is free."""
SHARE = 0.5


@dataclass(slots=True)
class _Held:
    loaded: LocalModel
    size: int
    device: str


_held: OrderedDict[Hashable, _Held] = OrderedDict()
_sizes: dict[Hashable, int] = {}
_lock = threading.RLock()
_spent: dict[Hashable, float] = {}
_pressed: list[bool] = [False]


class Shared:
    """Weights that may be somebody else's, too, and may have been let go: every use finds them, or loads them again."""

    def __init__(self, key: Hashable, load: Callable[[], LocalModel], size: int = 0) -> None:
        self._key, self._load, self._size = key, load, size
        self._now()

    def _now(self) -> LocalModel:
        return _taken(self._key, self._load, self._size)

    @property
    def here(self) -> bool:
        """Whether they are in memory now."""
        return self._key in _held

    def let_go(self) -> None:
        """Forget them for now."""
        with _lock:
            _held.pop(self._key, None)
            empty()

    @property
    def seconds(self) -> float:
        """How long it took to load them the last time."""
        return _spent.get(self._key, 0.0)

    @property
    def tokenizer(self) -> Any:
        return self._now().tokenizer

    @property
    def model(self) -> Any:
        return self._now().model

    @property
    def images(self) -> Any:
        return self._now().images

    @property
    def device(self) -> str:
        return self._now().device

    @property
    def version(self) -> str:
        return self._now().version

    @property
    def shares_prompts(self) -> bool:
        return self._now().shares_prompts

    @property
    def packs(self) -> int:
        return self._now().packs

    @property
    def beginnings(self) -> Any:
        return self._now().beginnings


def shared(load: Callable[..., LocalModel], *told: Hashable) -> Shared:
    """What `load` makes of these arguments, loaded now unless it is in memory. Raises as `load` does."""
    return Shared((load.__name__, *told), lambda: load(*told), weights_on_disk(str(told[0])))


def pressed() -> bool:
    """Whether a model had to go for another one in this process, so that taking turns spares loading."""
    return _pressed[0]


def let_go() -> None:
    """Forget every model."""
    with _lock:
        _held.clear()
        _pressed[0] = False
        empty()


def _taken(key: Hashable, load: Callable[[], LocalModel], coming: int = 0) -> LocalModel:
    """The model under this key. `coming`: its bytes, as far as its files tell."""
    with _lock:
        if key not in _held:
            _make_room(_sizes.get(key, coming))
            began = time.perf_counter()
            loaded = _loaded(load)
            _spent[key] = time.perf_counter() - began
            _sizes[key] = size_of(loaded.model)
            _held[key] = _Held(loaded, _sizes[key], loaded.device)
            _make_room(0)
        _held.move_to_end(key)
        return _held[key].loaded


def _loaded(load: Callable[[], LocalModel]) -> LocalModel:
    """The model; where memory runs out, once more with nothing else in it."""
    try:
        return load()
    except Exception as error:
        if not (_held and any(map(ran_out, (error, error.__cause__ or error)))):
            raise
        log.warning("Memory ran out while a model was loaded; the others of this process go.")
    _pressed[0] = True
    _held.clear()
    empty()
    return load()


def _make_room(coming: int) -> None:
    """Let models go, the one that was not used for longest first, until all fit, or one is left."""
    while len(_held) > (0 if coming else 1) and coming + sum(one.size for one in _held.values()) > _room():
        _held.popitem(last=False)
        _pressed[0] = True
        empty()


def _room() -> float:
    """Bytes for all models of this process on the device of the one used last."""
    told = os.environ.get(ROOM, "").strip()
    if told.replace(".", "", 1).isdigit():
        return float(told) * 1e9
    last = next(reversed(_held.values()), None)
    device = last.device if last else "cpu"
    here = sum(one.size for one in _held.values() if one.device == device)
    return SHARE * memory.free(device) + here


def size_of(model: Any) -> int:
    """Bytes of a model's weights, those in int8 included."""
    counted = sum(one.numel() * one.element_size() for one in (*model.parameters(), *model.buffers()))
    packed = (part.weight() for part in model.modules() if callable(getattr(part, "weight", None)))
    return int(counted + sum(one.numel() for one in packed))
