"""Images in messages to a chat model: how they go along, how many there are, and the most tokens that they count as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil
from typing import Any

from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.pictures import MOST_PIXELS, Picture, data_url, fitted
from labeling.crowd.prompts import Attach, Message

TILE, OF_A_TILE, OF_AN_IMAGE = 512, 170, 85
"""An image counts as 85 tokens and 170 for each tile of 512 pixels, as OpenAI states; others count fewer."""
PIXELS_OF_A_TOKEN = 750
"""As Anthropic states."""
KEPT = 64


class Attached(dict[str, Any]):
    """An image part whose bytes are read when it is sent. `picture`, `most_pixels`: what will be sent."""

    def __init__(self, picture: Picture, settings: ChatSettings) -> None:
        super().__init__(type="image_url", image_url={"detail": settings.detail})
        self.picture, self.most_pixels = picture, settings.most_pixels


def attaching(settings: ChatSettings) -> Attach:
    """How an image becomes part of a message; nothing is read yet."""
    return lambda picture: Attached(picture, settings)


def loaded(asked: Sequence[Message]) -> list[Message]:
    """The messages with their images as data URLs. Raises Unsuitable where one cannot be read."""
    return [{**message, "content": _loaded(message["content"])} for message in asked]


def images_in(asked: Sequence[Message]) -> int:
    """How many images go along."""
    return sum(1 for _ in _attached(asked))


def tokens_at_most(asked: Sequence[Message], settings: ChatSettings) -> int:
    """The most tokens that the images count as: what is stated, else the larger of two providers' rules."""
    return sum(settings.image_tokens or _tokens(one.picture, one.most_pixels) for one in _attached(asked))


def _tokens(picture: Picture, most_pixels: int) -> int:
    side = int(MOST_PIXELS**0.5)
    width, height = fitted(picture.width or side, picture.height or side, most_pixels)
    tiles = ceil(width / TILE) * ceil(height / TILE)
    return max(OF_AN_IMAGE + OF_A_TILE * tiles, ceil(width * height / PIXELS_OF_A_TOKEN))


def _attached(asked: Sequence[Message]) -> Iterator[Attached]:
    for message in asked:
        if isinstance(message["content"], list):
            yield from (part for part in message["content"] if isinstance(part, Attached))


def _loaded(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [_sent(part) if isinstance(part, Attached) else part for part in content]


def _sent(part: Attached) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {**part["image_url"], "url": _url(part.picture, part.most_pixels)}}


@lru_cache(maxsize=KEPT)
def _url(picture: Picture, most_pixels: int) -> str:
    return data_url(picture, most_pixels)
