"""Telling a full disk from other errors, whatever words a library has for it. Torch-free."""

from __future__ import annotations

import errno

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# safetensors names the system's number in its text, torch's zip writer only where it failed.
RUST_WORDS = tuple(f"(os error {number})" for number in sorted(FULL))
TORCH_WORDS = "inline_container.cc"
MESSAGE = (
    "The disk is full: {error}. The last saved state is kept. Make room on the disk that holds the "
    "run folder, then let the run go on."
)


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that a disk takes no more."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    text = str(error)
    if any(words in text for words in (*RUST_WORDS, TORCH_WORDS)):
        return True
    cause = error.__cause__ or error.__context__
    return cause is not None and is_full(cause)
