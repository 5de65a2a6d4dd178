"""A second set of modules around the same base, with copies of what is trained.

Samples are drawn with it while the steps move the weights. What stays as it is, the base and its
packed convolutions, is shared; only adapters, words, networks or trained layers exist twice.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.components import Components
from training.engine.packed_convolution import PackedConvolution
from training.engine.text import CHUNK, TextConditioner


class Twin:
    """Draws with the weights of the last moment at which it was told to follow.

    Make it while the method evaluates: what drops values in steps must not drop them here.
    """

    def __init__(
        self,
        components: Components,
        conditioner: TextConditioner,
        trained: dict[str, nn.Parameter],
    ) -> None:
        self._live = trained
        self.components, self._own = _apart(components, trained)
        self.conditioner = TextConditioner(
            self.components,
            clip_skip=conditioner.clip_skip,
            max_tokens=conditioner.max_chunks * CHUNK,
        )
        self._side: Any = torch.cuda.Stream() if components.device == "cuda" else None

    @torch.no_grad()
    def follow(self, weights: dict[str, Tensor] | None = None) -> None:
        """Take over the weights of this moment, or others (a running average) by their names.

        Not while something is drawn with it.
        """
        source = self._live if weights is None else weights
        for name, own in self._own.items():
            own.copy_(source[name])
        self.conditioner.forget()
        if self._side is not None:
            self._side.wait_stream(torch.cuda.current_stream())

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draw beside the steps: on a GPU, on a stream of its own that no step waits for."""
        if self._side is None:
            yield
            return
        with torch.cuda.stream(self._side):
            yield
        self._side.synchronize()


def _apart(
    components: Components, trained: dict[str, nn.Parameter]
) -> tuple[Components, dict[str, nn.Parameter]]:
    """Return components of their own, and their copies of what is trained."""
    copied = {id(parameter) for parameter in trained.values()}
    memo: dict[int, Any] = {id(components.derived): components.derived}
    for module in components.modules():
        for tensor in (*module.parameters(), *module.buffers()):
            if id(tensor) not in copied:
                memo[id(tensor)] = tensor
        for part in module.modules():
            if isinstance(part, PackedConvolution):
                memo |= {id(kept): kept for kept in part.kept}
    twin = replace(
        components,
        unet=copy.deepcopy(components.unet, memo),
        text_encoders=copy.deepcopy(components.text_encoders, memo),
        tokenizers=copy.deepcopy(components.tokenizers),  # they are not to be used by two threads
        placeholders=dict(components.placeholders),  # samples may know other words for a while
    )
    return twin, {name: memo[id(parameter)] for name, parameter in trained.items()}
