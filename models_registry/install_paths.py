"""Where the usual programs look for a model of a type; folders as their documentation names them.

A1111 and Forge: `models/…` below the program's folder. ComfyUI: below its own folder. InvokeAI has
no fixed folders: it scans the one that is named here, or takes the file through its model manager.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models_registry.models.model import ModelType


@dataclass(frozen=True, slots=True)
class InstallPath:
    """A program and the folder below its own that the file goes into."""

    program: str
    folder: str


PROGRAMS = ("A1111 / Forge", "ComfyUI", "InvokeAI")
_LORA = ("models/Lora", "models/loras", "autoimport/lora")
FOLDERS: Mapping[str, tuple[str, str, str]] = {
    ModelType.CHECKPOINT: ("models/Stable-diffusion", "models/checkpoints", "autoimport/main"),
    ModelType.TEXTUAL_INVERSION: ("embeddings", "models/embeddings", "autoimport/embedding"),
    ModelType.HYPERNETWORK: ("models/hypernetworks", "models/hypernetworks", ""),
    ModelType.LORA: _LORA,
    ModelType.LOCON: _LORA,
    ModelType.DORA: _LORA,
    ModelType.VAE: ("models/VAE", "models/vae", "autoimport/main"),
    ModelType.CONTROLNET: ("models/ControlNet", "models/controlnet", "autoimport/controlnet"),
    ModelType.UPSCALER: ("models/ESRGAN", "models/upscale_models", ""),
    ModelType.MOTION_MODULE: (
        "extensions/sd-webui-animatediff/model",
        "models/animatediff_models",
        "",
    ),
    ModelType.TEXT_ENCODER: ("models/text_encoder", "models/text_encoders", ""),
    ModelType.UNET: ("models/Stable-diffusion", "models/diffusion_models", ""),
    ModelType.CLIP_VISION: ("", "models/clip_vision", ""),
    ModelType.WILDCARDS: ("extensions/sd-dynamic-prompts/wildcards", "", ""),
    ModelType.WORKFLOWS: ("", "user/default/workflows", ""),
    ModelType.AESTHETIC_GRADIENT: (
        "extensions/stable-diffusion-webui-aesthetic-gradients/aesthetic_embeddings",
        "",
        "",
    ),
}


def install_paths(type: str) -> tuple[InstallPath, ...]:
    """The folders for a type, program by program; programs that cannot use it are left out."""
    folders = FOLDERS.get(type, ("", "", ""))
    return tuple(
        InstallPath(program, folder)
        for program, folder in zip(PROGRAMS, folders, strict=True)
        if folder
    )
