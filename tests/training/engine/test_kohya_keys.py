"""The layers and shapes of a LoRA for SD 1.5, SD 2 and SDXL are kohya's, name for name.

The digests were made with `networks/lora.py` of kohya's sd-scripts (create_network with
conv_dim and without) on the UNets of its `library` and the text encoders of the shipped configs.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import pytest

from training.base_models.registry import find_architecture
from training.engine.adapters.targets import Target, text_targets, unet_targets
from training.engine.architectures import ARCHITECTURES
from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.text import inner_text_model

pytestmark = pytest.mark.engine
KOHYAS = {
    ("sd15", 0): (792, "63063dc5d17a30a78858b7dd32dd5f0977711f6d7ebfc8cdc802b6a45e503205"),
    ("sd15", 4): (1050, "93024ef573b0055b94e3b82a16b4ad2d94f9a0118619bc75ee4813a2dc193b27"),
    ("sd2", 0): (990, "ea157411625e57e95dcb99db01eb713f99887f88d17dccebf8194629bcc84958"),
    ("sd2", 4): (1248, "cc2786c6f7648d3d7fe7db4f966be46fe6516c1c6ee8f59dfe98402464c9b54b"),
    ("sdxl", 0): (2958, "513edb6947b7f84bc7e1324df942288b2732574f5e7f08c871e41496df1f0e41"),
    ("sdxl", 4): (3156, "018f5b7c14d8e604be06719d03111cadc835870d5c6498527fc66c16ed2f478b"),
}


@cache
def without_weights(key: str) -> Components:
    """Return the UNet and text encoders of a family in their real size, with nothing in them."""
    from training.engine.parts.plan import read_config
    from training.engine.parts.reading import TEXT_ENCODERS, empty, text_encoder_names
    from training.engine.parts.unet import UNet2DConditionModel

    folder = find_architecture(key).config_dir
    unet = empty(UNet2DConditionModel, read_config(folder / "unet"))
    encoders = [
        empty(TEXT_ENCODERS[name], read_config(folder / name))
        for name in text_encoder_names(folder)
    ]
    family = {"sd15": "sd1"}.get(key, key)
    return Components(ARCHITECTURES[family], unet, None, encoders, [], {}, "meta")


def shapes_in_a_file(layer: Any, target: Target) -> dict[str, list[int]]:
    """Return the shapes that a layer's adapter has in a file."""
    inside, outside = (list(layer.weight.shape[1:]), layer.weight.shape[0])
    ones = [1] * (len(inside) - 1)
    return {
        f"{target.name}.lora_down.weight": [target.rank, *inside],
        f"{target.name}.lora_up.weight": [outside, target.rank, *ones],
        f"{target.name}.alpha": [],
    }


@pytest.mark.parametrize(("key", "conv_dim"), KOHYAS)
def test_names_and_shapes_are_kohyas(key: str, conv_dim: int) -> None:
    network = {"dim": 8, "alpha": 4.0, "conv_dim": conv_dim, "conv_alpha": 2.0}
    config = TrainConfig.parse({"train_text_encoder": True, "network": network}).resolved()
    parts = without_weights(key)
    shapes: dict[str, list[int]] = {}
    for target in unet_targets(parts, config.network):
        shapes |= shapes_in_a_file(parts.unet.get_submodule(target.path), target)
    for encoder, prefix in zip(parts.text_encoders, parts.architecture.text_prefixes, strict=True):
        for target in text_targets(encoder, prefix, config):
            layer = inner_text_model(encoder).get_submodule(target.path)
            shapes |= shapes_in_a_file(layer, target)
    lines = sorted(f"{name} {shape}" for name, shape in shapes.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert (len(lines), digest) == KOHYAS[key, conv_dim]
