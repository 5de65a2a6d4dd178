"""Where a model goes: folders of A1111 and Forge, ComfyUI and InvokeAI, by the type of model."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from hub.cli.errors import LocalProblem
from hub.cli.language import gettext as _

LORA_TYPES = ("LORA", "LoCon", "DoRA")


class Layout(StrEnum):
    """Programs whose folders are known; FLAT puts everything into one folder."""

    AUTO = "auto"
    A1111 = "a1111"
    FORGE = "forge"
    COMFYUI = "comfyui"
    INVOKEAI = "invokeai"
    FLAT = "flat"


A1111_FOLDERS: Mapping[str, str] = {
    "Checkpoint": "models/Stable-diffusion",
    **dict.fromkeys(LORA_TYPES, "models/Lora"),
    "TextualInversion": "embeddings",
    "Hypernetwork": "models/hypernetworks",
    "VAE": "models/VAE",
    "Controlnet": "models/ControlNet",
    "Upscaler": "models/ESRGAN",
    "TextEncoder": "models/text_encoder",
    "UNet": "models/Stable-diffusion",
    "MotionModule": "extensions/sd-webui-animatediff/model",
    "Wildcards": "extensions/sd-dynamic-prompts/wildcards",
}
COMFYUI_FOLDERS: Mapping[str, str] = {
    "Checkpoint": "models/checkpoints",
    **dict.fromkeys(LORA_TYPES, "models/loras"),
    "TextualInversion": "models/embeddings",
    "Hypernetwork": "models/hypernetworks",
    "VAE": "models/vae",
    "Controlnet": "models/controlnet",
    "Upscaler": "models/upscale_models",
    "TextEncoder": "models/text_encoders",
    "UNet": "models/diffusion_models",
    "CLIPVision": "models/clip_vision",
    "MotionModule": "models/animatediff_models",
    "Workflows": "user/default/workflows",
}
INVOKEAI_FOLDERS: Mapping[str, str] = {
    "Checkpoint": "main",
    **dict.fromkeys(LORA_TYPES, "lora"),
    "TextualInversion": "embedding",
    "VAE": "vae",
    "Controlnet": "controlnet",
    "Upscaler": "spandrel_image_to_image",
    "CLIPVision": "clip_vision",
}
INVOKEAI_BASES: Mapping[str, str] = {
    "sd1": "sd-1",
    "sd2": "sd-2",
    "sdxl": "sdxl",
    "sd3": "sd-3",
    "flux1": "flux",
}
SIGNS: Mapping[Layout, tuple[str, ...]] = {
    Layout.COMFYUI: ("comfy", "models/checkpoints"),
    Layout.INVOKEAI: ("invokeai.yaml", "databases/invokeai.db"),
    Layout.A1111: ("modules/launch_utils.py", "webui.py", "models/Stable-diffusion"),
}


def detect_layout(root: Path) -> Layout:
    """Which program's folder this is; FLAT when it is none that is known."""
    for layout, signs in SIGNS.items():
        if any((root / sign).exists() for sign in signs):
            return layout
    return Layout.FLAT


def folder_for(root: Path, layout: Layout, *, model_type: str, base_family: str) -> Path:
    """The folder for a model of this type. Raises LocalProblem where the program has none."""
    chosen = detect_layout(root) if layout is Layout.AUTO else layout
    if chosen is Layout.FLAT:
        return root
    if chosen is Layout.INVOKEAI:
        inside = _invokeai(model_type, base_family)
    else:
        known = COMFYUI_FOLDERS if chosen is Layout.COMFYUI else A1111_FOLDERS
        inside = known.get(model_type, f"models/{model_type}")
    return root / inside


def is_lora(model_type: str) -> bool:
    """Whether prompts call it by `<lora:name:weight>`."""
    return model_type in LORA_TYPES


def _invokeai(model_type: str, base_family: str) -> str:
    kind = INVOKEAI_FOLDERS.get(model_type)
    if kind is None:
        raise LocalProblem(
            _(
                "InvokeAI has no folder for models of the type {type}. "
                "Name one with --layout flat --to FOLDER."
            ).format(type=model_type),
            code="no_folder",
        )
    return f"models/{INVOKEAI_BASES.get(base_family, 'any')}/{kind}"
