"""The one resumable state of a run: a single safetensors file, replaced at once.

Holds the trained weights, the optimizer, the average, the scaler and the step. Random draws need
no state: they are functions of the step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from training.engine.errors import StateError
from training.engine.files.file_writing import whole_file

STATE_VERSION = 1


@dataclass
class Position:
    """Where a run stands; the loss figures are of the epoch at hand."""

    step: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    version: int = STATE_VERSION
    method: str = ""
    scalars: dict[str, Any] = field(default_factory=dict)


def state_of_now(
    position: Position,
    *,
    weights: dict[str, torch.Tensor],
    average: dict[str, torch.Tensor] | None,
    optimizer: torch.optim.Optimizer,
    scaler: dict[str, Any],
    copied: bool = True,
) -> Callable[[Path], None]:
    """Take the state of this moment and return what writes it whole, over the last one.

    With `copied` the steps may go on before it is written; without, large tensors are not copied.
    """
    tensors = {f"weights/{name}": tensor for name, tensor in weights.items()}
    tensors |= {f"average/{name}": tensor for name, tensor in (average or {}).items()}
    moments, scalars = _optimizer_parts(optimizer)
    tensors |= moments
    position.scalars = {"optimizer": scalars, "scaler": scaler}
    taken = {n: t.detach().to("cpu", copy=copied).contiguous() for n, t in tensors.items()}
    described = {"position": json.dumps(asdict(position))}

    def write(path: Path) -> None:
        with whole_file(path) as beside:
            save_file(taken, beside, metadata=described)

    return write


def state_bytes(method_bytes: int, *, average: bool) -> int:
    """Return about how much memory a copy of a state takes: weights, average and two moments."""
    return method_bytes * (4 if average else 3)


@dataclass(frozen=True)
class SavedState:
    """A state read from disk."""

    position: Position
    tensors: dict[str, torch.Tensor]

    def part(self, name: str) -> dict[str, torch.Tensor]:
        """Return the tensors of one part (weights, average) under their own names."""
        start = f"{name}/"
        return {k.removeprefix(start): v for k, v in self.tensors.items() if k.startswith(start)}

    def load_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        """Put the optimizer where it was."""
        described = optimizer.state_dict()
        scalars = self.position.scalars["optimizer"]
        state: dict[int, dict[str, Any]] = {}
        for key, tensor in self.part("optimizer").items():
            number, _, name = key.partition("/")
            state.setdefault(int(number), {})[name] = tensor
        for key, value in scalars["state"].items():
            number, _, name = key.partition("/")
            state.setdefault(int(number), {})[name] = value
        for group, values in zip(described["param_groups"], scalars["groups"], strict=True):
            group.update(values)
        optimizer.load_state_dict({"state": state, "param_groups": described["param_groups"]})


def load_state(path: Path, *, method: str) -> SavedState | None:
    """Read the state of a run, or None where there is none. Raises StateError."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            position = Position(**json.loads(file.metadata()["position"]))
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"The saved state of this run cannot be read: {error}") from error
    if position.version != STATE_VERSION or position.method != method:
        raise StateError(
            "The saved state was made by another method or version of the engine. "
            "Start again in an empty folder."
        )
    return SavedState(position, tensors)


def saved_step(path: Path) -> int:
    """Return how many steps the state of a run holds; 0 where there is none, or none readable."""
    try:
        with safe_open(path, framework="pt") as file:
            return int(json.loads(file.metadata()["position"])["step"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return 0


def _optimizer_parts(
    optimizer: torch.optim.Optimizer,
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    described = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    scalars: dict[str, Any] = {}
    for number, values in described["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer/{number}/{name}"] = value
            else:
                scalars[f"{number}/{name}"] = value
    plain = (int, float, bool)
    groups = [
        {k: v for k, v in group.items() if k not in ("params", "lr") and isinstance(v, plain)}
        for group in described["param_groups"]
    ]
    return tensors, {"state": scalars, "groups": groups}
