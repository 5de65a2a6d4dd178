"""The bundled base as it ships: it loads without a network, samples, and is what it says."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from training.base_models.tiny.location import CHECKSUMS, TINY_ROOT, tiny_base_dir

MEGABYTE = 1_000_000
LARGEST = 30 * MEGABYTE

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    loaded = StableDiffusionPipeline.from_pretrained(
        tiny_base_dir(), dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    loaded.set_progress_bar_config(disable=True)
    return loaded


def sample(pipeline: StableDiffusionPipeline, prompt: str, steps: int = 4) -> np.ndarray:
    generator = torch.Generator().manual_seed(1)
    return pipeline(
        prompt,
        num_inference_steps=steps,
        guidance_scale=2.5,
        generator=generator,
        output_type="np",
    ).images[0]


def test_a_sample_of_four_steps_is_finite_and_not_constant(
    pipeline: StableDiffusionPipeline,
) -> None:
    picture = sample(pipeline, "a fox, flat style, blue background")
    assert picture.shape == (128, 128, 3)
    assert np.isfinite(picture).all()
    assert picture.std() > 0.05


def test_the_prompt_decides_the_background(pipeline: StableDiffusionPipeline) -> None:
    corners = {
        colour: sample(pipeline, f"a cat, flat style, {colour} background", 8)[:6, :6].mean((0, 1))
        for colour in ("red", "blue")
    }
    assert corners["red"][0] > corners["red"][2] + 0.3
    assert corners["blue"][2] > corners["blue"][0] + 0.3


def test_the_tokenizer_gives_the_ids_of_stable_diffusion(
    pipeline: StableDiffusionPipeline,
) -> None:
    assert len(pipeline.tokenizer) == 49_408
    assert pipeline.tokenizer("a cat").input_ids == [49406, 320, 2368, 49407]


def test_every_shipped_file_has_the_recorded_checksum() -> None:
    recorded = {}
    for line in (TINY_ROOT / CHECKSUMS).read_text().splitlines():
        digest, name = line.split("  ", 1)
        recorded[TINY_ROOT / name] = digest
    shipped = {path for path in tiny_base_dir().rglob("*") if path.is_file()}
    assert shipped == set(recorded)
    for path, digest in recorded.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, path.name


def test_the_base_stays_within_thirty_megabytes() -> None:
    total = sum(path.stat().st_size for path in files(tiny_base_dir()))
    assert 10 * MEGABYTE < total <= LARGEST


def test_no_config_names_a_folder_of_the_machine_that_trained_it() -> None:
    for path in files(tiny_base_dir()):
        if path.suffix == ".json" and path.parent.name != "tokenizer":
            assert "_name_or_path" not in path.read_text(), path.name


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
