"""What a run is thought to take: latents of all looks, in memory and in time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.engine.config.train import TrainConfig
from training.engine.estimate import FAMILIES, GIB, Estimate, copies_of_a_weight, estimate

pytestmark = pytest.mark.engine
TINY_VAE = Path(__file__).resolve().parents[3] / "training/base_models/tiny/weights/vae"


def thought(family: str, device: str = "cpu", **changes: object) -> Estimate:
    """Return the estimate for a hundred pictures, of which twenty are held out."""
    settings = {
        "base_model": {"architecture": family},
        "resolution": FAMILIES[family].reference_side,
        "validation": {"share": 0.2},
        "max_steps": 10,
    }
    return estimate(TrainConfig.parse(settings | changes), images=100, device=device)


@pytest.mark.parametrize(
    ("family", "shape"),
    [("tiny", (8, 16, 16)), ("sd1", (4, 64, 64)), ("sd2", (4, 64, 64)), ("sdxl", (4, 128, 128))],
)
@pytest.mark.parametrize(
    ("changes", "latents"),
    [
        ({}, 100),
        ({"flip": True}, 200),
        ({"colour_augmentation": True}, 80 * 5 + 20),
        ({"crop": "focal"}, 100),
        ({"crop": "random"}, 80 * 8 + 20),
        ({"crop": "random", "colour_augmentation": True}, 80 * 8 + 20),
        ({"crop": "random", "flip": True}, 2 * (80 * 8 + 20)),
    ],
)
def test_each_look_costs_its_latent_and_its_encoding(
    family: str, shape: tuple[int, int, int], changes: dict[str, object], latents: int
) -> None:
    usual, found = thought(family), thought(family, **changes)
    channels, height, width = shape
    one = 2 * 4 * channels * height * width  # a mean and a deviation in float32

    assert abs(found.memory_bytes - usual.memory_bytes - (latents - 100) * one) <= 1
    work = (latents - 100) * FAMILIES[family].gflop_per_encoding
    seconds = work / (55.0 * 2 * FAMILIES[family].efficiency)
    assert found.seconds - usual.seconds == pytest.approx(seconds, abs=0.11)
    assert (found.steps, found.file_bytes) == (usual.steps, usual.file_bytes)


def test_latents_lie_in_main_memory_and_not_in_a_cards() -> None:
    usual, cut = thought("sd1", "cuda"), thought("sd1", "cuda", crop="random")
    assert cut.memory_bytes == usual.memory_bytes
    assert cut.seconds > usual.seconds


def test_the_bundled_bases_latents_are_as_deep_as_thought() -> None:
    said = json.loads((TINY_VAE / "config.json").read_text(encoding="utf-8"))
    assert said["latent_channels"] == FAMILIES["tiny"].latent_channels


@pytest.mark.parametrize("side", [2, 4, 7, 8, 12, 14, 16, 24, 28, 32, 64])
@pytest.mark.parametrize("pictures", [1, 2, 8, 16])
def test_copies_are_counted_where_the_engine_keeps_them(side: int, pictures: int) -> None:
    import torch

    from training.engine.packed_convolution import MOST_POSITIONS, side_of_tiles

    for inputs, is_small in ((960, True), (1280, False)):
        weight = torch.empty(640, inputs, 3, 3, device="meta")
        tiles = side_of_tiles(weight, torch.empty(pictures, inputs, side, side, device="meta"))
        packed = 1.0 if pictures * side * side <= MOST_POSITIONS else 0.0
        more = {4: 36 / 9 - 1, 2: 16 / 9 - 1, 0: packed}[tiles]
        assert copies_of_a_weight(side, pictures, wide_tiles=is_small) == more


def test_the_convolutions_of_a_family_are_those_of_its_unet() -> None:
    import torch

    from training.base_models.registry import find_architecture
    from training.engine.packed_convolution import MOST_OF_WIDE_TILES
    from training.engine.parts.plan import read_config
    from training.engine.parts.unet import UNet2DConditionModel

    config = read_config(find_architecture("sd15").config_dir / "unet")
    with torch.device("meta"):
        unet = UNet2DConditionModel(config)
    small = large = 0
    for layer in unet.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3):
            inputs, outputs = layer.in_channels, layer.out_channels
            if layer.stride == (1, 1) and min(inputs, outputs) >= 320:
                wide = inputs * outputs <= MOST_OF_WIDE_TILES
                small += layer.weight.numel() if wide else 0
                large += 0 if wide else layer.weight.numel()
    levels = FAMILIES["sd1"].convolutions
    assert sum(level[0] for level in levels) == pytest.approx(small / 1e6, abs=0.02)
    assert sum(level[1] for level in levels) == pytest.approx(large / 1e6, abs=0.02)


@pytest.mark.parametrize(
    ("family", "changes", "measured"),
    [
        ("sd1", {"resolution": 256, "batch_size": 1}, 6.54),
        ("sd1", {"resolution": 256, "batch_size": 2}, 7.12),
        ("sd1", {"resolution": 512, "batch_size": 1}, 8.12),
        ("sd1", {"resolution": 512, "batch_size": 2}, 10.1),
        ("sd1", {"resolution": 256, "batch_size": 1, "mixed_precision": "bf16"}, 5.07),
        ("sd1", {"resolution": 256, "batch_size": 4, "mixed_precision": "bf16"}, 5.07),
        ("sd1", {"resolution": 512, "batch_size": 2, "mixed_precision": "bf16"}, 5.49),
        ("sdxl", {"resolution": 256, "batch_size": 1, "mixed_precision": "bf16"}, 14.5),
        ("tiny", {"batch_size": 1}, 0.36),
        ("tiny", {"batch_size": 16}, 0.49),
        ("tiny", {"batch_size": 32}, 0.63),
    ],
)
def test_the_peak_that_was_measured_is_told_within_a_tenth(
    family: str, changes: dict[str, object], measured: float
) -> None:
    """LoRA of rank 16 with the text encoders on a CPU (docs/engine/speed.md)."""
    network = {"network": {"dim": 16, "alpha": 8.0}, "train_text_encoder": True}
    found = thought(family, **{"mixed_precision": "no", **network, **changes})
    assert 0.99 * measured <= found.memory_bytes / GIB <= 1.1 * measured


def test_a_loras_file_has_as_many_weights_as_it_is_said_to() -> None:
    found = thought("sd1", train_text_encoder=True, save_precision="fp32", network={"dim": 16})
    assert found.file_bytes == pytest.approx(9_437_184 * 4, rel=1e-3)
