"""Rules that templates, styles and scripts keep; each is a search through the files."""

import re
from pathlib import Path

import pytest

from frontend.templatetags.assets import module_paths

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
TEMPLATES = sorted((FRONTEND / "templates").rglob("*.html"))
STYLES = sorted((FRONTEND / "static" / "css").rglob("*.css"))
SCRIPTS = sorted((FRONTEND / "static" / "js").rglob("*.js"))
HEX = re.compile(r"(?<![&\w/{])#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b(?![\w-])")
# In scripts "#add" is a selector; a colour stands alone in quotes, six digits or one thrice.
SCRIPT_HEX = re.compile(r"""["'`]#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{8}|([0-9a-fA-F])\1\1)["'`]""")
COLOUR_FUNCTION = re.compile(r"\b(?:rgba?|hsla?|oklch|oklab)\(")
LAYERS = "@layer reset, tokens, base, layout, components, pages, utilities;"


def name_of(path: Path) -> str:
    return path.relative_to(FRONTEND).as_posix()


@pytest.mark.parametrize("path", [*STYLES, *TEMPLATES, *SCRIPTS], ids=name_of)
def test_colours_are_written_in_the_tokens_only(path: Path) -> None:
    if path.name == "tokens.css":
        return
    found = [
        line.strip()
        for line in path.read_text("utf-8").splitlines()
        if (SCRIPT_HEX if path.suffix == ".js" else HEX).search(line)
        or COLOUR_FUNCTION.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_template_has_inline_styles_handlers_or_scripts(path: Path) -> None:
    text = path.read_text("utf-8")

    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text)
    assert "<style" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_button_says_what_it_is_for(path: Path) -> None:
    buttons = re.findall(r"<button\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", path.read_text("utf-8"))

    assert [tag for tag in buttons if not re.search(r"\stype=", tag)] == []


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *STYLES], ids=name_of)
def test_no_file_names_another_host(path: Path) -> None:
    found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text("utf-8"))

    assert [url for url in found if "w3.org" not in url] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_modules_import_each_other_by_bare_names_that_the_import_map_has(path: Path) -> None:
    text = path.read_text("utf-8")
    named = re.findall(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""", text)

    assert [name for name in named if name not in module_paths()] == []


def test_icons_that_are_named_are_in_the_sprite() -> None:
    sprite = (FRONTEND / "static" / "vendor" / "icons.svg").read_text("utf-8")
    known = set(re.findall(r'<symbol id="([a-z0-9-]+)"', sprite))
    tags = re.compile(r"""(?:{%\s*icon\s+|symbol=|{%\s*empty\s+\w+\s+)"([a-z0-9-]+)\"""")
    calls = re.compile(r"""\b(?:icon|setIcon)\((?:\w+,\s*)?"([a-z0-9-]+)"\)""")

    named = {(name, name_of(path)) for path in TEMPLATES for name in tags.findall(path.read_text())}
    named |= {(name, name_of(path)) for path in SCRIPTS for name in calls.findall(path.read_text())}

    assert len(named) > 50
    assert {found for found in named if found[0] not in known} == set()


def test_layers_are_ordered_once_and_every_style_is_in_one() -> None:
    tokens = (FRONTEND / "static" / "css" / "tokens.css").read_text("utf-8")

    assert LAYERS in tokens
    for path in STYLES:
        without_fonts = re.sub(
            r"@font-face\s*{[^}]*}|/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S
        )
        first = re.search(r"[^\s]", without_fonts)
        assert first is None or without_fonts[first.start() :].startswith("@layer"), path.name


def test_text_is_never_smaller_than_twelve_pixels() -> None:
    sizes = re.compile(r"font(?:-size)?:[^;]*?\b(\d+(?:\.\d+)?)px")
    small = [
        (path.name, size)
        for path in STYLES
        for size in sizes.findall(path.read_text("utf-8"))
        if float(size) < 12
    ]

    assert small == []


def test_pages_with_a_masonry_start_the_script_that_places_it() -> None:
    """Its pictures do not show before, for as long as a slow line takes."""
    pages = {name_of(path): path.read_text("utf-8") for path in TEMPLATES}
    without = {
        name
        for name, text in pages.items()
        if 'class="masonry' in text and '{% module "app/masonry" %}' not in text
    }

    # The styleguide's own script does it.
    assert without == {"templates/styleguide/pictures.html"}


def test_every_place_for_files_says_that_it_needs_a_script() -> None:
    texts = [path.read_text("utf-8") for path in TEMPLATES]
    zones = [text for text in texts if 'id="drop"' in text]

    assert zones
    assert [text for text in zones if "components/needs_script.html" not in text] == []
