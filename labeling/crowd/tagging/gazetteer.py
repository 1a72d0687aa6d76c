"""The words that are known as stretches, and how often they stood unmarked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from labeling.crowd.tagging.words import Words
from labeling.truth.spans.marks import Answer

LONGEST = 8
"""Words of a known stretch at most."""
JOIN = "\x1f"


def phrases(words: Words, spans: Answer) -> Counter[str]:
    """The known stretches of a text as folded words, each with its type: "type JOIN word JOIN word"."""
    low = [word.casefold() for word in words.strings]
    found: Counter[str] = Counter()
    for start, end, label in spans:
        inside = [low[i] for i, (begin, stop) in enumerate(words.edges) if begin < end and stop > start]
        if 0 < len(inside) <= LONGEST:
            found[JOIN.join([str(label), *inside])] += 1
    return found


class Gazetteer:
    """Known stretches by their words: `marked` by type, and how often the same words occur in known texts at all."""

    def __init__(self, texts: Sequence[Words], marked: Sequence[Counter[str]]) -> None:
        self.marked: dict[str, Counter[str]] = defaultdict(Counter)
        for counts in marked:
            for phrase, count in counts.items():
                label, _, words = phrase.partition(JOIN)
                self.marked[words][label] += count
        self.longest = max((words.count(JOIN) + 1 for words in self.marked), default=0)
        self.inside = Counter(word for words in self.marked for word in words.split(JOIN))
        self.occurs: Counter[str] = Counter()
        for text in texts:
            self.occurs.update(words for words, *_ in self._places([word.casefold() for word in text.strings]))

    def found(self, low: list[str], own: Counter[str]) -> list[tuple[int, int, str, int, int]]:
        """Known stretches in folded words, the longest first from the left: begin, end, type, times marked, times not.

        `own`: what this text itself contributed, which does not count; a text that is no known one has none.
        """
        best: list[tuple[int, int, str, int, int]] = []
        behind = 0
        for words, begin, end in self._places(low):
            if begin < behind:
                continue
            counts = Counter({label: n - own[f"{label}{JOIN}{words}"] for label, n in self.marked[words].items()})
            label, times = max(counts.items(), key=lambda one: (one[1], one[0]))
            if times > 0:
                mine = _times(low, words) if own else 0
                best.append((begin, end, label, times, max(self.occurs[words] - mine - sum(counts.values()), 0)))
                behind = end
        return best

    def matches(self, low: list[str], own: Counter[str]) -> list[list[str]]:
        """For each word what known stretches say of it, by name."""
        told: list[list[str]] = [[] for _ in low]
        for begin, end, label, times, unmarked in self.found(low, own):
            sure = "often" if times > unmarked else "seldom"
            for i in range(begin, end):
                place = "B" if i == begin else "I"
                told[i] += [f"{place}{label}", f"{place}{label}{sure}", f"{end - begin > 1}{place}{label}"]
        return told

    def _places(self, low: list[str]) -> list[tuple[str, int, int]]:
        """Each known stretch in the words, from the left, longer ones first."""
        found = []
        for begin, word in enumerate(low):
            if word not in self.inside:
                continue
            for end in range(min(begin + self.longest, len(low)), begin, -1):
                words = JOIN.join(low[begin:end])
                if words in self.marked:
                    found.append((words, begin, end))
        return found


def _times(low: list[str], words: str) -> int:
    size = words.count(JOIN) + 1
    return sum(JOIN.join(low[i : i + size]) == words for i in range(len(low) - size + 1))
