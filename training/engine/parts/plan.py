"""What a part of a base model is built from: its config, with what diffusers takes for granted.

Only the options of SD 1, 2 and XL, and of the small models made from them, are built here. A config
that asks for anything else is refused by name, rather than built as something it is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from training.engine.errors import BaseModelError

SILU: Final = ("silu", "swish")


class Plan(dict[str, Any]):
    """A config whose values are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Known:
    """What may stand in the config of a part: defaults, and options with few known values."""

    name: str
    defaults: Mapping[str, Any]
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def plan(self, config: Mapping[str, Any]) -> Plan:
        """Return a whole config. Raises BaseModelError where it asks for what is not known."""
        plan = Plan({**self.defaults, **config})
        for option, allowed in self.only.items():
            value = plan.get(option, allowed[0])
            values = value if isinstance(value, list | tuple) else [value]
            for single in values:
                if single not in allowed:
                    raise BaseModelError(
                        f"The {self.name} of this base model has {option} {single!r}, which the "
                        "engine does not know. Choose a model made from SD 1, SD 2 or SDXL."
                    )
        return plan


def read_config(folder: Path) -> dict[str, Any]:
    """Return the config.json of a folder. Raises OSError, ValueError."""
    found: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return found


UNET: Final = Known(
    "UNet",
    {
        "sample_size": None,
        "in_channels": 4,
        "out_channels": 4,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "norm_num_groups": 32,
        "norm_eps": 1e-5,
        "cross_attention_dim": 1280,
        "transformer_layers_per_block": 1,
        "reverse_transformer_layers_per_block": None,
        "attention_head_dim": 8,
        "use_linear_projection": False,
        "addition_embed_type": None,
        "addition_time_embed_dim": None,
        "projection_class_embeddings_input_dim": None,
        "time_cond_proj_dim": None,
        "conv_in_kernel": 3,
        "conv_out_kernel": 3,
    },
    {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "mid_block_type": ("UNetMidBlock2DCrossAttn", None),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "addition_embed_type": (None, "text_time"),
        "act_fn": SILU,
        "attention_type": ("default",),
        "center_input_sample": (False,),
        "class_embed_type": (None,),
        "class_embeddings_concat": (False,),
        "cross_attention_norm": (None,),
        "downsample_padding": (1,),
        "dual_cross_attention": (False,),
        "encoder_hid_dim": (None,),
        "encoder_hid_dim_type": (None,),
        "mid_block_scale_factor": (1,),
        "num_attention_heads": (None,),
        "num_class_embeds": (None,),
        "only_cross_attention": (False,),
        "resnet_out_scale_factor": (1.0,),
        "resnet_skip_time_act": (False,),
        "resnet_time_scale_shift": ("default",),
        "time_embedding_act_fn": (None,),
        "time_embedding_dim": (None,),
        "time_embedding_type": ("positional",),
        "timestep_post_act": (None,),
    },
)

AUTOENCODER: Final = Known(
    "VAE",
    {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ("DownEncoderBlock2D",),
        "up_block_types": ("UpDecoderBlock2D",),
        "block_out_channels": (64,),
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 32,
        "sample_size": 32,
        "scaling_factor": 0.18215,
        "shift_factor": None,
        "use_quant_conv": True,
        "use_post_quant_conv": True,
        "mid_block_add_attention": True,
    },
    {
        "down_block_types": ("DownEncoderBlock2D",),
        "up_block_types": ("UpDecoderBlock2D",),
        "act_fn": SILU,
    },
)

TEXT_MODEL: Final = Known(
    "text encoder",
    {
        "vocab_size": 49408,
        "hidden_size": 512,
        "intermediate_size": 2048,
        "projection_dim": 512,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "eos_token_id": 49407,
    },
    {"hidden_act": ("quick_gelu", "gelu")},
)
