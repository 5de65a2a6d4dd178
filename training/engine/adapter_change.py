"""What the tensors of an adapter file do to a weight.

LoRA, LoCon, LoHa, LoKr, full, norms, DoRA; OFT, BOFT, IA3 and GLoRA, whose change depends on the
weight.
The forms are told apart by the names of their tensors, as every tool does.
https://github.com/KohakuBlueleaf/LyCORIS/blob/main/docs/Algo-Details.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

Parts = Mapping[str, torch.Tensor]
BUTTERFLY_AXES = 4  # of the blocks of BOFT; those of OFT have three


class UnknownAdapterError(ValueError):
    """The tensors of a layer are of no form that is known here."""


def split_name(name: str) -> tuple[str, str]:
    """Return the layer and the part that a tensor's name stands for."""
    layer, _, part = name.partition(".")
    return layer, part


def weight_change(parts: Parts, weight: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
    """Return what an adapter at a strength adds to a weight, in float32 and in its shape.

    Raises UnknownAdapterError for tensors of another form, or of another shape than the weight.
    """
    if "oft_blocks" in parts and parts["oft_blocks"].ndim == BUTTERFLY_AXES:
        return _rotated_in_rounds(parts, weight.float(), strength)
    change = _change_at_full_strength(parts, weight)
    return change if strength == 1 else change * strength


def _change_at_full_strength(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    for mark, of_weight in OF_WEIGHT.items():
        if mark in parts:
            return of_weight(parts, weight.float())
    change = plain_change(parts)
    if change.numel() != weight.numel():
        raise UnknownAdapterError(
            f"it changes {tuple(change.shape)} and the layer is {tuple(weight.shape)}"
        )
    change = change.reshape(weight.shape)
    if "dora_scale" not in parts:
        return change
    full = weight.float()
    return _rescaled(full + change, parts["dora_scale"].float()) - full


def plain_change(parts: Parts) -> torch.Tensor:
    """Return the change before any DoRA scale, in float32 and in the adapter's own shape."""
    if "lora_down.weight" in parts:
        return _low_rank(parts)
    if "hada_w1_a" in parts:
        return _hadamard(parts)
    if "lokr_w1" in parts or "lokr_w1_a" in parts:
        return _kronecker(parts)
    for whole in ("diff", "w_norm"):
        if whole in parts:
            return parts[whole].float()
    raise UnknownAdapterError(f"its tensors are {', '.join(sorted(parts))}")


def bias_change(parts: Parts) -> torch.Tensor | None:
    """Return what an adapter at strength 1 adds to a bias, in float32; None where it has none."""
    found = parts.get("diff_b", parts.get("b_norm"))
    return None if found is None else found.float()


def scale_of(parts: Parts, rank: int) -> float:
    """Return alpha divided by rank; no alpha, or 0, means the rank itself."""
    alpha = parts.get("alpha")
    return (float(alpha) or float(rank)) / rank if alpha is not None else 1.0


def _low_rank(parts: Parts) -> torch.Tensor:
    down, up = parts["lora_down.weight"].float(), parts["lora_up.weight"].float()
    scale = scale_of(parts, len(down))
    if "lora_mid.weight" in parts:
        return scale * _with_core(up, parts["lora_mid.weight"].float(), down)
    product = scale * (up.flatten(1) @ down.flatten(1))
    return product.view(len(up), *down.shape[1:])


def _with_core(up: torch.Tensor, core: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """Return Tucker's product of a convolution between two that only mix channels."""
    return torch.einsum("op,pqhw,qi->oihw", up.flatten(1), core, down.flatten(1))


def _hadamard(parts: Parts) -> torch.Tensor:
    first = _product(parts, "hada_w1_a", "hada_w1_b", "hada_t1")
    second = _product(parts, "hada_w2_a", "hada_w2_b", "hada_t2")
    return first * second * scale_of(parts, len(parts["hada_w1_b"]))


def _kronecker(parts: Parts) -> torch.Tensor:
    rank = 0
    factors = []
    for number in "12":
        whole = parts.get(f"lokr_w{number}")
        if whole is None:
            first, second = f"lokr_w{number}_a", f"lokr_w{number}_b"
            rank = len(parts[second])
            factors.append(_product(parts, first, second, f"lokr_t{number}"))
        else:
            factors.append(whole.float())
    left, right = factors
    if right.ndim == 4 and left.ndim == 2:
        left = left[:, :, None, None]
    product = torch.kron(left.contiguous(), right.contiguous())
    return product * scale_of(parts, rank) if rank else product


def _product(parts: Parts, left: str, right: str, core: str) -> torch.Tensor:
    a, b = parts[left].float(), parts[right].float()
    if core in parts:
        return torch.einsum("ijhw,ip,jr->prhw", parts[core].float(), a, b)
    return (a @ b.flatten(1)).view(len(a), *b.shape[1:])


def _rescaled(full: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
    """Return a weight whose rows, or columns, have the lengths that DoRA learned.

    One length for each output means rows; (1, inputs), the older form, means columns.
    """
    by_output = magnitude.shape[0] == full.shape[0] and magnitude.numel() == full.shape[0]
    flat = full.flatten(1) if by_output else full.transpose(0, 1).flatten(1)
    norm = flat.norm(dim=1).clamp(min=torch.finfo(torch.float32).eps)
    shape = [1] * full.ndim
    shape[0 if by_output else 1] = -1
    return full * (magnitude.flatten() / norm).view(shape)


def _rotated(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """Return what OFT adds: its blocks turn the outputs (https://arxiv.org/abs/2306.07280)."""
    turning = _turning(parts, len(weight))  # (count, size, size)
    rows = weight.reshape(*turning.shape[:2], -1)
    turned = torch.einsum("knm,knp->kmp", turning, rows).reshape(weight.shape)
    if "rescale" in parts:
        turned = turned * parts["rescale"].float()
    return turned - weight


def _rotated_in_rounds(parts: Parts, weight: torch.Tensor, strength: float) -> torch.Tensor:
    """Return what BOFT adds: rounds of OFT on outputs that lie further apart each time.

    A round at a strength lies between none and a whole one, as in LyCORIS and ComfyUI, so that the
    change is no multiple of that at strength 1. https://arxiv.org/abs/2311.06243
    """
    turning = _turning(parts, len(weight))  # (rounds, count, size, size)
    count, size = turning.shape[1:3]
    one = torch.eye(size, device=turning.device)
    rows = weight
    for number, turn in enumerate(turning):
        apart = 2**number * (size // 2)
        mixed = rows.reshape(-1, 2, apart, weight[0].numel()).transpose(1, 2)
        turned = (turn * strength + one * (1 - strength)) @ mixed.reshape(count, size, -1)
        rows = turned.reshape(-1, apart, 2, weight[0].numel()).transpose(1, 2)
    turned = rows.reshape(weight.shape)
    if "rescale" in parts:
        turned = turned * parts["rescale"].float()
    return turned - weight


def _turning(parts: Parts, outputs: int) -> torch.Tensor:
    """Return the blocks of an OFT file as rotations, by Cayley's form.

    The alpha of such files limits the norm of all blocks, times the number of outputs; 0 does not.
    """
    blocks = parts["oft_blocks"].float()
    skew = blocks - blocks.transpose(-1, -2)
    limit = float(parts.get("alpha", torch.zeros(()))) * outputs
    norm = float(skew.norm())
    if 0 < limit < norm:
        skew = skew * (limit / norm)
    one = torch.eye(blocks.shape[-1], device=skew.device)
    return (one + skew) @ torch.linalg.inv(one - skew)


def _scaled(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """Return what IA3 adds: a factor for each input or output (https://arxiv.org/abs/2205.05638)."""
    shape = [1] * weight.ndim
    shape[1 if bool(parts["on_input"]) else 0] = -1
    return weight * parts["weight"].float().reshape(shape)


def _generalised(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """Return what GLoRA adds: a product, and one of the weight (https://arxiv.org/abs/2306.07967)."""
    a1, a2, b1, b2 = (parts[f"{name}.weight"].float() for name in ("a1", "a2", "b1", "b2"))
    inner = a1.flatten(1) @ a2.flatten(1)  # (inputs, inputs)
    if "bm.weight" in parts:
        change = _with_core(b1, parts["bm.weight"].float(), b2)
    else:
        change = (b1.flatten(1) @ b2.flatten(1)).reshape(weight.shape)
    change = change + torch.einsum("oi...,ij->oj...", weight, inner)
    return change * scale_of(parts, len(a2))


OF_WEIGHT: dict[str, Callable[[Parts, torch.Tensor], torch.Tensor]] = {
    "oft_blocks": _rotated,
    "on_input": _scaled,
    "a1.weight": _generalised,
}
"""The forms whose change depends on the weight, by the part that marks them."""
