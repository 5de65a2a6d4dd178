"""Pictures from noise, from pictures and in two passes, against diffusers' own pipelines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.samples import samplers
from training.engine.samples.drawing import BaseChoice, open_base
from training.engine.samples.prompts import HiresFix, PromptRequest, StartPicture, parse_prompt
from training.engine.samples.samplers import (
    SAMPLERS,
    library_scheduler,
    sampler_name,
    usable_sampler,
)
from training.engine.samples.sampling import make_pictures
from training.engine.samples.start_pictures import encode
from training.engine.text import TextConditioner

pytestmark = pytest.mark.engine
STEPS = 6


@pytest.fixture(scope="module")
def opened(base: Path) -> tuple[TrainConfig, Components]:
    return open_base(BaseChoice(base, name="Random", pixels=64))


def request_of(config: TrainConfig, prompt: str = "a red thing", **changes: Any) -> PromptRequest:
    from dataclasses import replace

    plain = parse_prompt(f"{prompt} --d 5 --l 3 --s {STEPS}", config)
    return replace(plain, **{"sampler": "Euler", **changes})


def drawn(components: Components, *requests: PromptRequest) -> list[np.ndarray]:
    found: dict[int, np.ndarray] = {}

    def keep(number: int, picture: Image.Image) -> None:
        found[number] = np.asarray(picture, dtype=np.float32)

    make_pictures(components, TextConditioner(components), list(requests), on_picture=keep)
    return [found[number] for number in sorted(found)]


def pixels(image: torch.Tensor) -> np.ndarray:
    return ((image[0].clamp(-1, 1) + 1) * 127.5).round().permute(1, 2, 0).numpy()


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_draws_the_same_again_and_alone_as_in_a_group(
    name: str, opened: tuple[TrainConfig, Components]
) -> None:
    config, components = opened
    first, second = (request_of(config, sampler=name, seed=seed) for seed in (1, 2))
    together = drawn(components, first, second)
    alone = drawn(components, second)
    assert np.abs(together[0] - together[1]).mean() > 1
    assert np.abs(together[1] - alone[0]).max() <= 1
    assert together[0].std() > 0


def test_samplers_differ_from_each_other(opened: tuple[TrainConfig, Components]) -> None:
    config, components = opened
    pictures = [drawn(components, request_of(config, sampler=name))[0] for name in SAMPLERS]
    for number, picture in enumerate(pictures):
        for other in pictures[:number]:
            assert np.abs(picture - other).max() > 0


@pytest.mark.parametrize("name", ["Euler", "Euler a", "DDIM", "DPM++ 2M Karras", "UniPC", "LCM"])
def test_a_picture_is_the_one_that_diffusers_draws_with_the_same_scheduler(
    name: str, base: Path, opened: tuple[TrainConfig, Components]
) -> None:
    from diffusers import StableDiffusionPipeline

    config, components = opened
    pipe = StableDiffusionPipeline.from_pretrained(base, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = library_scheduler(name, dict(pipe.scheduler.config))
    theirs = pipe(
        "a red thing",
        negative_prompt="",
        guidance_scale=3.0,
        num_inference_steps=STEPS,
        height=64,
        width=64,
        generator=[torch.Generator().manual_seed(5)],
        output_type="pt",
    ).images
    (ours,) = drawn(components, request_of(config, sampler=name))
    assert np.abs(ours - (theirs[0].permute(1, 2, 0) * 255).round().numpy()).max() <= 1


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "start.png"
    small = np.random.default_rng(3).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.mark.parametrize("name", ["Euler", "DDIM", "DPM++ 2M", "UniPC"])
def test_img2img_is_what_diffusers_draws_with_as_many_steps(
    name: str, base: Path, picture: Path, opened: tuple[TrainConfig, Components]
) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    config, components = opened
    pipe = StableDiffusionImg2ImgPipeline.from_pretrained(base, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = library_scheduler(name, dict(pipe.scheduler.config))
    with Image.open(picture) as start:
        latents = encode(components, [start.convert("RGB")])
    theirs = pipe(
        "a red thing",
        image=latents,
        negative_prompt="",
        strength=4 / STEPS + 1e-6,  # int(0.5 * 6) + 1 steps are taken
        guidance_scale=3.0,
        num_inference_steps=STEPS,
        generator=[torch.Generator().manual_seed(5)],
        output_type="pt",
    ).images
    request = request_of(config, sampler=name, start=StartPicture(picture, 0.5))
    (ours,) = drawn(components, request)
    assert np.abs(ours - (theirs[0].permute(1, 2, 0) * 255).round().numpy()).max() <= 1


@pytest.mark.parametrize("name", ["Euler a", "DPM++ SDE Karras", "UniPC", "LCM"])
def test_a_picture_with_little_noise_stays_and_with_all_noise_goes(
    name: str, picture: Path, opened: tuple[TrainConfig, Components]
) -> None:
    config, components = opened
    with Image.open(picture) as start:
        latents = encode(components, [start.convert("RGB")])
    scale = components.vae.config.scaling_factor
    with torch.no_grad():
        same = pixels(components.vae.decode(latents / scale).sample)
    near, far = (
        drawn(
            components,
            request_of(config, steps=10, sampler=name, start=StartPicture(picture, share)),
        )[0]
        for share in (0.0, 1.0)
    )
    assert np.isfinite(far).all()
    assert np.abs(near - same).mean() < np.abs(far - same).mean()


@pytest.mark.parametrize("blur", [0, 4])
def test_inpainting_keeps_every_pixel_that_the_mask_protects(
    blur: int, picture: Path, tmp_path: Path, opened: tuple[TrainConfig, Components]
) -> None:
    config, components = opened
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[:, 40:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    start = StartPicture(picture, 0.9, tmp_path / "mask.png", mask_blur=blur)
    (made,) = drawn(components, request_of(config, start=start))
    with Image.open(picture) as before:
        original = np.asarray(before, dtype=np.float32)
    assert np.array_equal(made[:, :24], original[:, :24])
    assert np.abs(made[:, 56:] - original[:, 56:]).mean() > 1
    (whole,) = drawn(components, request_of(config, start=StartPicture(picture, 0.9)))
    assert not np.array_equal(whole[:, :24], original[:, :24])


@pytest.mark.parametrize("upscaler", ["Latent", "Lanczos"])
def test_the_hires_fix_draws_larger_with_the_composition_of_the_first_pass(
    upscaler: str, opened: tuple[TrainConfig, Components]
) -> None:
    config, components = opened
    (small,) = drawn(components, request_of(config))
    hires = HiresFix(1.5, 0.0, 4, upscaler)
    (large,) = drawn(components, request_of(config, hires=hires))
    assert large.shape == (96, 96, 3)
    (other,) = drawn(components, request_of(config, seed=77))

    def apart(first: np.ndarray, second: np.ndarray) -> float:
        coarse = [
            np.asarray(Image.fromarray(p.astype(np.uint8)).resize((8, 8)), dtype=np.float32)
            for p in (first, second)
        ]
        return float(np.abs(coarse[0] - coarse[1]).mean())

    assert apart(large, small) < apart(large, other)
    with pytest.raises(ConfigError, match="no upscaler"):
        drawn(components, request_of(config, hires=HiresFix(upscaler="Magic")))


def test_prompt_editing_changes_the_picture_only_from_its_moment_on(
    opened: tuple[TrainConfig, Components],
) -> None:
    config, components = opened
    first, second, early, late, never = drawn(
        components,
        *(
            request_of(config, prompt)
            for prompt in (
                "a cat",
                "a dog",
                "a [cat:dog:0]",
                "a [cat:dog:0.5]",
                "a [cat:dog:99]",
            )
        ),
    )
    assert np.array_equal(early, second)
    assert np.array_equal(never, first)
    assert not np.array_equal(late, first)
    assert not np.array_equal(late, second)


def test_an_inpainting_unet_gets_the_mask_and_the_picture_with_a_grey_hole(
    picture: Path, tmp_path: Path, opened: tuple[TrainConfig, Components]
) -> None:
    from dataclasses import replace

    from diffusers import UNet2DConditionModel

    config, components = opened
    settings = {**components.unet.config, "in_channels": 9}
    unet = UNet2DConditionModel.from_config(settings).eval()
    seen: list[torch.Tensor] = []
    unet.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[:, 32:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    start = StartPicture(picture, 0.5, tmp_path / "mask.png", mask_blur=0)
    special = replace(components, unet=unet)
    drawn(special, request_of(config, start=start))
    assert seen[0].shape == (2, 9, 16, 16)
    assert (seen[0][:, 4, :, :8] == 0).all()
    assert (seen[0][:, 4, :, 8:] == 1).all()
    with Image.open(picture) as before:
        hole = np.asarray(before).copy()
    hole[:, 32:] = 127
    expected = encode(components, [Image.fromarray(hole)])
    assert torch.equal(seen[0][:, 5:], expected.expand(2, -1, -1, -1))
    seen.clear()
    drawn(special, request_of(config))
    assert (seen[0][:, 4] == 1).all()


def test_diffusers_is_loaded_without_the_compiler_which_is_there_again_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = []
    for name in (samplers.COMPILER, "diffusers.utils.torch_utils"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    def load(name: str) -> None:
        told.append((name, sys.modules.get(samplers.COMPILER, "free")))

    monkeypatch.setattr("importlib.import_module", load)
    samplers.load_schedulers()
    assert told == [("diffusers.utils.torch_utils", None)]
    assert samplers.COMPILER not in sys.modules
    monkeypatch.setitem(sys.modules, samplers.COMPILER, torch)  # as where a run is compiled
    samplers.load_schedulers()
    assert len(told) == 1


def test_names_of_samplers_are_read_in_any_case_and_unknown_ones_are_refused() -> None:
    assert sampler_name("dpm++ sde karras") == "DPM++ SDE Karras"
    assert sampler_name("euler_a") == "Euler a"
    with pytest.raises(ConfigError, match="Choose one of: Euler, Euler a"):
        sampler_name("Magic")
    assert usable_sampler("Magic") == "DPM++ 2M"
