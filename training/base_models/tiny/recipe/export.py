"""Write the trained parts as a Stable Diffusion pipeline in half precision."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Final

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from transformers import CLIPTokenizer

from training.base_models.tiny.recipe.network import (
    build_text_encoder,
    build_unet,
    expand_text_encoder,
    sampling_schedule,
)
from training.base_models.tiny.recipe.train_unet import UnetTrainer

TOKENIZER_FILES: Final = ("vocab.json", "merges.txt", "tokenizer_config.json")
CHUNK: Final = 1 << 20
READABLE: Final = 0o644


def assemble_pipeline(
    trainer: UnetTrainer, vae: AutoencoderKL, tokenizer: Path
) -> StableDiffusionPipeline:
    """Build a float32 pipeline from the moving averages; the trainer is left as it is."""
    unet_state, text_state = trainer.averaged_weights()
    unet = build_unet()
    unet.load_state_dict(unet_state)
    compact = build_text_encoder(len(trainer.tokens.used))
    compact.load_state_dict(text_state)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=expand_text_encoder(compact, trainer.tokens.used),
        tokenizer=CLIPTokenizer.from_pretrained(tokenizer),
        unet=unet,
        scheduler=sampling_schedule(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def export_pipeline(pipeline: StableDiffusionPipeline, tokenizer: Path, out: Path) -> None:
    """Write the pipeline as fp16 safetensors, replacing `out` only when all is written."""
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    pipeline.to(dtype=torch.float16).save_pretrained(part, safe_serialization=True)
    pipeline.to(dtype=torch.float32)
    shutil.rmtree(part / "tokenizer")
    (part / "tokenizer").mkdir()
    for name in TOKENIZER_FILES:
        shutil.copyfile(tokenizer / name, part / "tokenizer" / name)
    _drop_local_paths(part)
    for path in part.rglob("*.safetensors"):
        path.chmod(READABLE)  # they are written for their owner alone
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)


def _drop_local_paths(folder: Path) -> None:
    for path in folder.rglob("*.json"):
        if path.parent.name == "tokenizer":
            continue
        config = json.loads(path.read_text())
        config.pop("_name_or_path", None)
        path.write_text(json.dumps(config, indent=2) + "\n")


def write_checksums(folder: Path, out: Path) -> None:
    """Write the SHA-256 of every file below `folder`, in the form that `sha256sum -c` reads."""
    lines = [
        f"{sha256(path)}  {path.relative_to(out.parent).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    out.write_text("".join(lines))


def sha256(path: Path) -> str:
    """Return the SHA-256 of one file as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
