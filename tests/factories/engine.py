"""A very small Stable Diffusion with random weights, and data sets to train it on."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.engine.config.train import TrainConfig
from training.engine.events import Command, Event

TOKENIZER = Path(__file__).resolve().parents[2] / "training/base_models/tiny/weights/tokenizer"


# long: one list of the smallest sizes that diffusers accepts, read from top to bottom
def make_base(folder: Path, *, prediction_type: str = "epsilon", seed: int = 0) -> Path:
    """Write a pipeline in diffusers layout: 64 px pictures, latents of 4 x 16 x 16."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(seed)
    UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=4,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        in_channels=3,
        out_channels=3,
        block_out_channels=(4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=64,
    ).save_pretrained(folder / "vae")
    CLIPTextModel(
        CLIPTextConfig(
            vocab_size=49408,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            bos_token_id=49406,
            eos_token_id=49407,
        )
    ).save_pretrained(folder / "text_encoder")
    DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=prediction_type,
        rescale_betas_zero_snr=prediction_type == "v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    ).save_pretrained(folder / "scheduler")
    shutil.copytree(TOKENIZER, folder / "tokenizer")
    (folder / "model_index.json").write_text(
        json.dumps(
            {
                "_class_name": "StableDiffusionPipeline",
                "_diffusers_version": "0.42.1",
                "requires_safety_checker": False,
                "safety_checker": [None, None],
                "feature_extractor": [None, None],
                "image_encoder": [None, None],
                "scheduler": ["diffusers", "DDIMScheduler"],
                "text_encoder": ["transformers", "CLIPTextModel"],
                "tokenizer": ["transformers", "CLIPTokenizer"],
                "unet": ["diffusers", "UNet2DConditionModel"],
                "vae": ["diffusers", "AutoencoderKL"],
            }
        ),
        encoding="utf-8",
    )
    return folder


# long: the same for SDXL
def make_xl_base(folder: Path) -> Path:
    """Write a pipeline with the plan of SDXL: two text encoders, sizes as conditions."""
    import torch
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(5)
    UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(8, 16, 16),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        cross_attention_dim=16 + 32,
        attention_head_dim=2,
        norm_num_groups=4,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=6 * 4 + 32,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        block_out_channels=(4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        norm_num_groups=2,
        sample_size=64,
    ).save_pretrained(folder / "vae")
    for name, kind, layers, width in (
        ("text_encoder", CLIPTextModel, 3, 16),
        ("text_encoder_2", CLIPTextModelWithProjection, 10, 32),
    ):
        kind(
            CLIPTextConfig(
                vocab_size=49408,
                hidden_size=width,
                intermediate_size=32,
                num_hidden_layers=layers,
                num_attention_heads=2,
                projection_dim=width,
                bos_token_id=49406,
                eos_token_id=49407,
            )
        ).save_pretrained(folder / name)
        shutil.copytree(TOKENIZER, folder / name.replace("text_encoder", "tokenizer"))
    EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
        steps_offset=1,
    ).save_pretrained(folder / "scheduler")
    parts = {
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    index = {"_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.42.1", **parts}
    index |= {"feature_extractor": [None, None], "image_encoder": [None, None]}
    index |= {"force_zeros_for_empty_prompt": False}
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def make_pictures(folder: Path, count: int = 5, *, size: tuple[int, int] = (64, 64)) -> list[Path]:
    """Write pictures of smooth random colours."""
    folder.mkdir(parents=True, exist_ok=True)
    draws = np.random.default_rng(7)
    paths = []
    for number in range(count):
        small = draws.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        path = folder / f"{number:02d}.png"
        Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path)
        paths.append(path)
    return paths


def make_manifest(folder: Path, paths: list[Path], **extra: Any) -> Path:
    """Write a manifest over pictures; `extra` adds or replaces keys of the whole."""
    images = [
        {
            "id": path.stem,
            "path": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "width": 64,
            "height": 64,
            "caption": f"a thing, number {path.stem}, red, round",
            "repeats": 1,
            "crop": None,
            "mask": None,
            "regularisation": False,
        }
        for path in paths
    ]
    data = {"version": 1, "images": images, "trigger_word": "sks", "class_prompt": "a thing"}
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**data, "kind": "object", **extra}), encoding="utf-8")
    return manifest


def make_config(base: Path, manifest: Path, method: str = "lora", **changes: Any) -> TrainConfig:
    """Return settings for a run of a few quick steps."""
    data: dict[str, Any] = {
        "method": method,
        "output_name": "thing",
        "base_model": {"path": str(base), "name": "Random", "architecture": "tiny"},
        "dataset_manifest": str(manifest),
        "resolution": 64,
        "batch_size": 2,
        "max_steps": 6,
        "learning_rate": 5e-3,
        "mixed_precision": "no",
        "save_precision": "fp32",
        "save_every_epochs": 0,
        "sample_every_epochs": 0,
        "state_every_seconds": 3600,
        "network": {"dim": 4, "alpha": 2.0},
        "textual_inversion": {"token": "<thing>", "vectors": 2, "initial_text": "red thing"},
        "sampling": {"steps": 2, "guidance": 2.0},
    }
    return TrainConfig.parse({**data, **changes})


class Recorder:
    """A listener that keeps every event, and can end the sitting as a kill would."""

    def __init__(self, *, kill_at_step: int | None = None) -> None:
        self.events: list[Event] = []
        self.kill_at_step = kill_at_step

    def on_event(self, event: Event) -> None:
        """Keep the event; raise Killed once the step is told."""
        self.events.append(event)
        if getattr(event, "kind", "") == "stepped" and event.step == self.kill_at_step:
            raise Killed

    def of(self, kind: str) -> list[Any]:
        """Return the events of a kind."""
        return [event for event in self.events if event.kind == kind]


class Killed(BaseException):
    """Ends a sitting between two instructions, with nothing saved."""


class Orders:
    """A control that gives each command when so many questions have been asked."""

    def __init__(self, **at: int) -> None:
        self._at = {number: name for name, number in at.items()}
        self._asked = -1

    def command(self) -> Command | None:
        """Return the command that is due."""
        self._asked += 1
        return self._at.get(self._asked)


def train_20_steps(
    base: Path, manifest: Path, folder: Path, **changes: Any
) -> tuple[list[float], list[float]]:
    """Train a LoRA, with text encoder by default; returns the losses and the gradient's norms."""
    from training.engine.events import NoControl
    from training.engine.runs.loop import train

    recorder = Recorder()
    train(
        make_config(base, manifest, **{"max_steps": 20, "train_text_encoder": True, **changes}),
        run_dir=folder,
        listener=recorder,
        control=NoControl(),
        cache_dir=folder / "cache",
    )
    steps = recorder.of("stepped")
    return [step.loss for step in steps], [step.gradient_norm for step in steps]
