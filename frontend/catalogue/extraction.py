"""Finds every sentence of the hub that has to be translated, in Python and in templates.

Babel reads Python; templates go through Django's own `templatize` first, so no gettext programs are
needed. Both yield the same messages as `makemessages` would.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.utils.translation.template import templatize

from frontend.columns import CONTEXT as COLUMN
from frontend.columns import shown_columns
from frontend.contexts.api_docs import api_docs, sentences
from training.engine.presets.choosing import all_presets

PACKAGES = ("frontend", "hub", "models_registry", "gallery", "training")
#: Has a catalogue of its own, since it is installed alone.
COMMAND_LINE = "hub/cli"
PRESETS = "training/engine/presets/table.py"
COLUMNS = "frontend/columns.py"
API = "hub/api/native"
TEMPLATE_SUFFIXES = {".html", ".txt"}
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "Problem": (2,),  # of a file's bytes: hub.formats knows no translation, its callers do
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}

Key = tuple[str, str]


@dataclass(slots=True)
class Message:
    """One sentence of the source: context, singular, plural ("" for none), and its files."""

    context: str
    singular: str
    plural: str = ""
    files: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """What makes it one message."""
        return (self.context, self.singular)


def source_files(root: Path) -> Iterator[Path]:
    """Python files and templates of our packages but the command line's, in a fixed order."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_relative_to(root / COMMAND_LINE):
                continue
            is_template = path.suffix in TEMPLATE_SUFFIXES and "templates" in path.parts
            if (path.suffix == ".py" and "migrations" not in path.parts) or is_template:
                yield path


def readable(path: Path) -> bytes:
    """The file as Python that Babel can read; a template becomes calls inside one bracket."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return text.encode()
    return f"(\n{templatize(text, origin=str(path))}\n)".encode()


def messages_in(path: Path) -> Iterator[tuple[str, str, str]]:
    """Context, singular and plural of every message in one file."""
    options = {"encoding": "utf-8"}
    for _line, found, _comments, context in extract(
        "python", BytesIO(readable(path)), keywords=KEYWORDS, options=options
    ):
        singular, plural = found[:2] if isinstance(found, tuple) else (found, "")
        if singular:
            yield context or "", singular, plural


def preset_texts() -> Iterator[str]:
    """What the engine says of its presets: it has no catalogue, so its English is the key."""
    for preset in all_presets():
        yield preset.title
        yield preset.sentence


def collect(root: Path) -> dict[Key, Message]:
    """All messages of the source tree, sorted by their English words."""
    messages: dict[Key, Message] = {}
    for path in source_files(root):
        name = path.relative_to(root).as_posix()
        for context, singular, plural in messages_in(path):
            message = messages.setdefault((context, singular), Message(context, singular))
            message.plural = message.plural or plural
            if name not in message.files:
                message.files.append(name)
    for text in preset_texts():
        messages.setdefault(("", text), Message("", text)).files.append(PRESETS)
    for text in {words for words in sentences(api_docs()) if words}:
        messages.setdefault(("", text), Message("", text)).files.append(API)
    for text in shown_columns():
        message = Message(COLUMN, text, files=[COLUMNS])
        messages.setdefault(message.key, message)
    return in_order(messages.values())


def in_order(messages: Iterable[Message]) -> dict[Key, Message]:
    """By their English words."""
    order = sorted(messages, key=lambda m: (m.singular.casefold(), m.singular, m.context))
    return {message.key: message for message in order}
