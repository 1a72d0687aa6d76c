"""A datasheet as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch

from fairness.disclosure.document import Code, Facts, Items, Linked, Section, Table, Words

SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|"})


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The whole sheet as one text; signs of Markdown in what people wrote are escaped."""
    lines = [f"# {_plain(title)}"]
    for section in sections:
        lines += ["", f"## {_plain(section.title)}"]
        for block in section.blocks:
            lines += ["", *written(block)]
    return "\n".join(lines) + "\n"


@singledispatch
def written(block: object) -> Iterator[str]:
    """The lines of one block."""
    raise TypeError(f"A datasheet holds no {type(block).__name__}.")


@written.register
def _(block: Words) -> Iterator[str]:
    text = _plain(block.text)
    yield f"**{text}**" if block.strong else text


@written.register
def _(block: Facts) -> Iterator[str]:
    yield from (f"- {_plain(name)}: {_plain(text)}" for name, text in block.rows)


@written.register
def _(block: Items) -> Iterator[str]:
    yield from (f"- {_plain(line)}" for line in block.lines)


@written.register
def _(block: Code) -> Iterator[str]:
    yield from (f"    {line}" for line in block.lines)


@written.register
def _(block: Table) -> Iterator[str]:
    if block.title:
        yield from (f"**{_plain(block.title)}**", "")
    yield _row([_plain(head) for head in block.head])
    yield _row(["---:" if place in block.numbers else "---" for place in range(len(block.head))])
    yield from (_row([_cell(one) for one in row]) for row in block.rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(one: str | Linked) -> str:
    return f"[{_plain(one.text)}]({one.link})" if isinstance(one, Linked) else _plain(one)


def _plain(text: str) -> str:
    """In one line, with every sign that Markdown or HTML would read escaped."""
    return " ".join(text.split()).translate(SIGNS)
