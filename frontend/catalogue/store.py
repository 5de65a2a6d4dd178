"""The Chinese catalogue as a file: read, bring up to date with the source, compile."""

import re
from pathlib import Path

import polib

from frontend.catalogue.extraction import Key, Message

FRONTEND_DIR = Path(__file__).resolve().parent.parent
ROOT = FRONTEND_DIR.parent
CATALOGUE = FRONTEND_DIR / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
CLI_CATALOGUE = ROOT / "hub" / "cli" / "locale" / "zh" / "LC_MESSAGES" / "atelier.po"
HEADER = {
    "Project-Id-Version": "Atelier",
    "Language": "zh_Hans",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}
PERCENT = re.compile(r"%(?:\(\w+\))?[sdrif]")


def key_of(entry: polib.POEntry) -> Key:
    """Context and English words of an entry."""
    return (entry.msgctxt or "", entry.msgid)


def load(path: Path = CATALOGUE) -> polib.POFile:
    """The catalogue, or a new one with our header."""
    if path.exists():
        return polib.pofile(str(path), encoding="utf-8", wrapwidth=100)
    catalogue = polib.POFile(encoding="utf-8", wrapwidth=100)
    catalogue.metadata = dict(HEADER)
    return catalogue


def entry_for(message: Message, known: polib.POEntry | None) -> polib.POEntry:
    """The entry of a message, keeping the translation that is known."""
    entry = polib.POEntry(
        msgctxt=message.context or None,
        msgid=message.singular,
        occurrences=[(name, "") for name in message.files],
    )
    if PERCENT.search(message.singular):
        entry.flags.append("python-format")
    if message.plural:
        entry.msgid_plural = message.plural
        entry.msgstr_plural = {0: translation_of(known)}
    else:
        entry.msgstr = translation_of(known)
    if known is not None and known.fuzzy:
        entry.flags.append("fuzzy")
    return entry


def translation_of(entry: polib.POEntry | None) -> str:
    """The Chinese words; a message with a plural has one form, since Chinese has one."""
    if entry is None:
        return ""
    return str(entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr)


def updated(catalogue: polib.POFile, messages: dict[Key, Message]) -> polib.POFile:
    """A catalogue with exactly the messages of the source."""
    known = {key_of(entry): entry for entry in catalogue if not entry.obsolete}
    fresh = polib.POFile(encoding="utf-8", wrapwidth=100)
    fresh.metadata = dict(HEADER)
    fresh.extend(entry_for(message, known.get(key)) for key, message in messages.items())
    return fresh


def compiled(catalogue: polib.POFile) -> bytes:
    """The binary catalogue that Django reads."""
    return bytes(catalogue.to_binary())
