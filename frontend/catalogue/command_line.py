"""Finds every sentence of the command line: its own, its help texts, and what is wrong with files.

Help texts need no call around them: they are what Typer takes as `help`, and the first paragraph of
each command, which is a function that takes --json.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from frontend.catalogue.extraction import COMMAND_LINE, Key, Message, in_order, messages_in

FORMATS = "hub/formats"
COMMAND_MARK = "as_json"


def collect_command_line(root: Path) -> dict[Key, Message]:
    """All messages that `atelier` prints, sorted by their English words."""
    messages: dict[Key, Message] = {}
    for folder in (COMMAND_LINE, FORMATS):
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            for text in _texts(path, with_help=folder == COMMAND_LINE):
                message = messages.setdefault(("", text), Message("", text))
                if name not in message.files:
                    message.files.append(name)
    return in_order(messages.values())


def _texts(path: Path, *, with_help: bool) -> Iterator[str]:
    yield from (singular for _context, singular, _plural in messages_in(path))
    if with_help:
        yield from help_texts(path.read_text("utf-8"))


def help_texts(source: str) -> Iterator[str]:
    """Every `help="…"` of a source, and what its commands say of themselves."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "help":
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                yield node.value.value
        elif isinstance(node, ast.FunctionDef) and _is_command(node):
            yield inspect.cleandoc(ast.get_docstring(node) or "")


def _is_command(node: ast.FunctionDef) -> bool:
    return any(argument.arg == COMMAND_MARK for argument in node.args.kwonlyargs)
