"""Taggers that look at whole stretches: a classifier of candidates, and labeling functions from known stretches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from labeling.crowd.tagging.features import EDGE, Company, folded, of_word, shape
from labeling.crowd.tagging.gazetteer import JOIN, Gazetteer, phrases
from labeling.crowd.tagging.learners import Floats
from labeling.crowd.tagging.words import Words
from labeling.truth.spans.marks import Answer as Spans

MOST_WORDS = 12
SHARE = 0.98
"""Candidates are as long as this share of the known stretches are, at most."""
NEGATIVES = 10
"""Unmarked stretches learned from, for each marked one."""
Marked = tuple[Spans, tuple[float, ...]]


def fit(texts: Sequence[Words], spans: Sequence[Spans], n_types: int, company: Company) -> Callable[..., Marked]:
    """Logistic regression of the type of each candidate stretch, or none; of overlapping ones the best sum is taken."""
    from scipy.special import log_softmax
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.linear_model import LogisticRegression

    own = [phrases(words, marked) for words, marked in zip(texts, spans, strict=True)]
    gazetteer = Gazetteer(texts, own)
    longest = _longest(texts, spans)
    hasher = FeatureHasher(2**17, input_type="string", alternate_sign=False)
    rows, labels = _lessons(texts, spans, own, gazetteer, company, longest)
    known = np.unique(labels)
    if len(known) < 2:
        return lambda words, mine, bonus: ((), ())
    model = LogisticRegression(C=3.0, max_iter=100, tol=1e-3).fit(hasher.transform(rows), labels)
    correction = np.log(
        max(_candidates_in_all(texts, longest) - len(labels) + (labels == 0).sum(), 1) / max((labels == 0).sum(), 1)
    )

    def mark(words: Words, mine: Counter[str], bonus: float) -> Marked:
        places = _places(words, longest)
        if not places:
            return (), ()
        raw = model.decision_function(hasher.transform(_rows(words, places, company, gazetteer, mine)))
        raw = np.column_stack([np.zeros_like(raw), raw]) if raw.ndim == 1 else np.asarray(raw)
        scores = np.full((len(places), n_types + 1), -30.0)
        scores[:, known] = raw
        scores[:, 0] += correction
        logs = log_softmax(scores, axis=1)
        gains = logs[:, 1:] - logs[:, :1] + bonus
        return _best(words, places, gains, np.exp(logs[:, 1:]))

    return mark


def by_list(texts: Sequence[Words], spans: Sequence[Spans], n_types: int, company: Company) -> Callable[..., Marked]:
    """Labeling functions: each known stretch, and each last word of several, marks what looks like it.

    A function counts as far as it was right in known texts other than the one it came from (Ratner et al. 2017,
    Snorkel: precision of functions on labeled data).
    """
    own = [phrases(words, marked) for words, marked in zip(texts, spans, strict=True)]
    gazetteer = Gazetteer(texts, own)

    def mark(words: Words, mine: Counter[str], bonus: float) -> Marked:
        found, chances = [], []
        for begin, end, label, times, unmarked in gazetteer.found(folded(words), mine):
            if np.log((times + 0.1) / (unmarked + 0.5)) + bonus > 0.5:
                found.append((words.edges[begin][0], words.edges[end - 1][1], int(label)))
                chances.append(times / (times + unmarked + 1.0))
        return tuple(found), tuple(chances)

    return mark


def _longest(texts: Sequence[Words], spans: Sequence[Spans]) -> int:
    sizes = [len(_inside(words, one)) for words, marked in zip(texts, spans, strict=True) for one in marked]
    return min(int(np.quantile(sizes, SHARE)) if sizes else 1, MOST_WORDS) or 1


def _inside(words: Words, span: tuple[int, int, int]) -> list[int]:
    return [i for i, (begin, stop) in enumerate(words.edges) if begin < span[1] and stop > span[0]]


def _places(words: Words, longest: int) -> list[tuple[int, int]]:
    n = len(words)
    return [(begin, end) for begin in range(n) for end in range(begin + 1, min(begin + longest, n) + 1)]


def _candidates_in_all(texts: Sequence[Words], longest: int) -> int:
    return sum(len(_places(words, longest)) for words in texts)


def _lessons(
    texts: Sequence[Words],
    spans: Sequence[Spans],
    own: Sequence[Counter[str]],
    gazetteer: Gazetteer,
    company: Company,
    longest: int,
) -> tuple[list[list[str]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Features and types (0: none) of all marked stretches, and of some unmarked ones of the same texts."""
    rng, rows, labels = np.random.default_rng(0), [], []
    for words, marked, mine in zip(texts, spans, own, strict=True):
        right = {(at[0], at[-1] + 1): span[2] + 1 for span in marked if (at := _inside(words, span))}
        places = _places(words, longest)
        near = [p for p in places if p not in right and any(p[0] < e and b < p[1] for b, e in right)]
        far = [p for p in places if p not in right and p not in set(near)]
        most = NEGATIVES * max(len(right), 1)
        some = near + [far[i] for i in rng.permutation(len(far))[: max(most - len(near), most // 2)].tolist()]
        taken = [*right, *some]
        rows += _rows(words, taken, company, gazetteer, mine)
        labels += [right.get(place, 0) for place in taken]
    return rows, np.array(labels, dtype=np.int64)


def _rows(
    words: Words, places: Sequence[tuple[int, int]], company: Company, gazetteer: Gazetteer, mine: Counter[str]
) -> list[list[str]]:
    strings, low = [EDGE, EDGE, *words.strings, EDGE, EDGE], [EDGE, EDGE, *folded(words), EDGE, EDGE]
    known = {
        (begin, end): f"{label}{times > unmarked}"
        for begin, end, label, times, unmarked in gazetteer.found(low[2:-2], mine)
    }
    groups = [company.names(word) for word in low]
    rows = []
    for begin, end in places:
        b, e = begin + 2, end + 2
        inside = low[b:e]
        row = [
            f"n{end - begin}",
            f"t{JOIN.join(inside)}",
            f"b{low[b - 1]}",
            f"a{low[e]}",
            f"bb{low[b - 2]}|{low[b - 1]}",
        ]
        row += [f"aa{low[e]}|{low[e + 1]}", f"ba{low[b - 1]}|{low[e]}"]
        row += [f"f{part}" for part in of_word(strings[b])] + [f"l{part}" for part in of_word(strings[e - 1])]
        row += [f"i{word}" for word in inside] + ["s" + "".join(shape(word) for word in strings[b:e])]
        row += [f"gb{name}" for name in groups[b - 1]] + [f"ga{name}" for name in groups[e]]
        row += [f"gf{name}" for name in groups[b]] + [f"gl{name}" for name in groups[e - 1]]
        row += [f"gi{name}" for at in range(b, e) for name in groups[at]]
        row += [f"ln{end - begin}{part}" for part in groups[e - 1]] + [f"q{low[b]}|{low[e - 1]}"]
        row += [f"k{known[begin, end]}"] if (begin, end) in known else ["k-"]
        rows.append(row)
    return rows


def _best(words: Words, places: Sequence[tuple[int, int]], gains: Floats, chances: Floats) -> Marked:
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
