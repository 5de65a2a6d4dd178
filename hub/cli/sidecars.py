"""Files beside a model file, as the community's tools write them.

`name.civitai.info` is the version as Civitai's API gives it, `name.json` the user metadata of
A1111, `name.sha256` a line for `sha256sum -c`; its pictures are in hub.cli.pictures.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.cli.answers import RemoteVersion
from hub.cli.carrying import KEY
from hub.cli.folders import is_lora
from hub.cli.pictures import MODEL_SUFFIXES, pictures_beside
from hub.formats.replaced_file import replaced_file

MAX_SIDECAR_BYTES = 16 << 20
NUMBERS_END = 1 << 63
SD_VERSIONS = {"sd1": "SD1", "sd2": "SD2", "sdxl": "SDXL"}


@dataclass(frozen=True, slots=True)
class Sidecars:
    """What lies beside a model file says about it; empty where it says nothing."""

    civitai: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Path, ...] = ()

    @property
    def model_name(self) -> str:
        """Name of the model."""
        return _text(_section(self.civitai, "model").get("name"))

    @property
    def model_type(self) -> str:
        """Type of the model in Civitai's words."""
        return _text(_section(self.civitai, "model").get("type"))

    @property
    def version_name(self) -> str:
        """Name of the version."""
        return _text(self.civitai.get("name"))

    @property
    def base_model(self) -> str:
        """Name of the base model."""
        return _text(self.civitai.get("baseModel"))

    @property
    def description(self) -> str:
        """What the version is for, as plain text of the user metadata."""
        return _text(self.user.get("description"))

    @property
    def trigger_words(self) -> tuple[str, ...]:
        """Words that call the model up."""
        words = self.civitai.get("trainedWords")
        if isinstance(words, list) and words:
            return tuple(word for word in map(_text, words) if word)
        activation = _text(self.user.get("activation text"))
        return tuple(word.strip() for word in activation.split(",") if word.strip())

    @property
    def weight(self) -> float | None:
        """Recommended multiplier; A1111 writes 0 for none."""
        value = self.user.get("preferred weight")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and value else None

    @property
    def carried(self) -> Mapping[str, Any]:
        """What another hub knew of it (see hub.cli.carrying) and no person has changed since."""
        facts = _section(self.civitai, KEY)
        version = _section(facts, "version")
        words = _words_in(version.get("trigger_word_sets"))
        changed = {
            "weight": self.weight not in (None, _section(version, "weight").get("default")),
            "description": self.description not in ("", _text(version.get("description"))),
            "trigger_word_sets": self.trigger_words not in ((), words),
        }
        kept = {name: value for name, value in version.items() if not changed.get(name)}
        return {**facts, "version": kept}

    @property
    def group(self) -> tuple[str, str]:
        """Ids of model and version where it came from: files that share them belong together."""
        return _text(self.civitai.get("modelId")), _text(self.civitai.get("id"))


def read_sidecars(model_file: Path) -> Sidecars:
    """What lies beside a model file; a damaged sidecar counts as none."""
    stem = model_file.with_suffix("")
    return Sidecars(
        civitai=_read_json(info_path(model_file)),
        user=_read_json(Path(f"{stem}.json")),
        pictures=pictures_beside(model_file),
    )


def write_sidecars(
    model_file: Path, version: RemoteVersion, sha256: str, civitai: Mapping[str, Any] | None
) -> list[Path]:
    """Write what is not there yet; a person's own notes are never overwritten."""
    stem = model_file.with_suffix("")
    texts = {
        Path(f"{stem}.sha256"): f"{sha256} *{model_file.name}\n",
        Path(f"{stem}.json"): _pretty(user_metadata(version)),
    }
    if civitai is not None:
        texts[info_path(model_file)] = _pretty(civitai)
    written = []
    for path, text in texts.items():
        if path.exists():
            continue
        with replaced_file(path) as out:
            out.write(text.encode())
        written.append(path)
    return written


def user_metadata(version: RemoteVersion) -> dict[str, Any]:
    """The card of A1111's extra networks: words and weight fill the prompt on a click."""
    card: dict[str, Any] = {
        "description": version.description,
        "sd version": SD_VERSIONS.get(version.base_family, "Unknown"),
        "activation text": ", ".join(version.trigger_words),
        "notes": f"{version.model_name} {version.name}",
    }
    if is_lora(version.model_type):
        card["preferred weight"] = version.weight or 0
    return card


def info_path(model_file: Path) -> Path:
    """Where the version as Civitai's tools know it goes."""
    return Path(f"{model_file.with_suffix('')}.civitai.info")


def model_files(folder: Path) -> list[Path]:
    """Model files below a folder, in order; hidden ones and unfinished downloads are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in MODEL_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MAX_SIDECAR_BYTES:
            return {}
        data = _sendable(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _sendable(value: Any) -> Any:
    """The same with nothing in it that no hub can be sent: half characters, NaN, huge numbers."""
    if isinstance(value, dict):
        return {_sendable(key): _sendable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_sendable(inner) for inner in value]
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, int | float) and not abs(value) < NUMBERS_END:
        return None
    return value


def _words_in(sets: object) -> tuple[str, ...]:
    """All words of named sets, in order."""
    rows = sets if isinstance(sets, list) else []
    lists = [row.get("words") for row in rows if isinstance(row, dict)]
    return tuple(_text(word) for words in lists if isinstance(words, list) for word in words)


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""


def _pretty(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
