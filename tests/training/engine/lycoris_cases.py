"""Adapters with the same numbers in them for LyCORIS and for us, and what LyCORIS makes of them.

`python -m tests.training.engine.lycoris_cases` writes lycoris_numbers.json; it needs the package
lycoris-lora, which nothing else here does. A number is a value of what the layer
with its adapter gives, after the same layer without it was taken away.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
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
    "glora": {"algo": "glora"},
    "oft": {"algo": "diag-oft", "constraint": 0.01},
    "boft": {"algo": "boft", "lora_dim": 8},
    "boft, rescaled and limited": {
        "algo": "boft",
        "lora_dim": 8,
        "rescaled": True,
        "constraint": 0.01,
    },
    "boft, half": {"algo": "boft", "lora_dim": 8, "multiplier": 0.5},
}
LAYERS = {"linear": (24, 36), "conv": (24, 36, 3, 3)}
RANK, ALPHA = 2, 0.75
TABLE = Path(__file__).with_name("lycoris_numbers.json")


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


def known() -> dict[tuple[str, str], dict[str, Any]]:
    """Return what lycoris-lora 4.1.3 made: shapes, alpha and values by case and layer."""
    rows = json.loads(TABLE.read_text(encoding="utf-8"))
    for row in rows:
        row["shapes"] = {name: tuple(shape) for name, shape in row["shapes"].items()}
    return {(row["case"], row["layer"]): row for row in rows}


def by_lycoris(case: str, kind: str) -> dict[str, Any]:
    """Return what the package makes of a case now."""
    from lycoris.wrapper import network_module_dict  # type: ignore[import-not-found]

    options = {"lora_dim": RANK, "alpha": ALPHA, **CASES[case]}
    base = layer(kind)
    module = network_module_dict[options.pop("algo")]("x", base, **options)
    state = {name: tensor for name, tensor in module.state_dict().items() if name != "alpha"}
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    values = filled(shapes)
    module.load_state_dict({**values, "alpha": module.state_dict()["alpha"]}, strict=False)
    module.eval()
    given = probe(module(seen(kind)) - base(seen(kind)))
    alpha = float(module.alpha)
    return {"case": case, "layer": kind, "shapes": shapes, "alpha": alpha, "values": given}


@torch.no_grad()
def main() -> None:
    """Write the table again."""
    rows = [json.dumps(by_lycoris(case, kind)) for case in CASES for kind in LAYERS]
    TABLE.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
