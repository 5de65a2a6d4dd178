"""Checkpoints as one file and as a folder, there and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from training.engine.errors import BaseModelError, ConfigError
from training.engine.files.checkpoint_names import diffusers_path, layers_per_block
from training.engine.files.lazy_tensors import LazyTensor, open_tensors, save_lazy
from training.engine.files.unet_names import ldm_module_path
from training.engine.tools.convert import ConvertOptions, convert_to_file, convert_to_folder

pytestmark = pytest.mark.engine
UNET = "model.diffusion_model."


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        a.dtype == second[n].dtype and torch.equal(a, second[n]) for n, a in first.items()
    )


@pytest.mark.parametrize("kind", ["base", "xl_base"])
def test_folder_to_file_to_folder_to_file_keeps_every_tensor(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    base: Path = request.getfixturevalue(kind)
    file = convert_to_file(base, tmp_path / "one.safetensors", ConvertOptions()).path
    folder = convert_to_folder(file, tmp_path / "folder", ConvertOptions(), config=base)
    assert folder.left_out == ()
    for part in ("unet", "vae"):
        name = "diffusion_pytorch_model.safetensors"
        assert same(load_file(base / part / name), load_file(folder.path / part / name))
    again = convert_to_file(folder.path, tmp_path / "two.safetensors", ConvertOptions()).path
    assert same(load_file(file), load_file(again))


def test_diffusers_loads_the_file_and_the_folder_with_the_weights_of_the_base(
    base: Path, checkpoint: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionPipeline

    original = StableDiffusionPipeline.from_pretrained(base, local_files_only=True)
    folder = convert_to_folder(checkpoint, tmp_path / "out", ConvertOptions(), config=base).path
    others = [
        StableDiffusionPipeline.from_single_file(
            checkpoint, config=str(base), local_files_only=True, safety_checker=None
        ),
        StableDiffusionPipeline.from_pretrained(folder, local_files_only=True),
    ]
    for pipe in others:
        for part in ("unet", "vae", "text_encoder"):
            ours = getattr(original, part).state_dict()
            assert same(ours, getattr(pipe, part).state_dict()), part


def test_diffusers_loads_the_large_file_with_both_text_encoders(
    xl_base: Path, xl_checkpoint: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionXLPipeline

    original = StableDiffusionXLPipeline.from_pretrained(xl_base, local_files_only=True)
    folder = convert_to_folder(xl_checkpoint, tmp_path / "out", ConvertOptions(), config=xl_base)
    pipe = StableDiffusionXLPipeline.from_pretrained(folder.path, local_files_only=True)
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        assert same(getattr(original, part).state_dict(), getattr(pipe, part).state_dict()), part


@pytest.mark.parametrize("kind", ["base", "xl_base"])
def test_the_names_of_unet_layers_go_both_ways(kind: str, request: pytest.FixtureRequest) -> None:
    from types import SimpleNamespace

    base: Path = request.getfixturevalue(kind)
    config = SimpleNamespace(**json.loads((base / "unet/config.json").read_text("utf-8")))
    with safe_open(base / "unet/diffusion_pytorch_model.safetensors", "pt") as file:
        paths = {name.rpartition(".")[0] for name in file.keys()}  # noqa: SIM118
    ldm = {path: ldm_module_path(path, config) for path in paths}
    layers = layers_per_block(f"{name}.weight" for name in ldm.values())
    assert layers == config.layers_per_block
    assert {path: diffusers_path(name, layers) for path, name in ldm.items()} == {
        path: path for path in paths
    }


def test_our_writer_makes_the_same_bytes_as_safetensors_and_true_hashes(tmp_path: Path) -> None:
    import hashlib

    tensors = {
        "b": torch.randn(3, 4),
        "a": torch.randn(2, 2).half(),
        "flag": torch.tensor(True),
        "alpha": torch.tensor(4.0).bfloat16(),
        "n": torch.arange(5),
    }
    lazy = {name: LazyTensor.of(tensor) for name, tensor in tensors.items()}
    saved = save_lazy(tmp_path / "ours.safetensors", lazy, {})
    save_file(tensors, tmp_path / "theirs.safetensors")
    assert (tmp_path / "ours.safetensors").read_bytes() == (
        tmp_path / "theirs.safetensors"
    ).read_bytes()
    said = {"ss_v2": "False", "modelspec.architecture": "x"}
    path = save_lazy(tmp_path / "said.safetensors", lazy, said).path
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    data = path.read_bytes()
    digest = hashlib.sha256(data[8 + int.from_bytes(data[:8], "little") :]).hexdigest()
    assert metadata["sshs_model_hash"] == saved.tensor_sha256 == digest
    assert metadata["modelspec.hash_sha256"] == f"0x{digest}"


def test_a_tensor_that_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> torch.Tensor:
        raise BaseModelError("damaged")

    lazy = {
        "a": LazyTensor.of(torch.ones(4)),
        "b": LazyTensor(torch.float32, (4,), fail),
    }
    with pytest.raises(BaseModelError, match="damaged"):
        save_lazy(tmp_path / "half.safetensors", lazy, {})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def with_average(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint as a trainer leaves it: a running average, and an optimizer's leftovers."""
    tensors = load_file(checkpoint)
    average = {
        "model_ema." + name.removeprefix("model.").replace(".", ""): tensor + 1
        for name, tensor in tensors.items()
        if name.startswith(UNET)
    }
    extra = {"model_ema.decay": torch.tensor(0.99), "model_ema.num_updates": torch.tensor(7)}
    path = tmp_path / "trained.ckpt"
    state = {**tensors, **average, **extra, "betas": torch.ones(3)}
    torch.save({"state_dict": state, "optimizer_states": [{"state": {}}], "epoch": 3}, path)
    return path


@pytest.mark.parametrize(("ema", "change"), [("drop", 0.0), ("use", 1.0), ("keep", 0.0)])
def test_a_running_average_is_dropped_used_or_kept(
    ema: str, change: float, with_average: Path, checkpoint: Path, tmp_path: Path
) -> None:
    options = ConvertOptions(ema=ema)  # type: ignore[arg-type]
    path = convert_to_file(with_average, tmp_path / "out.safetensors", options).path
    plain, made = load_file(checkpoint), load_file(path)
    assert any(name.startswith("model_ema.") for name in made) == (ema == "keep")
    assert "betas" in made
    key = f"{UNET}out.2.weight"
    assert torch.equal(made[key], plain[key] + change)
    vae = "first_stage_model.decoder.conv_in.weight"
    assert torch.equal(made[vae], plain[vae])


def test_an_average_that_is_not_there_cannot_be_used(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no running average"):
        convert_to_file(checkpoint, tmp_path / "x.safetensors", ConvertOptions(ema="use"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_number_format_is_the_one_asked_for_and_rounded_once(
    dtype: torch.dtype, checkpoint: Path, tmp_path: Path
) -> None:
    path = convert_to_file(checkpoint, tmp_path / "x.safetensors", ConvertOptions(dtype)).path
    plain = load_file(checkpoint)
    assert same({name: tensor.to(dtype) for name, tensor in plain.items()}, load_file(path))


def test_another_vae_is_baked_in_from_a_file_with_or_without_prefix_or_a_folder(
    checkpoint: Path, other_checkpoint: Path, other_base: Path, tmp_path: Path
) -> None:
    theirs = {n: t for n, t in load_file(other_checkpoint).items() if "first_stage_model." in n}
    bare = tmp_path / "vae.safetensors"
    save_file({n.removeprefix("first_stage_model."): t for n, t in theirs.items()}, bare)
    expected = {**load_file(checkpoint), **theirs}
    for number, vae in enumerate((bare, other_checkpoint, other_base, other_base / "vae")):
        target = tmp_path / f"{number}.safetensors"
        convert_to_file(checkpoint, target, ConvertOptions(vae=vae))
        assert same(load_file(target), expected), vae
    lonely = tmp_path / "lonely.safetensors"
    save_file({"encoder.x": torch.ones(1)}, lonely)
    with pytest.raises(BaseModelError, match="no VAE"):
        convert_to_file(checkpoint, tmp_path / "y.safetensors", ConvertOptions(vae=lonely))


class Dangerous:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("code ran",))


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.ckpt"
    torch.save({"state_dict": {"a": torch.ones(2)}, "callbacks": Dangerous()}, path)
    with pytest.raises(BaseModelError, match="could run code"):
        open_tensors(path)
    assert capsys.readouterr().out == ""


def test_what_is_no_checkpoint_is_refused_in_words(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.ones(1)}, path)
    out = tmp_path / "out.safetensors"
    with pytest.raises(BaseModelError, match="no UNet"):
        convert_to_file(path, out, ConvertOptions())
    with pytest.raises(BaseModelError, match="There is no file"):
        convert_to_file(tmp_path / "absent.safetensors", out, ConvertOptions())
    (tmp_path / "folder").mkdir()
    with pytest.raises(BaseModelError, match=r"unet/config\.json"):
        convert_to_file(tmp_path / "folder", out, ConvertOptions())
    with pytest.raises(ConfigError, match="already there"):
        convert_to_folder(base, tmp_path / "folder", ConvertOptions(), config=base)


def test_a_folder_of_another_structure_is_not_written(
    checkpoint: Path, xl_base: Path, tmp_path: Path
) -> None:
    with pytest.raises(BaseModelError, match="not the one that"):
        convert_to_folder(checkpoint, tmp_path / "out", ConvertOptions(), config=xl_base)
    assert list(tmp_path.iterdir()) == []
