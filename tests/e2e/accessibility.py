"""axe on a page: no violation at all, in words that say where."""

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, TimeoutError

LANGUAGES = ("en", "zh-hans")
THEMES = ("dark", "light")
PHONE, DESK = 390, 1440
FITS = "width => document.documentElement.scrollWidth <= width"
FITTING_MS = 5000
AXE = Axe().axe_script
# What is right is neither described nor sent; our pages have no media to load for a rule.
BRIEFLY = {"resultTypes": ["violations"], "preload": False}
SAVE_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}


def violations(page: Page, rules: dict[str, Any] | None = None) -> list[str]:
    """Each violation as rule, element and help; of all rules, or of some in axe's own words."""
    if page.evaluate("!window.axe"):  # once for all looks of a page
        page.evaluate(AXE)
    options = {**BRIEFLY, **(rules or {})}
    found = page.evaluate("options => axe.run(options).then(told => told.violations)", options)
    return [
        f"{rule['id']}: {' '.join(node['target'][0].split())}: {rule['help']}"
        for rule in found
        for node in rule["nodes"]
    ]


def faults_in_every_look(page: Page) -> list[str]:
    """What axe finds on the open page at both widths, and if it is too wide for one.

    Widths and themes are switched in place, which costs no load. Each width has the theme that it
    has not in the other language: opened in both, a page is seen in each theme at each width.
    Contrasts are two thirds of axe's time and are measured in one language, since no colour
    depends on it; those of all words on all surfaces are held by tests/frontend/test_contrast.py.
    """
    before = page.viewport_size
    faults = list(_faults(page))
    page.set_viewport_size(before)
    return faults


def _faults(page: Page) -> Iterator[str]:
    root = page.locator("html")
    in_first = root.get_attribute("lang") == LANGUAGES[0]
    themes = THEMES if in_first else THEMES[::-1]
    for width, theme in zip((DESK, PHONE), themes, strict=True):
        page.set_viewport_size({"width": width, "height": 900})
        root.evaluate("(root, theme) => { root.dataset.theme = theme; }", theme)
        try:  # pictures are laid out anew once the page has been told of its width
            page.wait_for_function(FITS, arg=width, timeout=FITTING_MS)
        except TimeoutError:
            yield f"{page.evaluate('document.documentElement.scrollWidth')} px wide at {width}"
        found = violations(page, None if in_first else SAVE_CONTRAST)
        yield from (f"{width} {theme} {fault}" for fault in found)
