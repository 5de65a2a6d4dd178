"""A folder of files as kohya, A1111 and their like write them: every hash and every field right."""

import hashlib
import json
import zlib

import pytest
from blake3 import blake3

from hub.formats.model_kind import guess_model
from hub.formats.safetensors_header import read_header
from models_registry.models.file import ScanStatus
from models_registry.scanning.inspection import hash_content, scan_content
from models_registry.services.suggestions import suggest_from_header
from tests.factories.formats import lora_tensors, safetensors_bytes

TAGS = json.dumps({"10_inkwash": {"inkwash": 20, "mountain": 7}, "5_mist": {"mist ": 6}})
FOLDERS = json.dumps(
    {"10_inkwash": {"n_repeats": 10, "img_count": 20}, "5_mist": {"n_repeats": 5, "img_count": 6}}
)
KOHYA = {
    "ss_network_module": "networks.lora",
    "ss_network_dim": "4",
    "ss_network_alpha": "2.0",
    "ss_clip_skip": "2",
    "ss_resolution": "(512, 768)",
    "ss_steps": "1200",
    "ss_epoch": "6",
    "ss_tag_frequency": TAGS,
    "ss_dataset_dirs": FOLDERS,
    "ss_v2": "False",
    "ss_base_model_version": "sd_v1",
}
SPEC = {
    "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
    "modelspec.trigger_phrase": "inkwash, mist",
    "modelspec.license": "CreativeML OpenRAIL++-M",
    "modelspec.description": "Soft ink.",
    "modelspec.tags": "ink,wash",
}
NOTHING = {"network_dim": None, "clip_skip": None, "width": None}
ATTENTION = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2"
UNET = {f"{ATTENTION}.to_{part}.weight": ("F16", (32, 768)) for part in "kv"}
VAE = {"encoder.down.0.conv.weight": ("F32", (4, 4, 3, 3)), "decoder.up.0.x": ("F32", (1,))}
PONY = {"ss_base_model_version": "sdxl_base_v1-0", "ss_sd_model_name": "ponyDiffusionV6XL.ckpt"}
LAYERS = {f"768.{part}.linear.0.weight": ("F32", (4, 4)) for part in "kv"}
#: name → tensors, metadata, kind, base model, trigger words, columns
FILES = {
    "kohya LoRA, SD 1.5": (
        lora_tensors(),
        KOHYA,
        "LORA",
        "SD 1.5",
        ("inkwash", "mist"),
        {
            "network_dim": 4,
            "network_alpha": 2.0,
            "clip_skip": 2,
            "width": 512,
            "height": 768,
            "epochs": 6,
            "training_steps": 1200,
        },
    ),
    "LoRA with modelspec, SDXL": (
        lora_tensors(context=2048, rank=8),
        SPEC,
        "LORA",
        "SDXL 1.0",
        ("inkwash", "mist"),
        {"network_dim": 8},
    ),
    "silent LoRA, SD 2": (lora_tensors(context=1024), {}, "LORA", "SD 2.1", (), {"network_dim": 4}),
    "LoCon": (lora_tensors(conv=True), {}, "LoCon", "SD 1.5", (), {"network_dim": 4}),
    "Pony by its base file": (lora_tensors(context=2048), PONY, "LORA", "Pony", (), {}),
    "embedding, SD 1.5": (
        {"emb_params": ("F32", (4, 768))},
        {},
        "TextualInversion",
        "SD 1.5",
        (),
        NOTHING,
    ),
    "embedding, SDXL": (
        {"clip_l": ("F16", (2, 768)), "clip_g": ("F16", (2, 1280))},
        {},
        "TextualInversion",
        "SDXL 1.0",
        (),
        NOTHING,
    ),
    "hypernetwork": (LAYERS, {}, "Hypernetwork", None, (), NOTHING),
    "checkpoint": (UNET, {}, "Checkpoint", "SD 1.5", (), NOTHING),
    "VAE": (VAE, {}, "VAE", None, (), {}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_good_file_is_clean_and_every_field_is_right(name, tmp_path):
    tensors, metadata, kind, base, words, columns = FILES[name]
    path = tmp_path / "blob"
    path.write_bytes(safetensors_bytes(tensors, metadata))
    found = scan_content(path, kind="Model", name=f"{name}.safetensors")
    assert (found.outcome.status, found.guess.kind) == (ScanStatus.SUCCESS, kind)
    header = read_header(path)
    stated = suggest_from_header(header, guess_model(header))
    assert stated.base_model == base
    assert stated.trigger_words == words
    assert {key: stated.columns[key] for key in columns} == columns
    if metadata is SPEC:
        assert (stated.licence, stated.tags, stated.description) == (
            "LicenseRef-CreativeML-OpenRAIL++-M",
            ("ink", "wash"),
            "Soft ink.",
        )


@pytest.mark.parametrize("name", FILES)
def test_every_hash_of_a_good_file_is_by_its_definition(name, tmp_path):
    tensors, metadata, *_rest = FILES[name]
    body = safetensors_bytes(tensors, {"sshs_model_hash": "ab" * 32, **metadata})
    # From 2 MiB up there is AutoV1 too.
    large = {"pad": ("U8", (2 << 20,)), **tensors}
    for data in (body, safetensors_bytes(large, {"sshs_model_hash": "ab" * 32, **metadata})):
        path = tmp_path / "blob"
        path.write_bytes(data)
        tensors_at = 8 + int.from_bytes(data[:8], "little")
        whole, inner = (
            hashlib.sha256(data).hexdigest(),
            hashlib.sha256(data[tensors_at:]).hexdigest(),
        )
        expected = {
            "SHA256": whole,
            "AutoV2": whole[:10],
            "AutoV3": inner[:12],
            "BLAKE3": blake3(data).hexdigest(),
            "CRC32": zlib.crc32(data).to_bytes(4, "little").hex(),
            "SSHS": "ab" * 32,
        }
        if len(data) >= 2 << 20:
            expected["AutoV1"] = hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8]
        hashes = {kind.value: value for kind, value in hash_content(path).as_mapping().items()}
        assert hashes == {kind: value.upper() for kind, value in expected.items()}
