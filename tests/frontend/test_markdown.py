"""People's Markdown stands under a heading of the page and is nothing but text."""

import re

import pytest

from frontend.markdown import render_markdown


@pytest.mark.parametrize(
    ("source", "levels"),
    [
        ("# A\n\n## B\n\n# C", ["h3", "h4", "h3"]),
        ("## A\n\n### B", ["h3", "h4"]),
        ("### A\n\n# B", ["h3", "h3"]),
        ("# A\n\n#### B\n\n## C", ["h3", "h4", "h4"]),
        ("# 1\n\n## 2\n\n### 3\n\n#### 4\n\n##### 5", ["h3", "h4", "h5", "h6", "h6"]),
    ],
)
def test_headings_go_on_from_level_three_and_skip_none(source: str, levels: list[str]) -> None:
    html = render_markdown(source)
    assert re.findall(r"<(h\d)>", html) == levels
    assert re.findall(r"</(h\d)>", html) == levels


def test_no_script_and_no_picture_comes_through() -> None:
    html = render_markdown("<script>alert(1)</script>\n\n![x](http://example.org/x.png) **b**")
    assert "<script" not in html
    assert "<img" not in html
    assert "<strong>b</strong>" in html
