"""Taggers that look at whole stretches: a classifier of candidates, and labeling functions from known stretches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from labeling.crowd.tagging.candidate_view import CandidateView, Columns, Ints, Places, text_view, vstack
from labeling.crowd.tagging.features import Company, folded
from labeling.crowd.tagging.gazetteer import Gazetteer, phrases
from labeling.crowd.tagging.learners import Floats
from labeling.crowd.tagging.words import Words
from labeling.truth.spans.marks import Answer as Spans

MOST_WORDS = 12
SHARE = 0.98
"""Candidates are as long as this share of the known stretches are, at most."""
NEGATIVES = 10
"""Unmarked stretches learned from, for each marked one."""
MOST_STEPS = 60
Marked = tuple[Spans, tuple[float, ...]]
Mark = Callable[[float], Marked]
"""The stretches of a text and their chances, given a bonus for marking."""
Marker = Callable[[Words], Mark]
"""A fitted tagger: it reads the words of a text once."""


def fit(texts: Sequence[Words], spans: Sequence[Spans], n_types: int, company: Company) -> Marker:
    """Logistic regression of the type of each candidate stretch, or none; of overlapping ones the best sum is taken."""
    from scipy.special import log_softmax
    from sklearn.linear_model import LogisticRegression

    own = [phrases(words, marked) for words, marked in zip(texts, spans, strict=True)]
    gazetteer = Gazetteer(texts, own)
    longest = _longest(texts, spans)
    lessons = [_lesson(words, marked, longest) for words, marked in zip(texts, spans, strict=True)]
    labels = np.concatenate([one for _, one in lessons])
    known = np.unique(labels)
    if len(known) < 2:
        return lambda words: lambda bonus: ((), ())
    seen = [text_view(words, company, keep=True) for words in texts]
    views = [CandidateView(text, gazetteer, mine) for text, mine in zip(seen, own, strict=True)]
    columns = Columns(view.names(places) for view, (places, _) in zip(views, lessons, strict=True))
    rows = vstack([view.rows(places, columns) for view, (places, _) in zip(views, lessons, strict=True)])
    model = LogisticRegression(C=3.0, max_iter=MOST_STEPS, tol=1e-3).fit(rows, labels)
    weights = np.ascontiguousarray(model.coef_.T)
    unmarked = max(int((labels == 0).sum()), 1)
    everywhere = sum(len(_places(len(words), longest)) for words in texts)
    correction = np.log(max(everywhere - int((labels > 0).sum()), 1) / unmarked)

    def read(words: Words) -> Mark:
        places = _places(len(words), longest)
        if not len(places):
            return lambda bonus: ((), ())
        view = CandidateView(text_view(words, company), gazetteer, Counter())
        raw = view.scores(places, columns, weights) + model.intercept_
        raw = np.column_stack([np.zeros(len(raw)), raw]) if raw.shape[1] == 1 else raw
        scores = np.full((len(places), n_types + 1), -30.0)
        scores[:, known] = raw
        scores[:, 0] += correction
        logs = log_softmax(scores, axis=1)
        gains, chances = logs[:, 1:] - logs[:, :1], np.exp(logs[:, 1:])
        return lambda bonus: _best(words, places.tolist(), gains + bonus, chances)

    return read


def by_list(texts: Sequence[Words], spans: Sequence[Spans], n_types: int, company: Company) -> Marker:
    """Labeling functions: each known stretch, and each last word of several, marks what looks like it.

    A function counts as far as it was right in known texts other than the one it came from (Ratner et al. 2017,
    Snorkel: precision of functions on labeled data).
    """
    gazetteer = Gazetteer(texts, [phrases(words, marked) for words, marked in zip(texts, spans, strict=True)])

    def read(words: Words) -> Mark:
        listed = gazetteer.found(folded(words), Counter())

        def mark(bonus: float) -> Marked:
            kept = [one for one in listed if np.log((one[3] + 0.1) / (one[4] + 0.5)) + bonus > 0.5]
            found = [(words.edges[begin][0], words.edges[end - 1][1], int(label)) for begin, end, label, _, _ in kept]
            return tuple(found), tuple(times / (times + unmarked + 1.0) for *_, times, unmarked in kept)

        return mark

    return read


def _longest(texts: Sequence[Words], spans: Sequence[Spans]) -> int:
    sizes = [len(_inside(words, one)) for words, marked in zip(texts, spans, strict=True) for one in marked]
    return min(int(np.quantile(sizes, SHARE)) if sizes else 1, MOST_WORDS) or 1


def _inside(words: Words, span: tuple[int, int, int]) -> list[int]:
    return [i for i, (begin, stop) in enumerate(words.edges) if begin < span[1] and stop > span[0]]


def _places(n: int, longest: int) -> Places:
    """Begin and end of every candidate among so many words, (candidates, 2)."""
    found = [(begin, end) for begin in range(n) for end in range(begin + 1, min(begin + longest, n) + 1)]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _lesson(words: Words, marked: Spans, longest: int) -> tuple[Places, Ints]:
    """All marked stretches and some unmarked ones, those near a marked one first, and their types (0: none)."""
    right = {(at[0], at[-1] + 1): span[2] + 1 for span in marked if (at := _inside(words, span))}
    places = _places(len(words), longest)
    free = np.array([tuple(place) not in right for place in places.tolist()], dtype=bool)
    near = np.zeros(len(places), dtype=bool)
    for begin, end in right:
        near |= (places[:, 0] < end) & (begin < places[:, 1])
    close, far = places[free & near], places[free & ~near]
    most = NEGATIVES * max(len(right), 1)
    drawn = np.random.default_rng(len(places)).permutation(len(far))[: max(most - len(close), most // 2)]
    taken = np.concatenate([np.array(list(right), dtype=np.int64).reshape(-1, 2), close, far[drawn]])
    return taken, np.array([*right.values(), *[0] * (len(taken) - len(right))], dtype=np.int64)


def _best(words: Words, places: Sequence[Sequence[int]], gains: Floats, chances: Floats) -> Marked:
    """The stretches without overlap whose gains have the greatest sum, by dynamic programming over ends."""
    n = len(words)
    best, how = np.zeros(n + 1), [-1] * (n + 1)
    kind, gain = gains.argmax(axis=1), gains.max(axis=1)
    ending: dict[int, list[int]] = {}
    for at in np.flatnonzero(gain > 0).tolist():
        ending.setdefault(places[at][1], []).append(at)
    for end in range(1, n + 1):
        best[end] = best[end - 1]
        for at in ending.get(end, ()):
            if best[places[at][0]] + gain[at] > best[end]:
                best[end], how[end] = best[places[at][0]] + gain[at], at
    found, end = [], n
    while end > 0:
        at = how[end]
        if at >= 0:
            found.append(at)
            end = places[at][0]
        else:
            end -= 1
    found.reverse()
    edges = words.edges
    spans = tuple((edges[places[at][0]][0], edges[places[at][1] - 1][1], int(kind[at])) for at in found)
    return spans, tuple(round(float(chances[at, kind[at]]), 6) for at in found)
