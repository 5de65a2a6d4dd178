"""People's Markdown as safe HTML: rendered by markdown-it, then reduced to an allow-list by nh3."""

from collections.abc import Sequence

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

FIRST_HEADING, LAST_HEADING = 3, 6

TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)


def render_markdown(text: str) -> SafeString:
    """HTML of Markdown source; pictures and raw HTML are dropped, headings start at level 3."""
    tokens = _PARSER.parse(text)
    _set_headings(tokens)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = nh3.clean(html, tags=TAGS, attributes={"a": {"href"}}, link_rel="nofollow noopener")
    return mark_safe(clean)  # noqa: S308  reduced to the allow-list just above


def _set_headings(tokens: Sequence[Token]) -> None:
    """The author's levels in order from level 3 on; none is skipped, as readers by ear expect."""
    headings = [token for token in tokens if token.type == "heading_open"]
    used = sorted({token.tag for token in headings})
    last = FIRST_HEADING - 1
    for token in tokens:
        if token.type == "heading_open":
            last = min(used.index(token.tag) + FIRST_HEADING, last + 1, LAST_HEADING)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{last}"
