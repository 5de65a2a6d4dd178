"""Files named in prompts, the generation data of every way to draw, and grids."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from hub.formats.generation.a1111 import emit_infotext, parse_infotext
from hub.formats.generation.types import GenerationData, ResourceKind
from tests.factories.lora_files import random_lora
from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.files.file_writing import tensor_hash
from training.engine.samples.applying import AppliedFile
from training.engine.samples.drawing import BaseChoice, DrawnPicture, draw, open_base, requests_of
from training.engine.samples.grids import GridCell, GridPlan, make_grid
from training.engine.samples.prompts import HiresFix, PromptRequest, StartPicture
from training.engine.samples.resource_library import ResourceLibrary
from training.engine.tools.convert import ConvertOptions, convert_to_file

pytestmark = pytest.mark.engine
OPTIONS = "--s 2 --l 2"


@pytest.fixture(scope="module")
def checkpoint(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    return convert_to_file(base, folder / "random.safetensors", ConvertOptions()).path


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    (folder / "deeper").mkdir()
    random_lora(checkpoint, folder / "deeper" / "big style.safetensors", seed=1)
    random_lora(checkpoint, folder / "other.safetensors", seed=2)
    vectors = torch.randn(2, 16, generator=torch.Generator().manual_seed(6))
    save_file({"emb_params": vectors}, folder / "badness.safetensors")
    return folder


@pytest.fixture(scope="module")
def opened(base: Path) -> tuple[TrainConfig, Components]:
    return open_base(BaseChoice(base, name="Random", pixels=64, clip_skip=2))


def made(
    opened: tuple[TrainConfig, Components],
    requests: list[PromptRequest],
    folder: Path,
    **options: object,
) -> list[tuple[np.ndarray, GenerationData]]:
    """Draw and read back: the pixels, and the data in the file, which must read back equal."""
    config, components = opened
    found = []
    pictures = draw(
        components,
        config,
        requests,
        path_of=lambda number: folder / f"{number}.png",
        on_picture=lambda _: None,
        **options,  # type: ignore[arg-type]
    )
    for picture in pictures:
        with Image.open(picture.path) as file:
            text = file.info["parameters"]
            found.append((np.asarray(file, dtype=np.float32), parse_infotext(text)))
        assert found[-1][1] == picture.data
        assert "Exact fields" not in text
        assert emit_infotext(found[-1][1]) == text
    return found


def test_a_lora_named_in_a_prompt_acts_at_its_weight_and_on_that_prompt_alone(
    opened: tuple[TrainConfig, Components], folder: Path, tmp_path: Path
) -> None:
    config, _ = opened
    lines = [
        f"a cat {OPTIONS} --d 1",
        f"a cat <lora:big style:0.7> {OPTIONS} --d 1",
        f"a cat <lora:big style:0.7> <lora:other:-0.5> {OPTIONS} --d 1",
    ]
    library = ResourceLibrary([folder])
    (plain, _), (styled, data), (both, more) = made(
        opened, requests_of(lines, config), tmp_path, library=library
    )
    assert np.abs(plain - styled).max() > 1
    assert np.abs(styled - both).max() > 1
    (alone, _) = made(opened, requests_of(lines[:1], config), tmp_path / "alone")[0]
    assert np.array_equal(plain, alone)
    style = folder / "deeper" / "big style.safetensors"
    (as_file, _) = made(
        opened,
        requests_of(lines[:1], config),
        tmp_path / "file",
        always=[AppliedFile(style, 0.7)],
        library=library,
    )[0]
    assert np.array_equal(styled, as_file)
    (resource,) = data.resources
    assert (resource.name, resource.weight) == ("big style", 0.7)
    assert resource.hash == tensor_hash(style)[:12]
    assert [r.weight for r in more.resources] == [0.7, -0.5]
    assert data.clip_skip == 2


def test_a_lora_can_act_on_text_and_picture_at_two_strengths(
    opened: tuple[TrainConfig, Components], folder: Path, tmp_path: Path
) -> None:
    config, _ = opened
    lines = [
        f"a cat <lora:other:{weights}> {OPTIONS} --d 1"
        for weights in ("0:0", "1:0", "0:1", "1:1", "te=1:unet=1")
    ]
    pictures = [
        pixels
        for pixels, _ in made(
            opened, requests_of(lines, config), tmp_path, library=ResourceLibrary([folder])
        )
    ]
    (plain, _) = made(opened, requests_of([f"a cat {OPTIONS} --d 1"], config), tmp_path / "p")[0]
    assert np.array_equal(pictures[0], plain)
    for first, second in ((0, 1), (0, 2), (1, 3), (2, 3)):
        assert not np.array_equal(pictures[first], pictures[second])
    assert np.array_equal(pictures[3], pictures[4])


def test_an_embedding_is_found_by_its_name_and_listed_with_its_hash(
    opened: tuple[TrainConfig, Components], folder: Path, tmp_path: Path
) -> None:
    config, _ = opened
    lines = [
        f"a cat {OPTIONS} --d 1",
        f"a cat --n Badness {OPTIONS} --d 1",  # in any case, as its tokens
        f"badnesses {OPTIONS}",
    ]
    results = made(opened, requests_of(lines, config), tmp_path, library=ResourceLibrary([folder]))
    assert not np.array_equal(results[0][0], results[1][0])
    (resource,) = results[1][1].resources
    path = folder / "badness.safetensors"
    assert (resource.kind, resource.name) == (ResourceKind.EMBEDDING, "badness")
    assert resource.hash == hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert results[2][1].resources == ()


def test_a_lora_is_found_by_the_name_in_its_header_unless_a_file_has_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    ink = random_lora(checkpoint, tmp_path / "ink.safetensors", seed=1)
    wash = tmp_path / "wash.safetensors"
    save_file(load_file(ink), wash, {"ss_output_name": "ink"})
    pen = tmp_path / "pen.safetensors"
    save_file(load_file(ink), pen, {"ss_output_name": "fine line"})
    library = ResourceLibrary([tmp_path])
    assert library.needed_by("<lora:ink:1>").files == (AppliedFile(ink),)
    needed = library.needed_by("<lora:fine line:0.5> <lora:pen:1>")  # one file, twice
    assert needed.files == (AppliedFile(pen, 0.5),)
    assert [(r.name, r.hash) for r in needed.resources] == [("fine line", tensor_hash(pen)[:12])]
    ink.unlink()
    save_file(load_file(pen), tmp_path / "dry.safetensors", {"ss_output_name": "ink"})
    with pytest.raises(ConfigError, match="dry, wash"):
        ResourceLibrary([tmp_path]).needed_by("<lora:ink:1>")


def test_a_name_without_a_file_is_refused_with_those_that_are_known(folder: Path) -> None:
    library = ResourceLibrary([folder])
    with pytest.raises(ConfigError, match="Known here: big style, other"):
        library.needed_by("a <lora:absent:1>")
    with pytest.raises(ConfigError, match="no number"):
        library.needed_by("a <lora:other:strong>")
    with pytest.raises(ConfigError, match="no folder"):
        ResourceLibrary([folder / "absent"])


def test_hires_fix_img2img_and_inpainting_write_what_a1111_writes(
    opened: tuple[TrainConfig, Components], tmp_path: Path
) -> None:
    config, _ = opened
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "start.png")
    Image.new("L", (64, 64), 255).save(tmp_path / "mask.png")
    (plain,) = requests_of([f"a (red:1.2) [cat:dog:0.5], BREAK big {OPTIONS} --d 9"], config)
    start = StartPicture(tmp_path / "start.png", 0.6)
    masked = replace(start, mask=tmp_path / "mask.png")
    requests = [
        replace(plain, sampler="DPM++ SDE Karras"),
        replace(plain, hires=HiresFix(1.5, 0.4, 3, "Latent")),
        replace(plain, start=start),
        replace(plain, start=masked),
    ]
    first, hires, image, paint = (data for _, data in made(opened, requests, tmp_path / "out"))
    assert (first.sampler, first.schedule_type) == ("DPM++ SDE", "Karras")
    assert first.prompt == "a (red:1.2) [cat:dog:0.5], BREAK big"
    assert first.denoising_strength is None
    assert (hires.hires_upscale, hires.hires_steps, hires.hires_upscaler) == (1.5, 3, "Latent")
    assert (hires.denoising_strength, hires.width, hires.height) == (0.4, 64, 64)
    with Image.open(tmp_path / "out" / "1.png") as file:
        assert file.size == (96, 96)
    assert (image.denoising_strength, image.extra) == (0.6, {"RNG": "CPU"})
    assert paint.extra == {"Mask blur": "4", "RNG": "CPU"}


def test_a_checkpoint_takes_the_place_of_the_base_in_its_column_and_is_named_by_its_hash(
    opened: tuple[TrainConfig, Components],
    base: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from training.engine import components as loading

    monkeypatch.setattr(loading, "config_folder", lambda *_, **__: base)
    config, components = opened
    plan = GridPlan(tuple(requests_of([f"a cat {OPTIONS} --d 1"], config)), files=(checkpoint,))
    cells: list[GridCell] = []
    make_grid(config, components, plan, folder=tmp_path, on_cell=cells.append)
    pictures = []
    for cell in cells:
        with Image.open(cell.path) as file:
            pictures.append(np.asarray(file, dtype=np.float32))
            data = parse_infotext(file.info["parameters"])
    assert [cell.label for cell in cells] == ["base", "random"]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1
    assert data.model == "random"
    assert data.model_hash == hashlib.sha256(checkpoint.read_bytes()).hexdigest()[:10]


def test_a_grid_crosses_prompts_seeds_files_weights_and_guidance(
    opened: tuple[TrainConfig, Components], folder: Path, tmp_path: Path
) -> None:
    config, components = opened
    lora = folder / "other.safetensors"
    plan = GridPlan(
        tuple(requests_of([f"a cat {OPTIONS}", f"a dog {OPTIONS}"], config)),
        files=(lora, folder / "badness.safetensors"),
        weights=(0.5, 1.0),
        guidances=(1.0, 4.0),
        seeds=(3, 4),
    )
    cells: list[GridCell] = []
    sheet = make_grid(config, components, plan, folder=tmp_path, on_cell=cells.append)
    assert len(cells) == 4 * 8 == cells[0].total
    assert len({(cell.row, cell.column) for cell in cells}) == 32
    labels = {cell.column: cell.label for cell in cells}
    assert labels == {
        0: "base · CFG 1", 1: "base · CFG 4", 2: "other · 0.5 · CFG 1", 3: "other · 0.5 · CFG 4",
        4: "other · 1 · CFG 1", 5: "other · 1 · CFG 4", 6: "badness · CFG 1", 7: "badness · CFG 4",
    }  # fmt: skip
    for cell in cells:
        with Image.open(cell.path) as file:
            data = parse_infotext(file.info["parameters"])
        assert data.seed == cell.seed == (3, 4)[cell.row % 2]
        assert data.cfg_scale == (1.0, 4.0)[cell.column % 2]
        weights = [r.weight for r in data.resources]
        assert weights == {0: [], 1: [0.5], 2: [1.0], 3: [None]}[cell.column // 2]
    with Image.open(sheet) as file:
        assert file.size[0] > 8 * 64
        assert file.size[1] > 4 * 64


def test_a_grid_without_cells_or_with_far_too_many_is_refused(
    opened: tuple[TrainConfig, Components], tmp_path: Path
) -> None:
    config, components = opened
    requests = tuple(requests_of(["a cat"], config))
    for plan in (GridPlan(()), GridPlan(requests, seeds=tuple(range(2001)))):
        with pytest.raises(ConfigError, match="1 to 2000"):
            make_grid(config, components, plan, folder=tmp_path, on_cell=lambda _: None)


def test_pictures_are_told_as_they_are_made_and_returned_in_order(
    opened: tuple[TrainConfig, Components], folder: Path, tmp_path: Path
) -> None:
    config, components = opened
    lines = [f"<lora:other:1> a {OPTIONS}", f"b {OPTIONS}", f"<lora:other:1> c {OPTIONS}"]
    told: list[DrawnPicture] = []
    pictures = draw(
        components,
        config,
        requests_of([*lines, "", "# note"], config),
        path_of=lambda number: tmp_path / f"{number}.png",
        on_picture=lambda picture: told.append(picture) if picture.path.exists() else None,
        library=ResourceLibrary([folder]),
    )
    assert [picture.number for picture in pictures] == [0, 1, 2]
    assert [picture.number for picture in told] == [0, 2, 1]


def test_loras_leave_no_trace_after_drawing(
    opened: tuple[TrainConfig, Components], folder: Path, tmp_path: Path
) -> None:
    config, components = opened
    before = {name: tensor.clone() for name, tensor in components.unet.state_dict().items()}
    made(
        opened,
        requests_of([f"<lora:other:1> badness {OPTIONS}"], config),
        tmp_path,
        library=ResourceLibrary([folder]),
    )
    after = components.unet.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert components.placeholders == {}
    assert load_file(folder / "other.safetensors")
