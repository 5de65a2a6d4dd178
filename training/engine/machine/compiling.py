"""Letting torch compile the UNet, where the settings ask for it and the machine can.

Compiled steps are rounded otherwise than plain ones, and the same from run to run. Samples and
held-out pictures go the plain way: their shapes would each cost a compilation.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

COMPILERS = ("c++", "g++", "clang++", "cl")


def missing_for_compiling(
    device: str,
    *,
    has_package: Callable[[str], bool] | None = None,
    has_program: Callable[[str], bool] | None = None,
) -> str:
    """Return what a machine lacks for compiling on a device, in words; nothing where it can."""
    has_package = has_package or (lambda name: importlib.util.find_spec(name) is not None)
    has_program = has_program or (lambda name: shutil.which(name) is not None)
    if device == "cuda" and not has_package("triton"):
        return "the package triton is not installed"
    if device == "cpu" and not any(has_program(name) for name in COMPILERS):
        return "there is no C++ compiler"
    return ""


def compile_unet(unet: Any, *, backend: str = "inductor") -> None:
    """Compile a UNet in place: its parts keep their names and weights.

    Each bucket has a shape of its own, and fixed shapes give the fastest code.
    """
    torch._dynamo.config.cache_size_limit = 64  # one entry for each bucket and rung of the ladder
    unet.compile(backend=backend, dynamic=False)


@contextmanager
def plainly() -> Iterator[None]:
    """Run compiled parts as if they were not, for a while."""
    with torch.compiler.set_stance("force_eager"):
        yield
