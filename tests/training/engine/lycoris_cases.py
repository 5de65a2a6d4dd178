"""Adapters with the same numbers in them for LyCORIS and for us, and what LyCORIS makes of them.

`python -m tests.training.engine.lycoris_cases` prints the table NUMBERS of lycoris_numbers.py; it
needs the package lycoris-lora, which nothing else here does. A number is a value of what the layer
with its adapter gives, after the same layer without it was taken away.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

CASES: dict[str, dict[str, Any]] = {
    "locon": {"algo": "locon"},
    "locon, tucker": {"algo": "locon", "use_tucker": True},
    "dora by input": {"algo": "locon", "weight_decompose": True, "wd_on_out": False},
    "dora by output": {"algo": "locon", "weight_decompose": True},
    "loha": {"algo": "loha"},
    "loha, tucker": {"algo": "loha", "use_tucker": True},
    "loha, dora": {"algo": "loha", "weight_decompose": True},
    "lokr": {"algo": "lokr"},
    "lokr, factor 12": {"algo": "lokr", "factor": 12},
    "lokr, factor 4": {"algo": "lokr", "factor": 4},
    "lokr, whole": {"algo": "lokr", "lora_dim": 16},
    "lokr, full matrix": {"algo": "lokr", "full_matrix": True},
    "lokr, both": {"algo": "lokr", "decompose_both": True, "lora_dim": 1},
    "lokr, tucker": {"algo": "lokr", "use_tucker": True, "lora_dim": 1},
}
LAYERS = {"linear": (24, 36), "conv": (24, 36, 3, 3)}
RANK, ALPHA = 2, 0.75


def numbers(shape: tuple[int, ...], start: float, spread: float = 0.4) -> torch.Tensor:
    """Return a tensor of known numbers, the same with every version of torch."""
    count = math.prod(shape)
    return (torch.sin(torch.arange(count, dtype=torch.float64) * 1.7 + start) * spread).to(
        torch.float32
    ).view(shape)  # fmt: skip


def layer(kind: str) -> nn.Linear | nn.Conv2d:
    """Return a frozen layer with known weights."""
    shape = LAYERS[kind]
    out, inside, *kernel = shape
    made: nn.Linear | nn.Conv2d = nn.Linear(inside, out)
    if kernel:
        made = nn.Conv2d(inside, out, kernel[0], padding=1)
    made.requires_grad_(requires_grad=False)
    made.weight.copy_(numbers(shape, 0.3))
    made.bias.zero_()
    return made


def seen(kind: str) -> torch.Tensor:
    """Return what goes into the layer."""
    inside = LAYERS[kind][1]
    return numbers((1, 3, inside) if kind == "linear" else (1, inside, 4, 4), 2.0, 1.0)


def filled(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Return known numbers for the tensors of an adapter, each by its place among their names."""
    return {
        name: numbers(shape, float(place))
        for place, (name, shape) in enumerate(sorted(shapes.items()))
    }


def probe(output: torch.Tensor) -> list[float]:
    """Return six values from all over an output."""
    flat = output.detach().flatten()
    return [float(f"{float(flat[len(flat) * place // 6]):.6g}") for place in range(6)]


def by_lycoris(case: str, kind: str) -> dict[str, Any]:
    """Return what the package makes of a case: shapes, alpha, and values of the output."""
    from lycoris.wrapper import network_module_dict  # type: ignore[import-not-found]

    options = {"lora_dim": RANK, "alpha": ALPHA, **CASES[case]}
    base = layer(kind)
    module = network_module_dict[options.pop("algo")]("x", base, **options)
    state = {name: tensor for name, tensor in module.state_dict().items() if name != "alpha"}
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    values = filled(shapes)
    module.load_state_dict({**values, "alpha": module.state_dict()["alpha"]}, strict=False)
    module.eval()
    given = base(seen(kind))
    return {
        "shapes": shapes,
        "alpha": float(module.alpha),
        "values": probe(module(seen(kind)) - given),
    }


def main() -> None:
    """Print the table."""
    with torch.no_grad():
        for case in CASES:
            for kind in LAYERS:
                print(f"    ({case!r}, {kind!r}): {by_lycoris(case, kind)},")  # noqa: T201


if __name__ == "__main__":
    main()
