"""Whether bytes are plain text that nothing runs."""

import re
from io import BytesIO
from urllib.parse import unquote_to_bytes

from hub.formats.disguises import DisguiseError, check_single_nature
from hub.formats.errors import Problem

TEXT_SAMPLE_BYTES = 1 << 20
# Files that a double click, an interpreter or a WebUI's extension loader would run.
ACTIVE_SUFFIXES = (
    *(".action", ".app", ".application", ".appref-ms", ".bash", ".bat", ".chm", ".cmd", ".com"),
    *(".command", ".cpl", ".csh", ".desktop", ".dll", ".dylib", ".exe", ".fish", ".gadget", ".hta"),
    *(".htm", ".html", ".inf", ".iqy", ".jar", ".job", ".js", ".jse", ".ksh", ".library-ms"),
    *(".lnk", ".mht", ".mhtml", ".mjs", ".msc", ".msi", ".php", ".pif", ".pl", ".ps1", ".psm1"),
    *(".py", ".pyc", ".pyd", ".pyw", ".rb", ".reg", ".run", ".scf", ".scr", ".sct"),
    *(".search-ms", ".settingcontent-ms", ".sh", ".slk", ".so", ".svg", ".svgz", ".terminal"),
    *(".url", ".vb", ".vbe", ".vbs", ".workflow", ".wsc", ".wsf", ".wsh", ".xht", ".xhtml"),
    *(".xll", ".zsh"),
)
# What YAML's full loaders turn into calls.
YAML_CALLS = ("!!python/", "tag:yaml.org,2002:python/")
# Gives tags other names, behind which such a call can hide.
YAML_RENAMES = re.compile(rb"%TAG[ \t]+!")
# How a page, a drawing or a script begins that something runs, whatever the file is called.
ACTIVE_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*"
    rb"(<!doctype\s+(?:html|svg)|<html|<svg|<script|<iframe|<\?php|%!PS)\b",
    re.IGNORECASE | re.DOTALL,
)
LOOK_AT_START = 4096
ACTIVE_TEXT = Problem(
    "text_is_active",
    "The text begins with {start!r}, so it is a page or a script that a program would run, "
    "whatever its name says. Take it out.",
)
YAML_CALL = Problem(
    "text_calls_python",
    "The text holds {tag!r}, which makes some programs call Python when they read it as YAML. "
    "Take it out.",
)


def is_active_name(name: str) -> bool:
    """Whether something would run a file of this name; dots and spaces at its end do not count."""
    return name.rstrip(" .").lower().endswith(ACTIVE_SUFFIXES)


def is_text(sample: bytes) -> bool:
    """Whether a sample from the start of a file is UTF-8 text without control characters."""
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError as error:
        # A sample may end inside a character; anything earlier is not text.
        if len(sample) < TEXT_SAMPLE_BYTES or error.start < len(sample) - 3:
            return False
        text = sample[: error.start].decode("utf-8")
    return bool(text) and not any(c < " " and c not in "\t\n\r\f" for c in text)


def check_text(data: bytes) -> None:
    """Raise DisguiseError when text would run something in the programs that read such files."""
    check_single_nature(BytesIO(data))
    active = ACTIVE_START.match(data[:LOOK_AT_START])
    if active:
        raise DisguiseError(ACTIVE_TEXT, start=active[1].decode("ascii"))
    plain = unquote_to_bytes(data)  # tags may be written as in addresses: %70ython
    tag = next((tag for tag in YAML_CALLS if tag.encode() in data or tag.encode() in plain), "")
    if YAML_RENAMES.search(data):
        tag = tag or "%TAG"
    if tag:
        raise DisguiseError(YAML_CALL, tag=tag)
