"""Our own UNet, autoencoder, text model and tokenizer against those of the libraries."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from training.base_models.registry import find_architecture
from training.base_models.tiny.location import tiny_base_dir
from training.engine.errors import BaseModelError

pytestmark = pytest.mark.engine
HARD_TEXTS = (
    "a photo of sks person, (masterpiece:1.2), 8k!!",
    "it's they'll I'd  WE'VE\tnew\nline",
    "<|startoftext|>a<|endoftext|> b ! !x",
    "Ünïcode é e\u0301 中文字符 ☺ 👩‍🎤 1234567 1½",
    "\u00a0\u3000\ufeffzero\u200bwidth \x00 control",
    "",
    "antidisestablishmentarianism" * 30,
)
SMALL_UNET = {"norm_num_groups": 4, "attention_head_dim": 2}


def config_of(family: str, part: str, **changes: Any) -> dict[str, Any]:
    """Return a config that ships with us, with other sizes."""
    path = find_architecture(family).config_dir / part / "config.json"
    return {**json.loads(path.read_text(encoding="utf-8")), **changes}


UNETS = {
    "sd1": config_of(  # with the channels of inpainting, and a layer that distilled models have
        "sd15", "unet", block_out_channels=[8, 16, 24, 24], cross_attention_dim=12, in_channels=9,
        time_cond_proj_dim=6, **SMALL_UNET,
    ),
    "sd2": config_of(
        "sd2", "unet", block_out_channels=[8, 16, 24, 24], cross_attention_dim=12,
        norm_num_groups=4, attention_head_dim=[1, 2, 4, 4],
    ),
    "sdxl": config_of(
        "sdxl", "unet", block_out_channels=[8, 16, 24], cross_attention_dim=12,
        addition_time_embed_dim=4, projection_class_embeddings_input_dim=10 + 6 * 4,
        norm_num_groups=4, attention_head_dim=[1, 2, 4],
    ),
    "a smaller sdxl": config_of(
        "sdxl", "unet", block_out_channels=[8, 16, 24], cross_attention_dim=12,
        addition_time_embed_dim=4, projection_class_embeddings_input_dim=10 + 6 * 4,
        transformer_layers_per_block=[1, [1, 2], [2, 1]],
        reverse_transformer_layers_per_block=[[2, 1, 2], [1, 1, 2], 1], **SMALL_UNET,
        mid_block_type=None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "checkpointing"), [*((kind, False) for kind in UNETS), ("sd2", True)]
)
def test_a_unet_has_the_names_values_and_gradients_of_diffusers(
    kind: str, checkpointing: bool
) -> None:
    import torch
    from diffusers import UNet2DConditionModel

    from training.engine.parts import unet

    torch.manual_seed(3)
    theirs = UNet2DConditionModel.from_config(UNETS[kind])
    ours = unet.UNet2DConditionModel(UNETS[kind])
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, theirs.config.in_channels, 8, 16)
    text = torch.randn(2, 7, 12)
    added = {"text_embeds": torch.randn(2, 10), "time_ids": torch.randint(0, 99, (2, 6)).float()}
    results = []
    for model in (theirs, ours):
        if checkpointing:
            model.enable_gradient_checkpointing()
            model.train()
        given = [x.clone().requires_grad_(), text.clone().requires_grad_()]
        out = model(
            given[0], torch.tensor([3, 801]), encoder_hidden_states=given[1],
            added_cond_kwargs=added if "sdxl" in kind else None,
        ).sample  # fmt: skip
        out.square().sum().backward()
        trained = {name: p.grad for name, p in model.named_parameters()}
        results.append({"out": out.detach(), "x": given[0].grad, "text": given[1].grad, **trained})
    assert ours.is_gradient_checkpointing is checkpointing
    assert_alike(*results)


def assert_alike(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Compare tensors by name, within 1e-5 of the largest value."""
    import torch

    assert theirs.keys() == ours.keys()
    for name, expected in theirs.items():
        if expected is None:
            assert ours[name] is None, name
            continue
        largest = float(expected.detach().abs().max())
        assert torch.allclose(expected, ours[name], rtol=1e-5, atol=1e-5 * largest + 1e-9), name


def test_a_unet_takes_one_timestep_for_all_and_sizes_that_do_not_halve_evenly() -> None:
    import torch
    from diffusers import UNet2DConditionModel

    from training.engine.parts import unet

    torch.manual_seed(3)
    theirs = UNet2DConditionModel.from_config(UNETS["sd1"])
    ours = unet.UNet2DConditionModel(UNETS["sd1"])
    ours.load_state_dict(theirs.state_dict())
    x, text = torch.randn(3, 9, 13, 22), torch.randn(3, 5, 12)
    with torch.no_grad():
        results = [{"out": m(x, torch.tensor(41.5), text).sample} for m in (theirs, ours)]
    assert_alike(*results)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mid_block_add_attention": False, "latent_channels": 8, "layers_per_block": 1},
        {"use_quant_conv": False, "use_post_quant_conv": False},
    ],
)
def test_an_autoencoder_has_the_names_and_values_of_diffusers(changes: dict[str, Any]) -> None:
    import torch
    from diffusers import AutoencoderKL

    from training.engine.parts import autoencoder

    config = config_of(
        "sd15", "vae", block_out_channels=[8, 12, 16, 16], norm_num_groups=4, **changes
    )
    torch.manual_seed(4)
    theirs = AutoencoderKL.from_config(config)
    ours = autoencoder.AutoencoderKL(config)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    results = []
    with torch.no_grad():
        pictures = torch.rand(2, 3, 32, 48) * 2 - 1
        latents = torch.randn(2, theirs.config.latent_channels, 4, 6)
        for model in (theirs, ours):
            found = model.encode(pictures).latent_dist
            drawn = model.decode(latents).sample
            results.append(
                {"mean": found.mean, "std": found.std, "mode": found.mode(), "drawn": drawn}
            )
    assert_alike(*results)


@pytest.mark.parametrize(
    ("family", "part", "changes"),
    [
        ("sd15", "text_encoder", {}),
        ("sd2", "text_encoder", {}),
        ("sdxl", "text_encoder_2", {}),
        ("sdxl", "text_encoder_2", {"eos_token_id": 2}),
    ],
)
def test_a_text_model_has_the_names_values_and_gradients_of_transformers(
    family: str, part: str, changes: dict[str, Any]
) -> None:
    import torch
    import transformers

    from training.engine.parts.reading import TEXT_ENCODERS

    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 4}
    sizes |= {"num_hidden_layers": 3, "projection_dim": 12}
    config = config_of(family, part, **sizes, **changes)
    torch.manual_seed(5)
    kind = TEXT_ENCODERS[part]
    theirs = getattr(transformers, kind.__name__)(transformers.CLIPTextConfig(**config)).eval()
    ours = kind(config)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    ids = torch.randint(0, 49000, (2, 77))
    ids[:, 0], ids[0, 9:], ids[1, 70:] = 49406, 49407, 49407
    results = []
    for model in (theirs, ours):
        out = model(ids, output_hidden_states=True)
        values = {f"state {n}": state for n, state in enumerate(out.hidden_states)}
        values["last"] = out.last_hidden_state
        if part == "text_encoder_2":
            values["pooled"] = out.text_embeds
        sum(value.square().sum() for value in values.values()).backward()
        values |= {name: p.grad for name, p in model.named_parameters()}
        results.append(values)
    assert_alike(*results)


@pytest.mark.parametrize(
    ("family", "part"), [("sd15", "tokenizer"), ("sd2", "tokenizer"), ("sdxl", "tokenizer_2")]
)
def test_a_tokenizer_gives_the_ids_of_transformers(family: str, part: str, tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    from training.engine.parts.tokenizer import read_tokenizer

    folder = find_architecture(family).config_dir / part
    theirs = CLIPTokenizer.from_pretrained(folder)
    theirs.save_pretrained(tmp_path)  # as one tokenizer.json
    expected = [theirs(text, add_special_tokens=False).input_ids for text in HARD_TEXTS]
    for ours in (read_tokenizer(folder), read_tokenizer(tmp_path)):
        assert [ours.ids(text) for text in HARD_TEXTS] == expected
        numbers = (ours.bos_token_id, ours.eos_token_id, ours.pad_token_id)
        assert numbers == (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id)


def test_words_that_were_added_to_a_vocabulary_are_tokens(tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    from training.engine.parts.tokenizer import read_tokenizer

    theirs = CLIPTokenizer.from_pretrained(find_architecture("sd15").config_dir / "tokenizer")
    theirs.add_tokens(["<thing>", "owlish"])
    theirs.save_pretrained(tmp_path)
    theirs = CLIPTokenizer.from_pretrained(tmp_path)
    text = "an <thing> of Owlish owlish kind"
    expected = theirs(text, add_special_tokens=False).input_ids
    assert 49408 in expected
    assert read_tokenizer(tmp_path).ids(text) == expected


def test_a_folder_is_read_in_every_form_that_the_libraries_write(
    base: Path, tmp_path: Path
) -> None:
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import load_file, save_file

    from training.engine.parts.reading import read_folder

    plain = read_folder(base)
    folder = tmp_path / "other"
    shutil.copytree(base, folder)
    shutil.rmtree(folder / "unet")
    UNet2DConditionModel.from_pretrained(base / "unet").save_pretrained(
        folder / "unet", max_shard_size="20KB"
    )
    shutil.rmtree(folder / "vae")
    AutoencoderKL.from_pretrained(base / "vae").save_pretrained(
        folder / "vae", safe_serialization=False
    )
    weights = folder / "vae/diffusion_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    older = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    for new, old in older.items():
        state = {name.replace(f".{new}.", f".{old}."): tensor for name, tensor in state.items()}
    torch.save(state, weights)
    text = folder / "text_encoder/model.safetensors"
    tensors = {f"text_model.{n.removeprefix('text_model.')}": t for n, t in load_file(text).items()}
    tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(tensors, text)
    assert len(list((folder / "unet").glob("*.safetensors"))) > 1
    other = read_folder(folder)
    for name in ("unet", "vae"):
        assert_alike(plain[name].state_dict(), other[name].state_dict())
    first, second = plain["text_encoders"][0], other["text_encoders"][0]
    assert_alike(first.state_dict(), second.state_dict())


def test_weights_lie_in_their_file_and_the_bundled_base_is_whole() -> None:
    import torch

    from training.engine.parts.reading import read_folder

    parts = read_folder(tiny_base_dir())
    for module in (parts["unet"], parts["vae"], *parts["text_encoders"]):
        tensors = [*module.parameters(), *module.buffers()]
        assert {tensor.dtype for tensor in tensors} == {torch.float32}
        assert not any(tensor.is_meta for tensor in tensors)


@pytest.mark.parametrize(
    ("part", "option", "value"),
    [
        ("unet", "class_embed_type", "projection"),
        ("unet", "down_block_types", ["KDownBlock2D", "DownBlock2D"]),
        ("unet", "resnet_time_scale_shift", "scale_shift"),
        ("vae", "act_fn", "relu"),
        ("text_encoder", "hidden_act", "tanh"),
    ],
)
def test_a_config_that_asks_for_what_is_not_built_is_refused_by_name(
    part: str, option: str, value: object, base: Path, tmp_path: Path
) -> None:
    from training.engine.parts.reading import read_folder

    folder = tmp_path / "other"
    shutil.copytree(base, folder)
    path = folder / part / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, option: value}), encoding="utf-8")
    with pytest.raises(BaseModelError, match=f"has {option} '"):
        read_folder(folder)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"},
        {"beta_schedule": "linear", "num_train_timesteps": 50},
        {"beta_schedule": "squaredcos_cap_v2"},
        {"trained_betas": [0.1, 0.2, 0.3]},
        {
            "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
            "rescale_betas_zero_snr": True,
        },
    ],
)  # fmt: skip
def test_noise_levels_are_those_of_diffusers(config: dict[str, Any]) -> None:
    import torch
    from diffusers import DDPMScheduler

    from training.engine.noise_levels import noise_levels

    expected = DDPMScheduler.from_config(config).alphas_cumprod
    assert torch.allclose(noise_levels(config), expected, rtol=1e-5, atol=1e-7)


def test_a_noise_schedule_that_is_not_known_is_refused() -> None:
    from training.engine.noise_levels import noise_levels

    with pytest.raises(BaseModelError, match="'sigmoid'"):
        noise_levels({"beta_schedule": "sigmoid"})
