"""The shape of a LoRA and its kin. Torch-free."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from training.engine.config.sections import Section, setting

#: How the paths of a UNet's parts begin, in diffusers' names and in the original ones.
UNET_PARTS = (
    *("down_blocks", "mid_block", "up_blocks", "conv_in", "conv_out", "conv_norm_out"),
    *("input_blocks", "middle_block", "output_blocks", "out", "time_embed", "label_emb"),
    *("time_embedding", "add_embedding"),
)


class NetworkConfig(Section):
    """Shape of a LoRA."""

    dim: int = setting(16, "Rank of the adapters; more can learn more.", ge=1, le=512)
    alpha: float | None = setting(
        None,
        "Strength of the adapters is alpha divided by rank; empty means half the rank.",
        gt=0,
        le=1024,
    )
    conv_dim: int = setting(
        0, "Rank of adapters on the 3x3 convolutions (LoCon); 0 leaves them out.", ge=0, le=256
    )
    conv_alpha: float | None = setting(
        None,
        "Alpha of the convolution adapters; empty means the same share as alpha.",
        gt=0,
        le=1024,
    )
    targets: list[Literal["attention", "feed_forward", "projection"]] = setting(
        ["attention", "feed_forward", "projection"],
        "Parts of the transformer blocks that get adapters; all three is what kohya trains.",
        min_length=1,
    )
    algorithm: Literal["lora", "loha", "lokr"] = setting(
        "lora", "Kind of adapter; LoHa and LoKr are LyCORIS's, read by A1111, Forge and ComfyUI."
    )
    decompose: bool = setting(
        default=False,
        help_text="Train the magnitude of each weight apart from its direction (DoRA).",
    )
    decompose_outputs: bool = setting(
        default=False,
        help_text="With DoRA, one magnitude for each output, as LyCORIS does by default; off is "
        "one for each input, the form that A1111, Forge and ComfyUI all read.",
    )
    lokr_factor: int = setting(
        0, "LoKr splits each side of a weight by it; 0 takes the most even split.", ge=0, le=256
    )
    dim_from_weights: bool = setting(
        default=False,
        help_text="Take the rank and alpha of each layer from the file of initial_weights, and "
        "leave out the layers that it has not.",
    )
    block_dims: dict[str, Annotated[int, Field(ge=0, le=512)]] = setting(
        {},
        "Other ranks for parts of the UNet, by the start of their path, such as down_blocks.1, "
        "mid_block or output_blocks.4; 0 leaves a part out. Alpha keeps its share of the rank.",
    )
    dropout: float = setting(
        0.0, "Share of the values inside each adapter set to zero in each step.", ge=0, lt=1
    )
    rank_dropout: float = setting(
        0.0, "Share of each adapter's ranks left out in each step.", ge=0, lt=1
    )
    module_dropout: float = setting(0.0, "Share of the adapters left out in each step.", ge=0, lt=1)
    max_norm: float = setting(
        0.0, "Upper limit for the norm of each adapter (scale weight norms); 0 is off.", ge=0, le=10
    )

    @field_validator("block_dims")
    @classmethod
    def _check_blocks(cls, value: dict[str, int]) -> dict[str, int]:
        for block in value:
            first = block.partition(".")[0]
            if first not in UNET_PARTS:
                alike = difflib.get_close_matches(first, UNET_PARTS, 1)
                raise ValueError(
                    f"network.block_dims: no part of a UNet is called {block!r}"
                    f"{f'; {alike[0]} is meant, perhaps' if alike else ''}."
                )
        return value

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        plain = self.algorithm == "lora" and not self.decompose
        if self.decompose and self.algorithm != "lora":
            raise ValueError("network.decompose (DoRA) works with the algorithm lora.")
        if self.dim_from_weights and self.algorithm != "lora":
            raise ValueError("network.dim_from_weights works with the algorithm lora.")
        if self.dropout and not plain:
            raise ValueError(
                "network.dropout works with plain LoRA only; use rank_dropout or module_dropout."
            )
        return self
