"""What a run is thought to take: latents of all looks, in memory and in time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.engine.config.train import TrainConfig
from training.engine.estimate import FAMILIES, Estimate, estimate

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
