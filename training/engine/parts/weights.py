"""Where a folder in diffusers layout keeps the weights of a part, and what it calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from training.engine.errors import BaseModelError

_FILES: Final = ("diffusion_pytorch_model", "model", "pytorch_model")
_OLD_ATTENTION: Final = (
    (".query.", ".to_q."),
    (".key.", ".to_k."),
    (".value.", ".to_v."),
    (".proj_attn.", ".to_out.0."),
)


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights of one part, the full ones before fp16 variants.

    Raises BaseModelError where there are none, or their index cannot be read.
    """
    for stem in _FILES:
        for ending in (".safetensors", ".bin"):
            index = folder / f"{stem}{ending}.index.json"
            if index.is_file():
                return [folder / name for name in _named_by(index)]
        for ending in (".safetensors", ".fp16.safetensors", ".bin"):
            if (folder / f"{stem}{ending}").is_file():
                return [folder / f"{stem}{ending}"]
    raise BaseModelError(
        f"The folder {folder.parent.name}/{folder.name} holds no weights. Get the whole model."
    )


def _named_by(index: Path) -> list[str]:
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (OSError, ValueError, KeyError) as error:
        raise BaseModelError(f"{index.name} of the model folder cannot be read: {error}") from error
    return sorted({Path(name).name for name in places.values()})


def newer_name(name: str) -> str:
    """Return a name as diffusers writes it since 0.17; the folders of SD 1.5 are older."""
    for old, new in _OLD_ATTENTION:
        name = name.replace(old, new)
    return name
