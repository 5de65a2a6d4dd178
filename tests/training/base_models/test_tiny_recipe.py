"""The parts of the recipe that are cheap to check: autoencoder start, filters, resume, pace."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from training.base_models.tiny.location import tiny_base_dir, tiny_demo_dir
from training.base_models.tiny.recipe.analytic_vae import analytic_autoencoder
from training.base_models.tiny.recipe.captions import Scene
from training.base_models.tiny.recipe.colours import main_colour, over, recolour, stands_out
from training.base_models.tiny.recipe.network import (
    CompactTokens,
    compact_text_encoder,
    expand_text_encoder,
    used_token_ids,
)
from training.base_models.tiny.recipe.pace import StepPace, rate_factor
from training.base_models.tiny.recipe.pictures import psnr, to_pixels, to_tensor
from training.base_models.tiny.recipe.styles import pixelate, sketch
from training.base_models.tiny.recipe.train_unet import TrainingSet, UnetOptions, UnetTrainer, train
from training.base_models.tiny.recipe.world import BACKGROUNDS

pytestmark = pytest.mark.engine

RED = (220, 30, 30, 255)


def owls() -> np.ndarray:
    paths = sorted((tiny_demo_dir() / "owl").rglob("*.png"))[:12]
    pictures = [Image.open(path).convert("RGB").resize((128, 128)) for path in paths]
    return np.stack([np.asarray(picture) for picture in pictures])


def disc(size: int = 128) -> np.ndarray:
    picture = Image.new("RGBA", (size, size))
    edge = size // 6
    ImageDraw.Draw(picture).ellipse((edge, edge, size - edge, size - edge), fill=RED)
    return np.asarray(picture)


@pytest.fixture(scope="module")
def tokens() -> CompactTokens:
    return CompactTokens.load(tiny_base_dir() / "tokenizer")


def test_the_analytic_autoencoder_draws_icons_before_any_training() -> None:
    pictures = to_tensor(owls())
    vae = analytic_autoencoder(pictures)
    with torch.no_grad():
        drawn = vae(pictures, sample_posterior=False).sample
        latents = vae.encode(pictures).latent_dist.mean
    assert psnr(drawn, pictures) > 18
    assert latents.shape == (12, 8, 16, 16)
    strong = latents[:, :4] * vae.config.scaling_factor
    assert float(strong.std()) == pytest.approx(1, abs=0.02)


def test_the_shipped_autoencoder_keeps_a_picture_it_has_never_seen() -> None:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(tiny_base_dir() / "vae", dtype=torch.float32)
    pictures = to_tensor(owls())
    with torch.no_grad():
        drawn = vae(pictures, sample_posterior=False).sample
    assert psnr(drawn, pictures) > 22


def test_pictures_survive_the_way_to_tensors_and_back() -> None:
    pictures = owls()
    assert (to_pixels(to_tensor(pictures)) == pictures).all()


def test_a_disc_is_red_and_a_recoloured_disc_is_blue() -> None:
    assert main_colour(disc()) == "red"
    assert main_colour(recolour(disc(), "blue")) == "blue"


def test_a_red_disc_is_lost_on_red_and_stands_out_on_white() -> None:
    assert not stands_out(disc(), BACKGROUNDS["red"])
    assert stands_out(disc(), BACKGROUNDS["white"])


def test_pixel_art_is_made_of_equal_blocks_with_hard_edges() -> None:
    art = pixelate(disc())
    blocks = art.reshape(16, 8, 16, 8, 4)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert set(np.unique(art[..., 3])) == {0, 255}


def test_a_sketch_has_dark_lines_on_white_paper_and_no_colour() -> None:
    drawn = over(sketch(disc(256)), (255, 255, 255)).astype(int)
    assert drawn.shape == (128, 128, 3)
    assert (drawn.max(-1) - drawn.min(-1)).max() < 16
    assert 0.01 < (drawn.max(-1) < 90).mean() < 0.2
    assert drawn[64, 64].min() == 255


def test_only_the_tokens_of_captions_are_trained_and_the_table_is_whole_again(
    tokens: CompactTokens,
) -> None:
    from training.base_models.tiny.recipe.network import build_text_encoder

    assert tokens.used == used_token_ids(tokens.tokenizer)
    assert len(tokens.used) < 120
    small = build_text_encoder(len(tokens.used))
    again = compact_text_encoder(expand_text_encoder(small, tokens.used), tokens.used)
    for name, value in small.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def tiny_training_set() -> TrainingSet:
    generator = torch.Generator().manual_seed(3)
    scenes = [Scene("fox", "flat style", name) for name in BACKGROUNDS]
    latents = torch.randn(len(scenes), 8, 16, 16, generator=generator)
    return TrainingSet.build(latents, scenes, scaling_factor=1.0)


def run(
    tokens: CompactTokens, steps: int, path: Path, state: dict[str, object] | None = None
) -> UnetTrainer:
    options = UnetOptions(batch=2, bf16=False, average_every=1, warmup=2)
    trainer = UnetTrainer(tokens, tiny_training_set(), options)
    if state is not None:
        trainer.load_state(state)
    train(trainer, StepPace(steps, first=trainer.step), workers=1, state_path=path)
    return trainer


def test_a_resumed_sitting_ends_where_a_straight_run_ends(
    tokens: CompactTokens, tmp_path: Path
) -> None:
    straight = run(tokens, 4, tmp_path / "straight")
    run(tokens, 2, tmp_path / "first")
    saved = torch.load(tmp_path / "first", weights_only=True)
    resumed = run(tokens, 2, tmp_path / "second", saved)
    assert resumed.step == straight.step == 4
    for left, right in zip(straight.parameters, resumed.parameters, strict=True):
        assert torch.equal(left, right)
    for left, right in zip(straight.average, resumed.average, strict=True):
        assert torch.equal(left, right)


def test_a_sitting_can_start_from_the_shipped_weights(tokens: CompactTokens) -> None:
    trainer = UnetTrainer(tokens, tiny_training_set(), UnetOptions(batch=2, bf16=False))
    before = trainer.unet.conv_in.weight.detach().clone()
    trainer.load_pipeline(tiny_base_dir())
    assert not torch.equal(before, trainer.unet.conv_in.weight)
    assert torch.isfinite(torch.tensor(trainer.train_step(0.0)))


def test_the_plateau_is_kept_when_a_sitting_anneals(tokens: CompactTokens, tmp_path: Path) -> None:
    options = UnetOptions(batch=2, bf16=False, average_every=1, warmup=1)
    trainer = UnetTrainer(tokens, tiny_training_set(), options)
    path = tmp_path / "unet.state"
    train(trainer, StepPace(4, anneal=2), workers=1, state_path=path)
    plateau = torch.load(path.with_suffix(".plateau"), weights_only=True)
    assert plateau["step"] == 3
    assert torch.load(path, weights_only=True)["step"] == 4


def test_the_rate_warms_up_holds_and_falls() -> None:
    assert rate_factor(0, 0.0) == pytest.approx(0.01)
    assert rate_factor(500, 0.0) == 1.0
    assert rate_factor(500, 0.5) == pytest.approx(0.51)
    assert rate_factor(500, 1.0) == pytest.approx(0.02)
