"""Telling an exhausted memory from any other error, and going on with less."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Made = TypeVar("Made")
NO_MORE = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a device, or the machine itself, had no more memory to give."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in NO_MORE)
    )


def let_go(device: str) -> None:
    """Give memory that is kept for later back to the device."""
    if device == "cuda":
        torch.cuda.empty_cache()


def going_on(attempt: Callable[[], Made], give_way: Callable[[str], None]) -> Made:
    """Return what an attempt returns; where memory runs out, give way and attempt it again.

    `give_way` gets the error's text, and raises OutOfMemoryError where nothing is left to give.
    """
    while True:
        try:
            return attempt()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            reason = str(error)
        give_way(reason)  # outside the handler, which would keep the tensors alive
