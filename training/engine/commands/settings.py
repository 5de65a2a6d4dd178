"""The command that lists every setting with its help, a file to begin with. Torch-free."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from training.engine.commands.arguments import add_command
from training.engine.config.train import TrainConfig
from training.engine.toml_text import toml_text

if TYPE_CHECKING:
    from training.engine.commands.arguments import Commands

WIDTH = 98
LIMITS = (("ge", "from {}"), ("gt", "above {}"), ("le", "to {}"), ("lt", "below {}"))


def add_commands(commands: Commands) -> None:
    """Add settings."""
    add_command(
        commands,
        "settings",
        _print,
        "List every setting with its help, range and default, as TOML.",
    )


def _print(_options: argparse.Namespace) -> int:
    sys.stdout.write("\n".join(setting_lines(TrainConfig())) + "\n")
    return 0


def setting_lines(config: BaseModel, table: str = "") -> Iterator[str]:
    """Yield a TOML file of the defaults with help above each; what is empty stays a comment."""
    inner: list[tuple[str, BaseModel, str]] = []
    if table:
        yield f"[{table}]"
    own = type(config).__annotations__  # a class's own settings come before those it takes over
    fields = type(config).model_fields
    for name in sorted(fields, key=lambda name: name not in own):
        described = fields[name]
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            inner.append((name, value, described.description or ""))
            continue
        yield from textwrap.wrap(
            _help(described), WIDTH, initial_indent="# ", subsequent_indent="# "
        )
        yield _assignment(name, value)
    for name, section, text in inner:
        yield ""
        yield f"# {text}"
        yield from setting_lines(section, name)


def _assignment(name: str, value: Any) -> str:
    if value is None:
        return f"# {name} ="
    return toml_text({name: value}).rstrip() if not isinstance(value, dict) else f"{name} = {{}}"


def _help(described: FieldInfo) -> str:
    """Return the sentence of a setting with its unit, limits and choices."""
    unit = _told(described, "unit", "")
    found = [
        pattern.format(f"{getattr(limit, name):.12g}")
        for name, pattern in LIMITS
        for limit in described.metadata
        if getattr(limit, name, None) is not None
    ]
    words = [*getattr(described.annotation, "__args__", ()), *_told(described, "enum", [])]
    choices = [str(word) for word in words if _is_word(word)]
    more = [*([unit] if unit else []), *([" ".join(found)] if found else []), *choices]
    return f"{described.description} ({', '.join(more)})" if more else str(described.description)


def _told(described: FieldInfo, name: str, otherwise: Any) -> Any:
    extra = described.json_schema_extra
    return extra.get(name, otherwise) if isinstance(extra, dict) else otherwise


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, type)
