"""Names: slugs for addresses, file names for disks, words for the search index."""

import re
import secrets
from collections.abc import Iterable
from functools import lru_cache

from django.utils.text import slugify
from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from models_registry.models.model import Model

NAME_CHARACTERS = 120
SLUG_CHARACTERS = 100
RESERVED_SLUGS = frozenset(
    {"upload", "versions", "new", "import", "imports", "files", "comments", "export"}
)  # they are pages
FILE_NAME_BYTES = 200
FORBIDDEN_IN_FILES = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029<>:"/\\|?*]')
#: Signs that turn the direction of writing or cannot be seen: `a\u202Egnp.exe` reads as a picture.
UNSEEN = re.compile(r"[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
#: Orders to a terminal, on which names are shown too. White space is none of them.
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
DEVICES = re.compile(r"(?:aux|con|nul|prn|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
SUFFIX_BYTES = 32


def clean_name(text: str, *, limit: int = NAME_CHARACTERS) -> str:
    """One line without doubled spaces; raises Invalid when nothing is left or it is too long."""
    name = " ".join(CONTROLS.sub("", UNSEEN.sub("", text)).split())
    if not name:
        raise Invalid(_("A name is needed."), code="name_missing")
    if len(name) > limit:
        raise Invalid(
            _("This name has %(length)s characters; the limit is %(limit)s.")
            % {"length": len(name), "limit": limit},
            code="name_too_long",
        )
    return name


def free_slug(name: str) -> str:
    """A slug that no model has; names without Latin letters get a short random one."""
    base = slugify(name)[:SLUG_CHARACTERS].strip("-_") or f"model-{secrets.token_hex(3)}"
    if base.isdigit():
        base = f"model-{base}"  # an address with a bare number names a model by its id
    taken = set(Model.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    taken |= RESERVED_SLUGS
    if base not in taken:
        return base
    number = next(n for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)
    return f"{base}-{number}"


@lru_cache(maxsize=4096)  # lists name thousands of files, and the same ones again and again
def clean_file_name(text: str) -> str:
    """The last part of a path, fit for any disk; keeps every script and the extension."""
    last = UNSEEN.sub("", _last_part(text.replace("\\", "/")))
    name = FORBIDDEN_IN_FILES.sub("_", last).strip(" .") or "file"
    if DEVICES.match(name):  # a name that Windows opens as a device
        name = f"_{name}"
    stem, suffix = stem_and_suffix(name)
    if len(suffix.encode()) > SUFFIX_BYTES:
        stem, suffix = name, ""
    room = FILE_NAME_BYTES - len(suffix.encode())
    return stem.encode()[: max(room, 1)].decode(errors="ignore") + suffix


def stem_and_suffix(path: str) -> tuple[str, str]:
    """Those of the last part of a path, as pathlib has them; a Path for each file would be slow."""
    name = _last_part(path)
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if 0 < dot < len(name) - 1 else (name, "")


def _last_part(path: str) -> str:
    parts = (part for part in reversed(path.split("/")) if part not in {"", "."})
    return next(parts, "")


def clean_words(words: Iterable[str], *, limit: int = 300) -> list[str]:
    """Trigger words or tags in order, without blanks, doubles and trailing commas."""
    kept: dict[str, None] = {}
    for word in words:
        text = " ".join(CONTROLS.sub("", word).strip(" ,，、\t\r\n").split())[:limit]
        if text:
            kept.setdefault(text)
    return list(kept)
