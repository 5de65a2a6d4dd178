"""The tokens keep the contrast that the design promises, in both themes."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "frontend" / "static" / "css" / "tokens.css"
SURFACES = ("bg", "surface-1", "surface-2", "surface-3")
TEXTS = ("text", "text-2", "text-3", "accent-text", "ok", "warn", "danger", "info")


def colours(theme: str) -> dict[str, str]:
    text = TOKENS.read_text("utf-8")
    light, dark = text.split(':root:not([data-theme="light"])')
    pattern = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})\b")
    found = dict(pattern.findall(light))
    return found if theme == "light" else found | dict(pattern.findall(dark))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("text", TEXTS)
def test_words_can_be_read_on_every_surface(theme: str, surface: str, text: str) -> None:
    known = colours(theme)

    assert contrast(known[text], known[surface]) >= 4.5


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("surface", ["bg", "surface-1"])
def test_edges_of_controls_can_be_seen(theme: str, surface: str) -> None:
    known = colours(theme)

    assert contrast(known["line-control"], known[surface]) >= 3


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_primary_button_has_strong_contrast(theme: str) -> None:
    known = colours(theme)

    assert contrast(known["accent-fg"], known["accent"]) >= 12


def test_paper_is_light_whatever_the_screen_is() -> None:
    before_dark = TOKENS.read_text("utf-8").split(':root:not([data-theme="light"])')[0]

    assert before_dark.rstrip().endswith("@media screen {")
