"""Names that peft, diffusers and ComfyUI give the tensors of a LoRA, and kohya's for the same.

    unet.down_blocks.0.attentions.0.proj_in.lora_A.weight               peft in a pipeline
    unet.down_blocks.0.attentions.0.proj_in.lora.down.weight            diffusers
    text_encoder.text_model…q_proj.lora_linear_layer.up.weight          diffusers, of a text encoder
    down_blocks.0…attn1.processor.to_q_lora.down.weight                 diffusers until 2023
    base_model.model.down_blocks.0…to_q.lora_A.weight                   peft's adapter_model
    diffusion_model.input_blocks.1.1.proj_in.lora_up.weight             ComfyUI
    clip_l.text_model…q_proj.lora_down.weight                           OneTrainer

https://github.com/huggingface/diffusers/blob/main/src/diffusers/utils/state_dict_utils.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace

from training.engine.files.unet_names import ldm_module_path

PEFT = "base_model.model."
MAGNITUDE = "lora_magnitude_vector"
UNET, FIRST_TEXT, SECOND_TEXT = "unet", "text_encoder", "text_encoder_2"
COMPONENTS = {
    "unet.": UNET,
    "text_encoder_2.": SECOND_TEXT,
    "text_encoder.": FIRST_TEXT,
    "diffusion_model.": UNET,
    "text_encoders.clip_l.transformer.": FIRST_TEXT,
    "text_encoders.clip_g.transformer.": SECOND_TEXT,
    "clip_l.": FIRST_TEXT,
    "clip_g.": SECOND_TEXT,
}
_OWN = re.compile(r"(?:lora|lycoris|oft)_|bundle_emb\.")
_SIDES = {"A": "lora_down.weight", "B": "lora_up.weight", "down": "lora_down.weight",
          "up": "lora_up.weight"}  # fmt: skip
_MATRIX = re.compile(
    r"(?P<path>.+?)"
    r"(?:\.lora_(?P<peft>[AB])(?:\.\w+)?|(?:\.lora|\.lora_linear_layer)\.(?P<side>up|down)"
    r"|(?:\.processor)?(?P<old>\.to_(?:q|k|v|out))_lora\.(?P<old_side>up|down)"
    r"|\.lora_(?P<dotted>up|down))\.weight"
)
_MAGNITUDE = re.compile(rf"(?P<path>.+?)\.(?:{MAGNITUDE}(?:\.\w+)*|dora_scale)")
_ALPHA = re.compile(r"(?P<path>.+?)(?:\.lora|\.lora_linear_layer)?\.alpha")
_OTHER = re.compile(r"(?P<path>.+)\.(?P<part>(?:hada|lokr)_[a-z0-9_]+)(?:\.default)?")
_OLD_TEXT = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
_OF_TEXT = ("text_model.", "encoder.layers.", "text_projection")
_XL = SimpleNamespace(
    layers_per_block=2, up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")
)


@dataclass(frozen=True)
class AdapterName:
    """A tensor of a LoRA: its component of the pipeline, the path of its layer, and its part."""

    component: str
    path: str
    part: str  # in kohya's and LyCORIS's words

    def layer(self, *, xl: bool) -> str:
        """Return the layer as kohya's files name it; those of SDXL have two text encoders."""
        path = self.path
        if self.component == UNET:
            return "lora_unet_" + (_sgm(path) if xl else path).replace(".", "_")
        if not path.startswith(("text_model.", "text_projection")):
            path = f"text_model.{path}"  # newer versions of transformers leave it out
        number = {FIRST_TEXT: "1" if xl else "", SECOND_TEXT: "2"}[self.component]
        return f"lora_te{number}_{path.replace('.', '_')}"


def is_kohyas(name: str) -> bool:
    """Tell whether a tensor has the name of a layer without dots, as kohya and LyCORIS write it."""
    return _OWN.match(name) is not None


def parse_name(name: str) -> AdapterName | None:
    """Read a tensor's name; None for kohya's own names, and for what is no part of a LoRA."""
    if is_kohyas(name):
        return None
    for pattern in (_MATRIX, _MAGNITUDE, _ALPHA, _OTHER):
        found = pattern.fullmatch(name)
        if found is not None:
            component, path = _component(found["path"])
            return AdapterName(component, *_layer(component, path, found.groupdict(), pattern))
    return None


def is_of_xl(names: Iterable[tuple[AdapterName, tuple[int, ...]]]) -> bool:
    """Tell by names and shapes whether a LoRA is of SDXL: two text encoders, or a context of 2048.

    Files of one part alone may not tell; their layers then have the names that all models know.
    """
    return any(
        name.component == SECOND_TEXT
        or (
            ".attn2.to_k" in name.path and name.part == "lora_down.weight" and shape[-1:] == (2048,)
        )
        for name, shape in names
    )


def _component(path: str) -> tuple[str, str]:
    path = path.removeprefix(PEFT)
    for prefix, component in COMPONENTS.items():
        if path.startswith(prefix):
            return component, path.removeprefix(prefix).removeprefix(PEFT)
    return FIRST_TEXT if path.startswith(_OF_TEXT) else UNET, path


def _layer(
    component: str, path: str, found: dict[str, str | None], pattern: re.Pattern[str]
) -> tuple[str, str]:
    """Return the path of the layer and the part, of what a pattern found."""
    if pattern is _MATRIX:
        side = found["peft"] or found["side"] or found["old_side"] or found["dotted"] or ""
        path += found["old"] or ""
        return _todays_path(component, path), _SIDES[side]
    parts = {_MAGNITUDE: "dora_scale", _ALPHA: "alpha"}
    return _todays_path(component, path), parts.get(pattern) or str(found["part"])


def _todays_path(component: str, path: str) -> str:
    """Return the path of a layer that the first versions of diffusers named otherwise."""
    start, _, last = path.rpartition(".")
    if component == UNET:
        return f"{path}.0" if last == "to_out" else path
    return f"{start}.{_OLD_TEXT[last]}" if last in _OLD_TEXT else path


def _sgm(path: str) -> str:
    try:
        return ldm_module_path(path, _XL)
    except (KeyError, IndexError):
        return path  # a name of the original layout already, or of no layer that is known
