"""axe on a page: no violation at all, in words that say where."""

from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LANGUAGES = ("en", "zh-hans")
THEMES = ("dark", "light")
PHONE, DESK = 390, 1440
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def violations(page: Page, options: dict[str, object] | None = None) -> list[str]:
    """Each violation as rule, element and help."""
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {' '.join(node['target'][0].split())}: {rule['help']}"
        for rule in found
        for node in rule["nodes"]
    ]


def faults_in_every_look(page: Page) -> list[str]:
    """What axe finds on the open page at both widths and in both themes, and if it is too wide.

    Widths and themes are switched in place, which costs no load. A theme changes colours and
    nothing else, so that in the second one only they are looked at.
    """
    before = page.viewport_size
    faults = list(_faults(page))
    page.set_viewport_size(before)
    return faults


def _faults(page: Page) -> Iterator[str]:
    root = page.locator("html")
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
            yield f"{needed} px wide at {width}"
        for theme in THEMES:
            root.evaluate("(root, theme) => { root.dataset.theme = theme; }", theme)
            options = None if theme == THEMES[0] else COLOURS
            yield from (f"{width} {theme} {fault}" for fault in violations(page, options))
