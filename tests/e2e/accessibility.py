"""axe on a page: no violation at all, in words that say where."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COMBINATIONS = [(theme, language) for theme in ("dark", "light") for language in ("en", "zh-hans")]


def violations(page: Page) -> list[str]:
    """Each violation as rule, element and help."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {' '.join(node['target'][0].split())}: {rule['help']}"
        for rule in found
        for node in rule["nodes"]
    ]
