"""Which attention a run uses, in one place: torch's fused one, or two products and a softmax.

Measured on CPUs (one thread, forward and backward): in fp32 the fused kernel wins at every head
size from 8 to 160; in bf16 its backward pass costs three to four times the plain form as long as
the score matrix fits the caches, and from about four million scores on both cost the same while
the plain form needs more memory. On a GPU the fused kernel always wins.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from training.engine.machine.precision import Precision

PLAIN_SCORES = 2**22  # batch x heads x queries x keys


def plain_pays(device: str, compute: str) -> bool:
    """Tell whether small maps should be computed by the plain form."""
    return device == "cpu" and compute == "bf16"


def choose_attention(unet: Any, text_encoders: list[Any], precision: Precision) -> None:
    """Give a model the attention that is fastest for a run's device and number format."""
    scores = PLAIN_SCORES if plain_pays(precision.device, precision.compute) else 0
    for model in (unet, *text_encoders):
        take_plain_form(model, scores)


def take_plain_form(model: torch.nn.Module, scores: int) -> None:
    """Let all attention in a model take the plain form for maps of at most so many scores."""
    attending: list[Any] = [module for module in model.modules() if hasattr(module, "plain_scores")]
    for module in attending:
        module.plain_scores = scores


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    plain_scores: int = 0,
    causal: bool = False,
) -> torch.Tensor:
    """Return softmax(q·kᵀ/√d)·v for tensors (batch, heads, positions, d).

    Maps of at most `plain_scores` scores take the plain form. `causal` lets each position see
    itself and those before it.
    """
    batch, heads, length, _ = query.shape
    if batch * heads * length * key.shape[2] <= plain_scores:
        return plain_attention(query, key, value, causal=causal)
    return F.scaled_dot_product_attention(query, key, value, is_causal=causal)


def plain_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool = False
) -> torch.Tensor:
    """Return the same by two products and a softmax."""
    batch, heads, length, width = query.shape
    query, key, value = (t.reshape(batch * heads, -1, width) for t in (query, key, value))
    unused = query.new_empty(()).expand(len(query), length, key.shape[1])
    scores = torch.baddbmm(unused, query, key.transpose(1, 2), beta=0, alpha=width**-0.5)
    if causal:
        later = torch.ones(length, length, dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    return torch.bmm(scores.softmax(-1), value).view(batch, heads, length, width)
