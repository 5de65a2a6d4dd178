"""People's Markdown as safe HTML: rendered by markdown-it, then reduced to an allow-list by nh3."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hub.accounts.mentions import MENTION

#: Texts up to this length, and so many of them, are kept as HTML by each process: 10 MB at most.
KEPT_CHARACTERS, TEXTS_KEPT = 1_000, 2_048
FIRST_HEADING, LAST_HEADING = 3, 6

TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)


def render_markdown(text: str, people: Mapping[str, str] | None = None) -> SafeString:
    """HTML of Markdown source; pictures and raw HTML are dropped, headings start at level 3.

    `people` are addresses by user name: each `@name` in running text becomes a link.
    """
    render = _kept if len(text) <= KEPT_CHARACTERS else _render
    return render(text, tuple((people or {}).items()))


def _render(text: str, named: tuple[tuple[str, str], ...]) -> SafeString:
    people = dict(named)
    tokens = _PARSER.parse(text)
    _set_headings(tokens)
    if people:
        for token in tokens:
            if token.children:
                token.children = list(_with_mentions(token.children, people))
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = nh3.clean(html, tags=TAGS, attributes={"a": {"href"}}, link_rel="nofollow noopener")
    return mark_safe(clean)  # noqa: S308  reduced to the allow-list just above


#: What people say is short, and a well-known model's page shows forty of the same remarks.
_kept = lru_cache(maxsize=TEXTS_KEPT)(_render)


def _with_mentions(tokens: Sequence[Token], people: Mapping[str, str]) -> Iterator[Token]:
    """Tokens of running text with names as links; what is a link already stays as it is."""
    links = 0
    for token in tokens:
        links += token.nesting if token.type.startswith("link_") else 0
        if token.type == "text" and not links:
            yield from _split(token.content, people)
        else:
            yield token


def _split(text: str, people: Mapping[str, str]) -> Iterator[Token]:
    last = 0
    for match in MENTION.finditer(text):
        written = match[1] if match[1] in people else match[1].rstrip(".-")
        if written not in people:
            continue
        yield Token("text", "", 0, content=text[last : match.start()])
        yield Token("link_open", "a", 1, attrs={"href": people[written]})
        yield Token("text", "", 0, content=f"@{written}")
        yield Token("link_close", "a", -1)
        last = match.start() + len(written) + 1
    yield Token("text", "", 0, content=text[last:])


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
