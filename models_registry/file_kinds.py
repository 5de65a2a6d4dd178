"""Kinds of files as words that stand on the model, so that a list need not look at its files.

A word is `format/precision`, either of which may be left open: `SafeTensor/fp16`, `SafeTensor/`,
`/fp16`. A model has the words of the cleared files of its public versions, and none without any.
"""

from collections.abc import Collection, Iterable


def words_of(files: Iterable[tuple[str, str]]) -> list[str]:
    """The words of files, given as format and precision; each once, in order."""
    words = {word for kind, precision in files for word in _forms(kind, precision)}
    return sorted(words - {"/"})


def words_for(formats: Collection[str], precisions: Collection[str]) -> list[str]:
    """Words of which a model must have one to have a file of these; empty means no matter."""
    return [f"{kind}/{precision}" for kind in formats or [""] for precision in precisions or [""]]


def _forms(kind: str, precision: str) -> tuple[str, ...]:
    return (f"{kind}/{precision}", f"{kind}/", f"/{precision}")
