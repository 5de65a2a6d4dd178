"""Kinds of files as words that stand on the model, so that a list need not look at its files.

A word is `format/precision`, either of which may be left open: `SafeTensor/fp16`, `SafeTensor/`,
`/fp16`. A model has the words of the cleared files of its public versions, and none without any.
Since base model and kind are asked of one version, each word stands there again with the key of
the version's base model before it: `7:SafeTensor/`.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple


class FileKind(NamedTuple):
    """Format and precision of a file, and the key of the base model of its version."""

    format: str
    precision: str
    base_id: int | None = None


def words_of(files: Iterable[FileKind]) -> list[str]:
    """The words of files; each once, in order."""
    return sorted({word for file in files for word in _forms(file)})


def words_for(
    formats: Collection[str], precisions: Collection[str], base_ids: Collection[int] | None = None
) -> list[str]:
    """Words of which a model must have one to have a file of these; empty means no matter.

    With `base_ids`, a file of a version with one of these base models.
    """
    words = [f"{kind}/{precision}" for kind in formats or [""] for precision in precisions or [""]]
    return words if base_ids is None else [f"{key}:{word}" for key in base_ids for word in words]


def _forms(file: FileKind) -> list[str]:
    words = (f"{file.format}/{file.precision}", f"{file.format}/", f"/{file.precision}")
    forms = [word for word in words if word != "/"]
    return forms + [f"{file.base_id}:{word}" for word in forms if file.base_id]
