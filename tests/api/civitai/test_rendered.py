"""Short ways to a description's HTML end where the long one does."""

import nh3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.api.civitai import values

PIECES = [*"abcZé水 .,;:?!()'/%-*_`#>1\"&<[]|~=+\t\xa0\x0c\u2028"]
PIECES += ["\n", "\n\n", "\n- ", "\n1. ", "**", "word ", "\n## ", "\n> ", "    ", "\r\n", "<b>"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def the_long_way(source: str) -> str | None:
    rendered = values._MARKDOWN.render(source)
    clean = nh3.clean(
        rendered,
        tags=set(values.TAGS),
        attributes={"a": {"href"}},
        link_rel="nofollow noopener",
    )
    return clean.strip() if source.strip() else None


@settings(max_examples=50)
@given(TEXTS)
@example("One plain line, as (most) versions have it: 100% better!")
@example("- a\n- `b`\n\n> **c**")
def test_html_is_that_of_the_parser_and_the_sanitiser(source) -> None:
    assert values.html(source) == the_long_way(source)


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_long_text_takes_no_longer_than_its_length(size) -> None:
    source = "word " * size + "<"
    assert values.PLAIN_LINE.fullmatch(source) is None
    assert values.PLAIN_HTML.fullmatch(source) is None
