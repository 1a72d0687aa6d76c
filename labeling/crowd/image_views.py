"""What an image looks like to the specialists: a thumbnail, its colours, its edges, its patches.

Every view maps questions to a matrix with one row each; an image that cannot be read is an error that names it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.base import Brief, Question
from labeling.crowd.errors import Unsuitable
from labeling.crowd.pictures import opened

Floats = NDArray[np.float64]
View = Callable[[Sequence[Question]], Floats]

SIDE = 64
"""Pixels on each side of the square in which images are compared."""
THUMBNAIL = 12
COLOURS = 5
"""Shades of each of red, green and blue that are told apart."""
CELL, DIRECTIONS = 8, 9
PATCH, PATCHES, POOLED = 6, 64, 3
"""Pixels of a patch, patches in the vocabulary, and stretches on each side of the image in which they are counted."""
POOL_IMAGES, PATCHES_OF_ONE = 500, 40
KEPT = 4_096


def image_view(name: str) -> Callable[[Brief], View]:
    """The view of this name: thumbnail, colours, gradients, patches or together."""

    def of_brief(brief: Brief) -> View:
        if name in ("patches", "together"):
            words = _patch_words(_pool(brief))
        plain: dict[str, Callable[[Floats], Floats]] = {
            "thumbnail": thumbnail,
            "colours": colours,
            "gradients": gradients,
            "patches": lambda pixels: patches(pixels, words),
            "together": lambda pixels: np.hstack([colours(pixels), gradients(pixels), patches(pixels, words)]),
        }
        return _Remembered(plain[name])

    return of_brief


class _Remembered:
    """Rows of questions by what one image looks like; a question of several images is their mean."""

    def __init__(self, row: Callable[[Floats], Floats]) -> None:
        self._row = row
        self._rows: OrderedDict[str, Floats] = OrderedDict()

    def __call__(self, questions: Sequence[Question]) -> Floats:
        return np.stack([self._of(question) for question in questions])

    def _of(self, question: Question) -> Floats:
        if not question.images:
            raise Unsuitable("A task has no image, but this specialist looks at images; leave it out of the crowd.")
        mean: Floats = np.mean([self._kept(image) for image in question.images], axis=0)
        return mean

    def _kept(self, image: Any) -> Floats:
        key = image.key
        if key not in self._rows:
            self._rows[key] = self._row(square(image))
            while len(self._rows) > KEPT:
                self._rows.popitem(last=False)
        return self._rows[key]


def square(image: Any) -> Floats:
    """The picture as (64, 64, 3) from 0 to 1, its longer side filling the square, the rest white."""
    from PIL import Image, ImageOps

    fitted = ImageOps.pad(opened(image), (SIDE, SIDE), Image.Resampling.BILINEAR, color="white")
    pixels: Floats = np.asarray(fitted, dtype=np.float64) / 255.0
    return pixels


def thumbnail(pixels: Floats) -> Floats:
    """Mean colours of a grid of 12 by 12, (432,)."""
    edges = np.linspace(0, SIDE, THUMBNAIL + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(pixels, edges, axis=0), edges, axis=1)
    sizes = np.diff([*edges, SIDE])
    found: Floats = (sums / (sizes[:, None, None] * sizes[None, :, None])).ravel()
    return found


def colours(pixels: Floats) -> Floats:
    """Square roots of how often each of 125 colours occurs in the whole, the upper and the lower half, (375,)."""
    place = np.minimum((pixels * COLOURS).astype(int), COLOURS - 1) @ np.array([COLOURS**2, COLOURS, 1])
    halves = (place, place[: SIDE // 2], place[SIDE // 2 :])
    return np.concatenate([np.sqrt(np.bincount(half.ravel(), minlength=COLOURS**3) / half.size) for half in halves])


def gradients(pixels: Floats) -> Floats:
    """Directions of edges in cells of 8 by 8 pixels, each block of 2 by 2 cells of unit length, (1764,).

    Source: Dalal and Triggs 2005, Histograms of Oriented Gradients for Human Detection.
    """
    down, right = np.gradient(pixels, axis=(0, 1))
    strength = np.hypot(down, right)
    strongest = strength.argmax(axis=2)[..., None]
    size = np.take_along_axis(strength, strongest, axis=2)[..., 0]
    angle = np.arctan2(*(np.take_along_axis(part, strongest, axis=2)[..., 0] for part in (down, right))) % np.pi
    histogram = _by_cell(size, angle / np.pi * DIRECTIONS)
    blocks = np.stack([histogram[y : y - 1 or None, x : x - 1 or None] for y in (0, 1) for x in (0, 1)], axis=2)
    flat = blocks.reshape(blocks.shape[0] * blocks.shape[1], -1)
    found: Floats = (flat / np.sqrt((flat**2).sum(axis=1, keepdims=True) + 1e-3)).ravel()
    return found


def _by_cell(size: Floats, direction: Floats) -> Floats:
    """Strengths summed by cell and direction, each shared between the two nearest directions, (8, 8, 9)."""
    cells = SIDE // CELL
    row = np.arange(SIDE) // CELL
    cell = row[:, None] * cells + row[None, :]
    below = np.floor(direction - 0.5).astype(int)
    share = direction - 0.5 - below
    histogram = np.zeros(cells * cells * DIRECTIONS)
    for step, weight in ((0, 1 - share), (1, share)):
        at = cell * DIRECTIONS + (below + step) % DIRECTIONS
        histogram += np.bincount(at.ravel(), (size * weight).ravel(), len(histogram))
    return histogram.reshape(cells, cells, DIRECTIONS)


Words = tuple[Floats, Floats, Floats]
"""Mean and whitening of patches, and the patches that stand for the others."""


def patches(pixels: Floats, words: Words) -> Floats:
    """How much of each patch of the vocabulary stands in each ninth of the image, (576,).

    Source: Coates, Ng and Lee 2011, An Analysis of Single-Layer Networks in Unsupervised Feature Learning.
    """
    mean, whiten, centres = words
    cut = _cut(pixels, 2)
    rows = (_even(cut.reshape(-1, cut.shape[-1])) - mean) @ whiten
    distance = np.sqrt(np.maximum((rows**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * rows @ centres.T, 0))
    active = np.maximum(distance.mean(axis=1, keepdims=True) - distance, 0).reshape(*cut.shape[:2], -1)
    edges = np.linspace(0, active.shape[0], POOLED + 1).astype(int)[:-1]
    pooled: Floats = np.add.reduceat(np.add.reduceat(active, edges, axis=0), edges, axis=1).ravel() / active.shape[0]
    return pooled


def _patch_words(images: Sequence[Floats]) -> Words:
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(0)
    taken = []
    for pixels in images:
        flat = _cut(pixels, 1).reshape(-1, PATCH * PATCH * 3)
        taken.append(flat[rng.choice(len(flat), PATCHES_OF_ONE, replace=False)])
    rows = _even(np.vstack(taken))
    mean = rows.mean(axis=0)
    size, direction = np.linalg.eigh(np.cov((rows - mean).T))
    whiten = (direction / np.sqrt(np.maximum(size, 0) + 0.1)) @ direction.T
    count = min(PATCHES, len(rows))
    fitted = KMeans(count, n_init=1, max_iter=30, random_state=0).fit((rows - mean) @ whiten)
    return mean, whiten, np.asarray(fitted.cluster_centers_)


def _cut(pixels: Floats, stride: int) -> Floats:
    """All patches, (rows, columns, 108)."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (PATCH, PATCH, 3))[::stride, ::stride, 0]
    return windows.reshape(*windows.shape[:2], -1)


def _even(rows: Floats) -> Floats:
    """Each patch without its brightness and contrast."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    even: Floats = centred / np.sqrt(centred.var(axis=1, keepdims=True) + 0.01)
    return even


def _pool(brief: Brief) -> list[Floats]:
    """Some images, drawn evenly from what there is, each once."""
    every = (question.images for question in (*brief.texts, *(example.question for example in brief.examples)))
    different = list({image.key: image for images in every for image in images}.values())
    if not different:
        raise Unsuitable("The tasks have no images, but this specialist looks at images; leave it out of the crowd.")
    keep = min(POOL_IMAGES, len(different))
    return [square(different[i * len(different) // keep]) for i in range(keep)]
