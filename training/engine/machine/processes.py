"""Several processes that train one model: `accelerate launch -m training.engine train run.toml`.

Each takes its share of the pictures of a step. Every draw belongs to a picture's place in the step
(docs/adr/0004), so n processes take the same step as one with an n times larger batch, but for the
order in which sums are rounded. The first process alone writes the run folder and is asked what to
do; the others follow it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

CHUNK = 2**24  # values that are summed in one message
PATIENCE = timedelta(hours=12)  # the others wait while the first one samples or validates


class Processes:
    """One process alone: nothing to share."""

    rank = 0
    count = 1

    @property
    def is_first(self) -> bool:
        """Tell whether this process writes the run folder."""
        return self.rank == 0

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Make the gradients of all processes their sum."""

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes."""
        return value

    def agree(self, value: Any) -> Any:
        """Return the value of the first process."""
        return value

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Let the first process go ahead, so that the others find what it cached."""
        yield

    @contextmanager
    def folder(self, path: Path) -> Iterator[Path]:
        """Give the folder that this process writes: the run's own, or one that is thrown away."""
        yield path


ALONE = Processes()


class Together(Processes):
    """One of several processes, with messages over torch.distributed."""

    def __init__(self, rank: int, count: int) -> None:
        from torch import distributed

        self.rank = rank
        self.count = count
        self._distributed: Any = distributed
        # What is agreed on lies in the machine's memory: asking must not make a GPU wait.
        self._words: Any = distributed.new_group(backend="gloo", timeout=PATIENCE)

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Make the gradients of all processes their sum, a part without pictures counting as 0."""
        moving = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in moving:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for some in _chunks(moving):
            flat = torch.cat([parameter.grad.flatten() for parameter in some])
            self._distributed.all_reduce(flat)
            places = flat.split([parameter.numel() for parameter in some])
            for parameter, place in zip(some, places, strict=True):
                parameter.grad.copy_(place.view_as(parameter))

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes."""
        total = value.clone()
        self._distributed.all_reduce(total)
        return total

    def agree(self, value: Any) -> Any:
        """Return the value of the first process."""
        told = [value]
        self._distributed.broadcast_object_list(told, src=0, group=self._words)
        return told[0]

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Let the first process go ahead, so that the others find what it cached."""
        if not self.is_first:
            self._distributed.barrier(group=self._words)
        yield
        if self.is_first:
            self._distributed.barrier(group=self._words)

    @contextmanager
    def folder(self, path: Path) -> Iterator[Path]:
        """Give the folder that this process writes: the run's own, or one that is thrown away."""
        if self.is_first:
            yield path
        else:
            with tempfile.TemporaryDirectory(prefix="atelier-train-") as aside:
                yield Path(aside)


def _chunks(parameters: list[torch.nn.Parameter]) -> Iterator[list[Any]]:
    some: list[Any] = []
    size = 0
    for parameter in parameters:
        if some and size + parameter.numel() > CHUNK:
            yield some
            some, size = [], 0
        some.append(parameter)
        size += parameter.numel()
    if some:
        yield some


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """Give this process its place among those that a launcher started; alone where none did.

    `device` is the one of the settings: auto, cpu or cuda.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count <= 1:
        yield ALONE
        return
    from accelerate import PartialState

    on_cpu = device == "cpu" or not torch.cuda.is_available()
    state = PartialState(cpu=on_cpu, timeout=PATIENCE)
    try:
        yield Together(state.process_index, state.num_processes)
    finally:
        state.destroy_process_group()
