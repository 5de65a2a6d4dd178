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

from training.engine.precision import Precision

PLAIN_SCORES = 2**22  # batch x heads x queries x keys


def plain_pays(device: str, compute: str) -> bool:
    """Tell whether small maps should be computed by the plain form."""
    return device == "cpu" and compute == "bf16"


def choose_attention(unet: Any, text_encoders: list[Any], precision: Precision) -> None:
    """Give a model the attention that is fastest for a run's device and number format."""
    pays = plain_pays(precision.device, precision.compute)
    processors = list(unet.attn_processors.values())
    if processors:
        lean = LeanAttention(processors[0], plain_scores=PLAIN_SCORES if pays else 0)
        unet.set_attn_processor(lean)
    if pays:
        for encoder in text_encoders:  # at most 77 tokens: always small
            encoder.set_attn_implementation("eager")


def plain_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return softmax(q·kᵀ/√d)·v for tensors (batch, heads, positions, d)."""
    batch, heads, length, width = query.shape
    query, key, value = (t.reshape(batch * heads, -1, width) for t in (query, key, value))
    unused = query.new_empty(()).expand(len(query), length, key.shape[1])
    scores = torch.baddbmm(unused, query, key.transpose(1, 2), beta=0, alpha=width**-0.5)
    return torch.bmm(scores.softmax(-1), value).view(batch, heads, length, width)


class LeanAttention:
    """An attention processor of diffusers without the steps that do nothing in SD's layers.

    It takes maps of at most `plain_scores` scores by the plain form, all others by torch's fused
    one, and leaves layers that have something of their own to `others`, the library's processor.
    """

    def __init__(self, others: Any, *, plain_scores: int = 0) -> None:
        self._others = others
        self._plain_scores = plain_scores

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Return the output of an attention layer for (batch, positions, width)."""
        if attention_mask is not None or not _is_ordinary(attn, hidden_states):
            result: torch.Tensor = self._others(
                attn, hidden_states, encoder_hidden_states, attention_mask, *args, **kwargs
            )
            return result
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            _by_head(projection, attn.heads)
            for projection in (attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context))
        )
        mixed = self._attention(query, key, value).transpose(1, 2).flatten(2)
        output: torch.Tensor = attn.to_out[1](attn.to_out[0](mixed))
        return output

    def _attention(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        batch, heads, length, _ = query.shape
        if batch * heads * length * key.shape[2] <= self._plain_scores:
            return plain_attention(query, key, value)
        return F.scaled_dot_product_attention(query, key, value)


def _is_ordinary(attn: Any, hidden_states: torch.Tensor) -> bool:
    """Tell whether a layer is one of a transformer block of SD, without extras of its own."""
    extras = (attn.spatial_norm, attn.group_norm, attn.norm_q, attn.norm_k, attn.norm_cross)
    return (
        hidden_states.ndim == 3
        and not any(extras)
        and not attn.residual_connection
        and attn.rescale_output_factor == 1.0
    )


def _by_head(projected: torch.Tensor, heads: int) -> torch.Tensor:
    batch, length, width = projected.shape
    return projected.view(batch, length, heads, width // heads).transpose(1, 2)
