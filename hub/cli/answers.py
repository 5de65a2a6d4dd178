"""What the hub says about versions and files, as far as this program needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

CLEARED = "Success"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the hub; `sha256` in lower case."""

    id: int
    version_id: int
    file_name: str
    sha256: str
    size_bytes: int
    kind: str
    format: str
    precision: str
    scan_status: str
    is_primary: bool
    download_url: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From a file of v2."""
        return cls(**{name: data[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """A version on the hub with its files: cleared ones first, of these the primary one."""

    id: int
    model_id: int
    model_name: str
    model_type: str
    name: str
    status: str
    base_model: str
    base_family: str
    trigger_words: tuple[str, ...]
    weight: float | None
    description: str
    files: tuple[RemoteFile, ...]
    covers: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From a version of v2."""
        plain = ("id", "model_id", "model_name", "model_type", "name", "status", "description")
        files = sorted(data["files"], key=_rank)
        return cls(
            **{name: data[name] for name in plain},
            base_model=data["base_model"] or "",
            base_family=data["base_family"] or "",
            trigger_words=tuple(data["trigger_words"]),
            weight=data["weight"]["default"],
            files=tuple(RemoteFile.read(row) for row in files),
            covers=tuple(data["covers"]),
        )


def _rank(row: Mapping[str, Any]) -> tuple[bool, bool, int]:
    return row["scan_status"] != CLEARED, not row["is_primary"], row["id"]
