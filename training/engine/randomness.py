"""Stateless randomness: every draw is a pure function of (seed, purpose, counters).

A counter-based generator (Philox) needs no state to be saved, so a resumed run draws exactly what
an uninterrupted one would have drawn. See docs/adr on stateless randomness.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

UINT64_MASK = 2**64 - 1


def generator(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """Return the generator for one purpose ("noise", "timestep", …) at up to three counters.

    Two different (seed, purpose, counters) never share a stream: the seed and the purpose are the
    key, the counters the upper words of the block counter.
    """
    if len(counters) > 3:
        raise ValueError("A draw has at most three counters.")
    word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    padded = (*counters, *(0,) * (3 - len(counters)))
    counter = np.array([0, *(value & UINT64_MASK for value in padded)], dtype=np.uint64)
    key = np.array([seed & UINT64_MASK, word], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normal(shape: tuple[int, ...], seed: int, purpose: str, *counters: int) -> torch.Tensor:
    """Return a float32 tensor of `shape` from the standard normal distribution, on the CPU."""
    import torch

    draws = generator(seed, purpose, *counters).standard_normal(shape, dtype=np.float32)
    return torch.from_numpy(draws)


def uniform(seed: int, purpose: str, *counters: int) -> float:
    """Return one number in [0, 1)."""
    return float(generator(seed, purpose, *counters).random())


def permutation(count: int, seed: int, purpose: str, *counters: int) -> list[int]:
    """Return the numbers 0 … count - 1 in an order that belongs to these counters."""
    return [int(value) for value in generator(seed, purpose, *counters).permutation(count)]


def torch_seed(seed: int, purpose: str, *counters: int) -> int:
    """Return a seed for torch's own generator, where a library draws from it (dropout, init)."""
    return int(generator(seed, purpose, *counters).integers(0, 2**63 - 1))
