"""The language of what the program prints: English, or the Chinese of a catalogue in the package.

ATELIER_LANG goes before the system's own choice (LC_ALL, LC_MESSAGES, LANG). What other programs
read, all that --json prints, stays English. The catalogue is kept by `manage.py messages`.
"""

import gettext as catalogues
import os
import re
from collections.abc import Mapping
from pathlib import Path

from hub.formats.errors import FormatError

DOMAIN = "atelier"
LOCALE_DIR = Path(__file__).parent / "locale"
CHINESE, ENGLISH = "zh", "en"
NAMES = ("ATELIER_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

_catalogue = catalogues.NullTranslations()


def chosen_language(environ: Mapping[str, str]) -> str:
    """The person's language as a tag of HTTP, `zh-CN` for example; English where none is named."""
    named = next(filter(None, (environ.get(name) for name in NAMES)), "")
    tag = re.split(r"[.@]", named)[0].replace("_", "-")
    return tag if LANGUAGE_TAG.fullmatch(tag) and tag.upper() != "POSIX" else ENGLISH


def use_language(tag: str) -> None:
    """Print in this language from now on; in English where there is no catalogue for it."""
    global _catalogue  # noqa: PLW0603  one program speaks one language
    known = [CHINESE] if tag.partition("-")[0].lower() == CHINESE else []
    _catalogue = catalogues.translation(DOMAIN, LOCALE_DIR, known or [ENGLISH], fallback=True)
    # Titles of the help pages come from Typer, which asks gettext for them.
    os.environ["LANGUAGE"] = CHINESE if known else ENGLISH
    catalogues.bindtextdomain(DOMAIN, str(LOCALE_DIR))
    catalogues.textdomain(DOMAIN)


def gettext(text: str | None) -> str:
    """A sentence in the language that is used; it may be a template of `str.format`."""
    return _catalogue.gettext(text) if text else ""


def gettext_noop(text: str) -> str:
    """The sentence as it is; marks it for the catalogue where it is translated later."""
    return text


def words_of(error: FormatError) -> str:
    """What is wrong with a file, in the language that is used."""
    return gettext(error.problem.message).format(**error.params)
