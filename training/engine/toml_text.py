"""Write plain data as TOML text (the standard library only reads it)."""

from __future__ import annotations

import json
from typing import Any


def toml_text(data: dict[str, Any]) -> str:
    """Return `data` as TOML: plain values first, then one table for each inner dict.

    Values may be str, bool, int, float and lists of them; inner dicts one level deep.
    """
    lines = [
        f"{key} = {_value(value)}" for key, value in data.items() if not isinstance(value, dict)
    ]
    for key, table in data.items():
        if isinstance(table, dict):
            lines += ["", f"[{key}]"]
            lines += [f"{name} = {_value(value)}" for name, value in table.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{_value(str(name))} = {_value(item)}" for name, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    raise TypeError(f"{type(value).__name__} has no form in TOML")
