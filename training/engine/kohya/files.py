"""Files of settings for kohya's scripts, with the files that they name."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.engine.errors import ConfigError
from training.engine.kohya.data_sets import read_data_sets
from training.engine.kohya.interfaces import from_page, from_tables, is_in_tables, is_of_page
from training.engine.kohya.prompt_files import read_prompt_file
from training.engine.kohya.reading import KohyaImport, from_kohya


def read_kohya_file(path: Path) -> KohyaImport:
    """Read a settings file of kohya's scripts, or of an interface to them.

    Raises ConfigError where it is neither TOML nor JSON, or its values are of other kinds.
    """
    try:
        return _read_whole(path)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{path.name} has a value of another kind than kohya's scripts take: {error}"
        ) from error


def _read_whole(path: Path) -> KohyaImport:
    """Read a file with the files that it names."""
    flat, report = _in_words_of_scripts(_read(path))
    prompts, dataset = flat.get("sample_prompts"), flat.get("dataset_config")
    if isinstance(prompts, str) and (path.parent / prompts).is_file():
        flat["sample_prompts"] = read_prompt_file(path.parent / prompts)
    if isinstance(dataset, str) and (path.parent / dataset).is_file():
        flat |= _read(path.parent / dataset)
        del flat["dataset_config"]
    if "datasets" in flat:
        known, lost = read_data_sets(flat)
        named = {name: v for name, v in flat.items() if name not in ("general", "datasets")}
        flat, report = {**named, **known}, [*report, *lost]
    found = from_kohya(flat)
    return KohyaImport(found.settings, (*found.report, *report))


def _in_words_of_scripts(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return settings as one table, and a sentence for what an interface has beyond them."""
    if is_of_page(data):
        return from_page(data)
    return from_tables(data) if is_in_tables(data) else _flat(data), []


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return dict(json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path.name} is neither TOML nor JSON: {error}") from error


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    return flat
