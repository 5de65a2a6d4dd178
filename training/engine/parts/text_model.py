"""CLIP's text model in plain torch, built from the config of transformers.

https://arxiv.org/abs/2103.00020; names and arithmetic are those of transformers' CLIPTextModel and
CLIPTextModelWithProjection, which tests compare it with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.engine.attention import attend
from training.engine.joining import side_by_side
from training.engine.parts.plan import TEXT_MODEL, Plan

HIGHEST_IS_END = 2  # the end token of older configs, which means: the highest id of a text


@dataclass(frozen=True)
class TextOutput:
    """Embeddings (n, tokens, width); where asked, those before and after each layer too."""

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] = ()
    text_embeds: Tensor | None = None  # (n, projection), of models with a projection


def quick_gelu(x: Tensor) -> Tensor:
    """Return CLIP's own form of the GELU."""
    return x * torch.sigmoid(1.702 * x)


class CLIPTextEmbeddings(nn.Module):
    """What a token means, and where it stands."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(plan.vocab_size, plan.hidden_size)
        self.position_embedding = nn.Embedding(plan.max_position_embeddings, plan.hidden_size)

    def forward(self, ids: Tensor) -> Tensor:
        """Return (n, tokens, width) for ids (n, tokens)."""
        places: Tensor = self.position_embedding.weight[: ids.shape[1]]
        tokens: Tensor = self.token_embedding(ids)
        return tokens + places


class CLIPAttention(nn.Module):
    """Attention of each token to itself and those before it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        width = plan.hidden_size
        self.heads = plan.num_attention_heads
        self.plain_scores = 0
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of x (n, tokens, width)."""
        shape = (*x.shape[:2], self.heads, x.shape[2] // self.heads)
        projected = side_by_side(x, self.q_proj, self.k_proj, self.v_proj)
        query, key, value = (part.view(shape).transpose(1, 2) for part in projected)
        mixed = attend(query, key, value, plain_scores=self.plain_scores, causal=True)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out


class CLIPMLP(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._activation = quick_gelu if plan.hidden_act == "quick_gelu" else F.gelu
        self.fc1 = nn.Linear(plan.hidden_size, plan.intermediate_size)
        self.fc2 = nn.Linear(plan.intermediate_size, plan.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of x."""
        out: Tensor = self.fc2(self._activation(self.fc1(x)))
        return out


class CLIPEncoderLayer(nn.Module):
    """Attention, then the two layers, each beside a short way."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.self_attn = CLIPAttention(plan)
        self.layer_norm1 = nn.LayerNorm(plan.hidden_size, plan.layer_norm_eps)
        self.mlp = CLIPMLP(plan)
        self.layer_norm2 = nn.LayerNorm(plan.hidden_size, plan.layer_norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of x."""
        x = x + self.self_attn(self.layer_norm1(x))
        out: Tensor = x + self.mlp(self.layer_norm2(x))
        return out


class CLIPEncoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CLIPEncoderLayer(plan) for _ in range(plan.num_hidden_layers))


class CLIPTextModel(nn.Module):
    """Reads tokens one by one, each seeing those before it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = plan = TEXT_MODEL.plan(config)
        self.embeddings = CLIPTextEmbeddings(plan)
        self.encoder = CLIPEncoder(plan)
        self.final_layer_norm = nn.LayerNorm(plan.hidden_size, plan.layer_norm_eps)

    def forward(self, ids: Tensor, *, output_hidden_states: bool = False) -> TextOutput:
        """Return the embeddings of ids (n, tokens), at most as many as it has places for."""
        x = self.embeddings(ids)
        states = [x]
        for layer in self.encoder.layers:
            x = layer(x)
            if output_hidden_states:
                states.append(x)
        kept = tuple(states) if output_hidden_states else ()
        return TextOutput(self.final_layer_norm(x), kept)

    @property
    def dtype(self) -> torch.dtype:
        """Return the number format of the weights."""
        return self.final_layer_norm.weight.dtype


class CLIPTextModelWithProjection(nn.Module):
    """The same, and one vector for the whole text: its end token, projected."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.text_model = CLIPTextModel(config)
        self.config = plan = self.text_model.config
        self.text_projection = nn.Linear(plan.hidden_size, plan.projection_dim, bias=False)

    def forward(self, ids: Tensor, *, output_hidden_states: bool = False) -> TextOutput:
        """Return the embeddings of ids (n, tokens), and the vector of each text."""
        found = self.text_model(ids, output_hidden_states=output_hidden_states)
        end = self.config.eos_token_id
        places = (ids if end == HIGHEST_IS_END else (ids == end).int()).argmax(-1)
        rows = torch.arange(len(ids), device=ids.device)
        pooled = self.text_projection(found.last_hidden_state[rows, places])
        return TextOutput(found.last_hidden_state, found.hidden_states, pooled)

    @property
    def dtype(self) -> torch.dtype:
        """Return the number format of the weights."""
        return self.text_model.dtype
