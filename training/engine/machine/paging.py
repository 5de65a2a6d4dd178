"""Letting go of memory that can be read from a file again."""

from __future__ import annotations

import ctypes
import mmap
import sys

import torch

MADV_PAGEOUT = 21  # Linux 5.4 and later; others refuse the call, and nothing happens


def page_out(tensor: torch.Tensor) -> None:
    """Tell the system that a tensor on the CPU is not needed for a while.

    Values are never lost: pages that are mapped from a file are dropped and read again when they
    are next used, all others stay where they are (or go to swap, where there is some).
    """
    if tensor.device.type != "cpu" or not sys.platform.startswith("linux"):
        return
    start = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > start:
        libc = ctypes.CDLL(None)
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_PAGEOUT)


def page_out_module(module: torch.nn.Module) -> None:
    """Do the same for all weights of a module."""
    for parameter in module.parameters():
        page_out(parameter.detach())
