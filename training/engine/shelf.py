"""The last base model, kept for the next run of the same process.

A run gets modules of its own whose parameters share the memory of the kept ones, so what a method
adds to them (adapters, words, networks) never reaches the next run. The kept weights are read only:
after each run torch's count of writes and some values of each weight are compared with those
before, and where they differ, the base is dropped.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from training.engine.components import Components

LOOKED_AT = 64  # first values of each weight: what writes into one writes everywhere


@dataclass
class _Kept:
    key: Hashable
    components: Components
    marks: list[tuple[int, float]] = field(default_factory=list)

    def look(self) -> list[tuple[int, float]]:
        """Return how often each weight has been written to, and a sum over some of its values.

        Fused kernels write without counting; they write everywhere, which the sum shows.
        """
        tensors = _tensors(self.components)
        sums = [_some(tensor).double().abs().sum() for tensor in tensors]
        values = torch.stack([value.cpu() for value in sums]).tolist()
        return [(tensor._version, value) for tensor, value in zip(tensors, values, strict=True)]


class Shelf:
    """Holds at most one base model; another one, or a run that wrote into it, takes its place."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def take(self, key: Hashable, load: Callable[[], Components]) -> Components:
        """Return components of a run's own; `load` is called where another base was kept."""
        if self._kept is not None and self._kept.key != key:
            self._kept = None  # before the next one is loaded: two may not fit
        if self._kept is None:
            kept = _Kept(key, load())
            kept.marks = kept.look()
            self._kept = kept
        return _sharing(self._kept.components)

    def check(self) -> bool:
        """Drop a base that the last run has written into; tell whether one is still kept."""
        kept = self._kept
        if kept is not None and kept.look() != kept.marks:
            self._kept = None
        return self._kept is not None

    def clear(self) -> None:
        """Drop what is kept."""
        self._kept = None


def _tensors(components: Components) -> list[Tensor]:
    chains = (itertools.chain(m.parameters(), m.buffers()) for m in components.modules())
    return list(itertools.chain.from_iterable(chains))


def _some(tensor: Tensor) -> Tensor:
    return tensor.detach().flatten()[:LOOKED_AT]


def _sharing(components: Components) -> Components:
    """Return components with modules of their own around the same weights."""
    encoders = [_sharing_module(encoder) for encoder in components.text_encoders]
    return replace(
        components,
        unet=_sharing_module(components.unet),
        vae=_sharing_module(components.vae),
        text_encoders=encoders,
        scheduler_config=dict(components.scheduler_config),
        placeholders={},
    )


def _sharing_module(module: nn.Module) -> nn.Module:
    memo: dict[int, object] = {}
    for parameter in module.parameters():
        shared = nn.Parameter(parameter.detach(), requires_grad=False)
        memo[id(parameter)] = shared
    for buffer in module.buffers():
        memo[id(buffer)] = buffer.detach()
    copied: nn.Module = copy.deepcopy(module, memo)
    return copied


def give_memory_back() -> None:
    """Return what a run has freed to the machine, so that a waiting process is small."""
    import ctypes
    import gc

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; other libraries have none
    if trim is not None:
        trim(0)
