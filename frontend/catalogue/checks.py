"""What must be true of the catalogue before it ships."""

import re
from collections import Counter
from pathlib import Path

import polib

from frontend.catalogue.extraction import Key, Message
from frontend.catalogue.store import compiled, key_of, translation_of

PLACEHOLDER = re.compile(r"%\(\w+\)[sdrif]|%[sdrif]|\{\w*\}")


def placeholders(text: str) -> Counter[str]:
    """Named and unnamed places in a sentence."""
    return Counter(PLACEHOLDER.findall(text))


def compare_with_source(catalogue: polib.POFile, messages: dict[Key, Message]) -> list[str]:
    """Messages that the catalogue lacks, and entries that the source lacks."""
    known = {key_of(entry) for entry in catalogue if not entry.obsolete}
    missing = [
        f"missing: {m.singular!r} ({m.files[0]})" for k, m in messages.items() if k not in known
    ]
    stale = [f"stale: {words!r}" for context, words in sorted(known - messages.keys())]
    obsolete = [f"obsolete: {entry.msgid!r}" for entry in catalogue.obsolete_entries()]
    return [*missing, *stale, *obsolete]


def check_entry(entry: polib.POEntry) -> list[str]:
    """What is wrong with one entry."""
    chinese = translation_of(entry)
    if entry.fuzzy:
        return [f"fuzzy: {entry.msgid!r}"]
    if not chinese.strip():
        return [f"not translated: {entry.msgid!r}"]
    expected = placeholders(entry.msgid_plural or entry.msgid)
    if placeholders(chinese) != expected:
        return [f"other places: {entry.msgid!r} has {sorted(expected)}, {chinese!r} has not"]
    return []


def check_compiled(catalogue: polib.POFile, binary: Path) -> list[str]:
    """Whether the binary catalogue was made from this one."""
    if not binary.exists():
        return [f"not compiled: {binary.name} is missing"]
    if binary.read_bytes() != compiled(catalogue):
        return [f"not compiled: {binary.name} is older than the catalogue"]
    return []


def problems(catalogue: polib.POFile, messages: dict[Key, Message], binary: Path) -> list[str]:
    """Everything that keeps the catalogue from being complete."""
    found = compare_with_source(catalogue, messages)
    for entry in catalogue:
        if not entry.obsolete:
            found += check_entry(entry)
    return found + check_compiled(catalogue, binary)
