"""Whether prose denies a label rather than giving it: "not positive", "nicht positiv", "positif değil"."""

from __future__ import annotations

import re

WORDS_BEFORE = 5
SIGNS_BEHIND = 10

_WORDS = " ".join(
    [
        "not no never non nor neither without cannot hardly isnt arent wasnt dont doesnt cant wont except excluding",
        "excludes unlikely lacks nothing nowhere",
        "nicht kein keine keinen keiner keinem keines nie niemals weder keineswegs kaum ohne",
        "ne pas ni jamais aucun aucune sans guère",
        "nunca jamás ningún ninguna ninguno tampoco sin",
        "nessun nessuno nessuna mai senza neppure",
        "não nao nem nenhum nenhuma sem",
        "niet geen nooit zonder noch inte ej inga inget ingen aldrig utan ikke ikkje aldri uten uden ei eivät ilman",
        "nie nigdy bez żaden żadna żadne ani není nejsou žádný žádná žádné nu nici fără nem nincs sem",
        "не ни нет без нельзя ні ані немає není nije nisu",
        "değil hayır tidak bukan tanpa không chẳng chưa δεν μη μην όχι ούτε χωρίς",
        "לא אין בלי אינו אינה ليس ليست لا غير لم لن بدون नहीं न बिना",
    ]
).split()
_DENIES = re.compile(
    rf"(?<!\w)(?:{'|'.join(sorted(set(_WORDS), key=len, reverse=True))}"
    r"|rather than|instead of|anything but|far from|(?:rule[sd]?|ruling) out)(?!\w)|n't\b|\w+n'a\b|\bn'(?=\w)"
)
_JOINED = re.compile("[不没沒非無无未]|ไม่|มิใช่")
"""In scripts without spaces a negation stands right before the word."""
_BEHIND = re.compile(
    r"^[\"'`*)\]]*\s*(?:\w+\s+)?(?:(?:is|are|was|does|would be)\s*(?:not\b|n't)|is (?:wrong|incorrect|false))"
    r"|^\W{0,2}\?"
    r"|^\s+(?:ist|war|wäre|sind|passt|est|es|è|is|er|är)\s(?:\w+\s+){0,4}(?:nicht|falsch|pas|niet|ikke|inte)\b"
    r"|^\W*(?:\w+\s+)?(?:değil|नहीं)"
)
_ENDING = re.compile("ない|なく|なかっ|ません|않|아니|아닙|아님")
"""In Japanese and Korean it stands in the ending of the verb."""


def is_denied(before: str, behind: str) -> bool:
    """Whether a label between these two pieces of folded text is denied, or only asked about.

    A negation counts within the five words before it in its sentence, or right behind it.
    """
    sentence = re.split(r"[.;:!?\n。]", re.sub(r"\s*:\s*$", " ", before))[-1]
    if _DENIES.search(" ".join(sentence.split()[-WORDS_BEFORE:])):
        return True
    clause = re.split(r"[,、]", sentence)[-1]
    following = re.split(r"[.;:!?\n。,、]", behind[: SIGNS_BEHIND * 2])[0][:SIGNS_BEHIND]
    return bool(_JOINED.search(clause[-4:]) or _BEHIND.search(behind) or _ENDING.search(following))


def has_negation(line: str) -> bool:
    """Whether a line of folded text ends in a denial of what follows: "It is not:"."""
    return bool(_DENIES.search(" ".join(line.split()[-WORDS_BEFORE:])))
