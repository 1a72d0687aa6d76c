"""Markdown as people write it in guidelines, cut down to harmless HTML."""

from __future__ import annotations

import nh3
from django import template
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

register = template.Library()
TAGS = {
    "p",
    "br",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "s",
    "code",
    "pre",
    "blockquote",
    "hr",
    "a",
}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
READER = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")
LOWEST = 6


@register.filter
def markdown(text: str) -> SafeString:
    """Headings begin at the third level, since the page has its own; HTML in the text stays text, images are left out.

    What the reader makes is cleaned once more by a list of harmless tags: a fault of one is caught by the other.
    """
    tokens = READER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, LOWEST)}"
    made = READER.renderer.render(tokens, READER.options, {})
    schemes = {"http", "https", "mailto"}
    clean = nh3.clean(
        made, tags=TAGS | TABLE, attributes=ATTRIBUTES, url_schemes=schemes, link_rel="noopener noreferrer"
    )
    return mark_safe(clean)  # noqa: S308 (cleaned just now)
