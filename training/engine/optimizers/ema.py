"""A running average of trained weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Ema:
    """Averages parameters by name; early steps count more, so that it follows at once."""

    def __init__(self, parameters: dict[str, torch.nn.Parameter], decay: float) -> None:
        self._parameters = parameters
        self._decay = decay
        self.average = {name: p.detach().clone() for name, p in parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step counted from 0."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(
            list(self.average.values()), list(self._parameters.values()), 1 - decay
        )

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the average in the place of the weights for a while."""
        kept = {name: p.detach().clone() for name, p in self._parameters.items()}
        self.load_into(self.average)
        try:
            yield
        finally:
            self.load_into(kept)

    @torch.no_grad()
    def load_into(self, tensors: dict[str, torch.Tensor]) -> None:
        """Copy tensors over the weights."""
        for name, parameter in self._parameters.items():
            parameter.copy_(tensors[name])

    @torch.no_grad()
    def load_state_dict(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take over a saved average."""
        for name, value in self.average.items():
            value.copy_(tensors[name])
