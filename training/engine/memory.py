"""Telling an exhausted memory from any other error."""

from __future__ import annotations

import torch

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
