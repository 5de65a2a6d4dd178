"""Where the usual programs look for a model of a type; folders as their documentation names them.

A1111 and Forge: `models/…` below the program's folder. ComfyUI: below its own folder. InvokeAI has
no folder to put files into: since 4.0 its model manager takes them (Scan Folder, or an address),
see https://invoke-ai.github.io/InvokeAI/installation/models/.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from models_registry.models.model import ModelType


@dataclass(frozen=True, slots=True)
class InstallPath:
    """A program, and the folder below its own that the file goes into, or what to do instead."""

    program: str
    folder: str
    instead: str = ""


A1111, COMFYUI, INVOKEAI = "A1111 / Forge", "ComfyUI", "InvokeAI"
_LORA = ("models/Lora", "models/loras")
FOLDERS: Mapping[str, tuple[str, str]] = {
    ModelType.CHECKPOINT: ("models/Stable-diffusion", "models/checkpoints"),
    ModelType.TEXTUAL_INVERSION: ("embeddings", "models/embeddings"),
    ModelType.HYPERNETWORK: ("models/hypernetworks", "models/hypernetworks"),
    ModelType.LORA: _LORA,
    ModelType.LOCON: _LORA,
    ModelType.DORA: _LORA,
    ModelType.VAE: ("models/VAE", "models/vae"),
    ModelType.CONTROLNET: ("models/ControlNet", "models/controlnet"),
    ModelType.UPSCALER: ("models/ESRGAN", "models/upscale_models"),
    ModelType.MOTION_MODULE: (
        "extensions/sd-webui-animatediff/model",
        "models/animatediff_models",
    ),
    ModelType.TEXT_ENCODER: ("models/text_encoder", "models/text_encoders"),
    ModelType.UNET: ("models/Stable-diffusion", "models/diffusion_models"),
    ModelType.CLIP_VISION: ("", "models/clip_vision"),
    ModelType.WILDCARDS: ("extensions/sd-dynamic-prompts/wildcards", ""),
    ModelType.WORKFLOWS: ("", "user/default/workflows"),
    ModelType.AESTHETIC_GRADIENT: (
        "extensions/stable-diffusion-webui-aesthetic-gradients/aesthetic_embeddings",
        "",
    ),
}
INVOKEAI_TYPES = frozenset(
    {
        *(ModelType.CHECKPOINT, ModelType.TEXTUAL_INVERSION, ModelType.LORA, ModelType.LOCON),
        *(ModelType.DORA, ModelType.VAE, ModelType.CONTROLNET, ModelType.UPSCALER),
        *(ModelType.CLIP_VISION, ModelType.TEXT_ENCODER),
    }
)


def install_paths(type: str) -> tuple[InstallPath, ...]:
    """The places for a type, program by program; programs that cannot use it are left out."""
    found = [InstallPath(program, folder_in(program, type)) for program in (A1111, COMFYUI)]
    found = [path for path in found if path.folder]
    if type in INVOKEAI_TYPES:
        instead = _("Model manager › Add models › Scan folder, or paste the download address")
        found.append(InstallPath(INVOKEAI, "", instead))
    return tuple(found)


def folder_in(program: str, type: str) -> str:
    """The folder of one program for a type, or nothing where it has none."""
    folders = FOLDERS.get(type, ("", ""))
    return folders[0] if program == A1111 else folders[1]
