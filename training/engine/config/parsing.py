"""Settings from a dict, and in plain words what is wrong with them. Torch-free."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from training.engine.errors import ConfigError

Settings = TypeVar("Settings", bound=BaseModel)


def parsed(schema: type[Settings], data: dict[str, Any], *, table: str = "") -> Settings:
    """Validate a dict; raises ConfigError with a sentence for each setting that does not fit.

    `table` is where these settings stand among others, for the sentences.
    """
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        lines = [_what_is_wrong(item, schema, table) for item in error.errors()]
        raise ConfigError("These settings do not fit. " + " ".join(lines)) from error


def _what_is_wrong(item: ErrorDetails, schema: type[BaseModel], table: str) -> str:
    """Return one problem in a sentence; a name that is none here with one that looks like it."""
    name = ".".join(filter(None, (table, *map(str, item["loc"]))))
    if item["type"] == "value_error":  # a sentence of ours, which names the settings itself
        said = item["msg"].removeprefix("Value error, ").rstrip(".")
        return f"{name}: {said}." if name and name not in said else f"{said}."
    if item["type"] != "extra_forbidden":
        return f"{name or 'settings'}: {item['msg']}."
    import difflib  # a hundredth of a second, for a mistake alone

    known: Any = schema
    for part in item["loc"][:-1]:
        known = known.model_fields[str(part)].annotation
    alike = difflib.get_close_matches(str(item["loc"][-1]), known.model_fields, 1)
    return f"{name}: there is no such setting{f'; {alike[0]} is meant, perhaps' if alike else ''}."
