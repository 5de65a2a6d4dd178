"""The files that come out, read by loaders that are not ours."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.factories.engine import Recorder, make_config
from training.engine.config.train import TrainConfig
from training.engine.events import NoControl
from training.engine.runs.loop import train

pytestmark = pytest.mark.engine
PROMPT = "sks, a red thing"


def trained(config: TrainConfig, folder: Path) -> Path:
    result = train(
        config,
        run_dir=folder,
        listener=Recorder(),
        control=NoControl(),
        cache_dir=folder / "cache",
    )
    assert result.path is not None
    return result.path


def pipeline(base: Path) -> Any:
    from diffusers import StableDiffusionPipeline

    loaded = StableDiffusionPipeline.from_pretrained(base, safety_checker=None)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def latent_of(pipe: Any, prompt: str = PROMPT) -> np.ndarray:
    import torch

    output = pipe(
        prompt,
        num_inference_steps=4,
        guidance_scale=2.0,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
        height=64,
        width=64,
    )
    return output.images.numpy()


def test_a_lora_file_has_kohyas_keys_shapes_and_the_true_alpha(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    config = make_config(
        base,
        manifest,
        train_text_encoder=True,
        network={"dim": 4, "alpha": 1.5, "conv_dim": 2, "conv_alpha": 1.0},
    )
    tensors = load_file(trained(config, tmp_path))
    layers = {name.split(".")[0] for name in tensors}
    block = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0"
    expected = {f"{block}_attn{n}_to_{p}" for n in (1, 2) for p in ("q", "k", "v", "out_0")}
    expected |= {f"{block}_ff_net_0_proj", f"{block}_ff_net_2"}
    expected |= {f"lora_unet_down_blocks_0_attentions_0_proj_{way}" for way in ("in", "out")}
    resnet = "lora_unet_down_blocks_1_resnets_0"
    expected |= {f"{resnet}_{p}" for p in ("conv1", "conv2", "time_emb_proj", "conv_shortcut")}
    expected |= {
        "lora_unet_down_blocks_0_downsamplers_0_conv",
        "lora_unet_up_blocks_0_upsamplers_0_conv",
    }
    text = "lora_te_text_model_encoder_layers_1"
    expected |= {f"{text}_self_attn_{p}_proj" for p in ("q", "k", "v", "out")}
    expected |= {f"{text}_mlp_fc1", f"{text}_mlp_fc2"}
    assert expected <= layers
    assert all(name.startswith(("lora_unet_", "lora_te_text_model_")) for name in layers)
    assert float(tensors[f"{block}_attn1_to_q.alpha"]) == 1.5
    assert float(tensors[f"{resnet}_conv1.alpha"]) == 1.0
    assert tensors[f"{resnet}_conv1.lora_down.weight"].shape == (2, 8, 3, 3)
    assert tensors[f"{resnet}_conv1.lora_up.weight"].shape == (16, 2, 1, 1)
    assert tensors["lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight"].shape == (
        4,
        8,
        1,
        1,
    )
    assert tensors[f"{block}_attn2_to_k.lora_down.weight"].shape == (4, 16)


@pytest.mark.parametrize(
    "more",
    [{}, {"conv_dim": 2, "block_dims": {"mid_block": 8, "up_blocks": 2}}],
    ids=["plain", "convolutions, other ranks"],
)
def test_diffusers_draws_the_same_with_our_lora_file_as_the_engine_with_its_adapters(
    more: dict[str, Any], base: Path, manifest: Path, tmp_path: Path
) -> None:
    from PIL import Image

    config = make_config(
        base,
        manifest,
        train_text_encoder=True,
        learning_rate=2e-2,
        network={"dim": 4, "alpha": 2.0, **more},
        sample_every_epochs=1,
        sample_prompts=[f"{PROMPT} --d 3 --l 2 --s 4"],
    )
    path = trained(config, tmp_path)
    pipe = pipeline(base)
    from training.engine.samples.samplers import library_scheduler

    pipe.scheduler = library_scheduler("DPM++ 2M", dict(pipe.scheduler.config))
    plain = latent_of(pipe)
    pipe.load_lora_weights(str(path))
    with_lora = latent_of(pipe)
    assert np.abs(with_lora - plain).mean() > 0.01
    samples = sorted((tmp_path / "samples").iterdir())
    ours = np.asarray(Image.open(samples[-1]), dtype=np.float32)
    theirs = _decoded(pipe, with_lora)
    assert np.abs(ours - theirs).max() <= 1


def _decoded(pipe: Any, latent: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        scaled = torch.from_numpy(latent) / pipe.vae.config.scaling_factor
        image = pipe.vae.decode(scaled).sample[0]
    pixels = ((image.clamp(-1, 1) + 1) * 127.5).round()
    return pixels.permute(1, 2, 0).numpy()


def test_a_dreambooth_checkpoint_loads_as_a_single_file_and_draws_the_same(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionPipeline
    from PIL import Image

    config = make_config(
        base,
        manifest,
        "dreambooth",
        learning_rate=1e-3,
        train_text_encoder=True,
        sample_every_epochs=1,
        sample_prompts=[f"{PROMPT} --d 3 --l 2 --s 4"],
    )
    path = trained(config, tmp_path)
    pipe = StableDiffusionPipeline.from_single_file(
        path, config=str(base), local_files_only=True, safety_checker=None
    )
    pipe.set_progress_bar_config(disable=True)
    from training.engine.samples.samplers import library_scheduler

    original = pipeline(base)
    pipe.scheduler = library_scheduler("DPM++ 2M", dict(original.scheduler.config))
    theirs = _decoded(pipe, latent_of(pipe))
    samples = sorted((tmp_path / "samples").iterdir())
    ours = np.asarray(Image.open(samples[-1]), dtype=np.float32)
    assert np.abs(ours - theirs).max() <= 1
    for name, tensor in original.vae.state_dict().items():
        assert (pipe.vae.state_dict()[name] == tensor).all(), name
    moved = original.unet.state_dict()["conv_in.weight"]
    assert not (pipe.unet.state_dict()["conv_in.weight"] == moved).all()


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_a_checkpoint_of_ours_is_a_base_to_train_on(
    suffix: str,
    velocity_base: Path,
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file

    from training.engine import components

    config = make_config(
        velocity_base, manifest, "dreambooth", max_steps=1, dreambooth={"pruned": True}
    )
    path = trained(config, tmp_path / "first")
    assert {"v_pred", "ztsnr"} <= load_file(path).keys()
    if suffix == ".ckpt":
        torch.save({"state_dict": load_file(path)}, path.with_suffix(suffix))
    monkeypatch.setattr(components, "config_folder", lambda _family, velocity: velocity_base)
    base_model = {"path": str(path.with_suffix(suffix)), "name": "First"}
    again = trained(
        make_config(velocity_base, manifest, max_steps=2, base_model=base_model),
        tmp_path / "second",
    )
    with safe_open(again, framework="pt") as file:
        said = file.metadata()
    assert said["modelspec.prediction_type"] == "v"
    assert said["ss_zero_terminal_snr"] == "True"
    whole = path.with_suffix(suffix).read_bytes()
    assert said["ss_new_sd_model_hash"] == hashlib.sha256(whole).hexdigest()
    assert said["ss_sd_model_hash"] == hashlib.sha256(whole[2**20 : 2**20 + 2**16]).hexdigest()[:8]


def test_an_embedding_file_loads_in_diffusers_and_draws_the_same(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    from PIL import Image
    from safetensors.torch import load_file

    config = make_config(
        base,
        manifest,
        "textual_inversion",
        learning_rate=0.05,
        sample_every_epochs=1,
        sample_prompts=["a picture of <thing> --d 3 --l 2 --s 4"],
    )
    path = trained(config, tmp_path)
    tensors = load_file(path)
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {
        "emb_params": (2, 16)
    }
    pipe = pipeline(base)
    from training.engine.samples.samplers import library_scheduler

    pipe.scheduler = library_scheduler("DPM++ 2M", dict(pipe.scheduler.config))
    pipe.load_textual_inversion(tensors["emb_params"], token="<thing>")
    theirs = _decoded(pipe, latent_of(pipe, "a picture of <thing>"))
    ours = np.asarray(Image.open(sorted((tmp_path / "samples").iterdir())[-1]), dtype=np.float32)
    assert np.abs(ours - theirs).max() <= 1


def test_a_hypernetwork_file_has_a1111s_structure_and_needs_no_code_to_load(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    import torch

    config = make_config(base, manifest, "hypernetwork", learning_rate=1e-2)
    path = trained(config, tmp_path)
    data = torch.load(path, weights_only=True)
    with zipfile.ZipFile(path) as archive:  # A1111 refuses a file with any other part
        assert all(
            re.fullmatch(r"archive/(data/\d+|version|data\.pkl)", name)
            for name in archive.namelist()
        )
    widths = sorted(key for key in data if isinstance(key, int))
    assert widths == [8, 16]
    keys, values = data[16]
    assert list(keys) == ["linear.0.weight", "linear.0.bias", "linear.2.weight", "linear.2.bias"]
    assert keys["linear.0.weight"].shape == (32, 16)
    assert not torch.equal(keys["linear.0.weight"], values["linear.0.weight"])
    assert data["layer_structure"] == [1.0, 2.0, 1.0]
    assert (data["activation_func"], data["activate_output"], data["step"]) == ("swish", False, 6)


def as_a1111_reads(data: dict[Any, Any], place: int, context: Any) -> Any:
    """Return what A1111 makes of a context before keys (0) or values (1), by its own rules.

    x + the layers in their order: linear, Hardswish but not at the end, norm of the layer.
    """
    from torch.nn import functional

    if context.shape[-1] not in data:
        return context
    state, change, number = data[context.shape[-1]][place], context, 0
    last = len(data["layer_structure"]) - 2
    for layer in range(last + 1):
        weights = [state[f"linear.{number}.{name}"] for name in ("weight", "bias")]
        change, number = functional.linear(change, *weights), number + 1
        if layer < last:
            change, number = functional.hardswish(change), number + 1
        width = change.shape[-1:]
        weights = [state[f"linear.{number}.{name}"] for name in ("weight", "bias")]
        change, number = functional.layer_norm(change, width, *weights), number + 1
        number += layer < last  # dropout, which is off while drawing
    return context + change


def changed_context(data: dict[Any, Any], place: int) -> Any:
    return lambda _, given: (as_a1111_reads(data, place, given[0]), *given[1:])


def test_a_hypernetwork_acts_as_a1111_reads_it(base: Path, manifest: Path, tmp_path: Path) -> None:
    import torch

    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose
    from training.engine.samples.applying import AppliedFile, applied

    shape = {"layer_structure": [1, 2, 2, 1], "layer_norm": True, "dropout": [0, 0.2, 0.2, 0]}
    config = make_config(
        base, manifest, "hypernetwork", learning_rate=1e-2, max_steps=2, hypernetwork=shape
    )
    path = trained(config, tmp_path)
    data = torch.load(path, weights_only=True)
    assert (data["activation_func"], data["is_layer_norm"], data["use_dropout"]) == (
        "swish", True, True,
    )  # fmt: skip
    parts = load_components(config.resolved(), choose(Machine(cuda=False)))
    unet = parts.unet
    draw = torch.Generator().manual_seed(1)
    seen = torch.randn(1, 4, 16, 16, generator=draw), torch.tensor([500])
    context = torch.randn(1, 77, 16, generator=draw)

    def predicted() -> torch.Tensor:
        with torch.no_grad():
            return unet(*seen, encoder_hidden_states=context).sample

    plain = predicted()
    with applied(parts, [AppliedFile(path)]):
        ours = predicted()
    for name, layer in unet.named_modules():
        if name.endswith((".to_k", ".to_v")):
            layer.register_forward_pre_hook(changed_context(data, int(name.endswith("v"))))
    assert torch.allclose(predicted(), ours, atol=1e-6)
    assert float((ours - plain).abs().max()) > 1e-3


def test_the_header_of_a_lora_says_what_other_programs_look_for(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    import hashlib
    import json
    import struct

    from safetensors import safe_open

    path = trained(make_config(base, manifest), tmp_path)
    with safe_open(path, framework="pt") as file:
        said = file.metadata()
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert length % 8 == 0
    assert said["sshs_model_hash"] == hashlib.sha256(data[8 + length :]).hexdigest()
    assert said["modelspec.hash_sha256"] == f"0x{said['sshs_model_hash']}"
    assert (said["ss_network_dim"], said["ss_network_alpha"]) == ("4", "2.0")
    assert said["ss_v2"] == "False"
    assert json.loads(said["ss_tag_frequency"])["dataset"]["red"] == 5
    assert said["ss_output_name"] == "thing"
    assert said["modelspec.trigger_phrase"] == "sks"
    assert said["ss_steps"] == "6"


def test_an_embedding_is_named_where_its_word_is_in_the_prompts() -> None:
    from training.engine.samples.preview import TrainedFile, generation_data
    from training.engine.samples.prompts import parse_prompt

    config = TrainConfig.parse(
        {"method": "textual_inversion", "textual_inversion": {"token": "sks"}}
    ).resolved()
    base: Any = SimpleNamespace(name="Base", sha256="")
    for prompt, named in (("a (sks:1.2)", 1), ("a cat --n sks, bad", 1), ("a sksowl", 0)):
        request = parse_prompt(prompt, config)
        data = generation_data(request, base, config, TrainedFile("one", "0" * 64, "embedding"))
        assert len(data.resources) == len(data.hashes) == named


def test_a_sample_carries_its_generation_data_with_the_hash_of_its_lora(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    from PIL import Image

    from hub.formats.generation.a1111 import parse_infotext
    from training.engine.files.file_writing import tensor_hash

    config = make_config(
        base,
        manifest,
        sample_every_epochs=1,
        sample_prompts=["a thing --n ugly --w 64 --h 128 --s 3 --l 2.5 --d 77"],
    )
    path = trained(config, tmp_path)
    with Image.open(sorted((tmp_path / "samples").iterdir())[-1]) as picture:
        data = parse_infotext(picture.info["parameters"])
        assert picture.size == (64, 128)
    assert (data.width, data.height, data.steps, data.seed) == (64, 128, 3, 77)
    assert (data.negative_prompt, data.cfg_scale, data.sampler) == ("ugly", 2.5, "DPM++ 2M")
    assert data.schedule_type == "Uniform"  # A1111 would take Karras where none is written
    assert data.model == "Random"
    (resource,) = data.resources
    assert (resource.name, resource.weight) == ("thing", 1.0)
    assert resource.hash == tensor_hash(path)[:12]
    assert data.hashes == {"lora:thing": resource.hash}  # a base in a folder has no hash
