"""Pictures beside a model file, as the community's downloaders name them.

`ink.preview.png` and `ink.png` are what A1111, Civitai Helper, Stability Matrix and LoRA Manager
show. Those that fetch every picture of a model number them: `ink_0.jpg`
(https://github.com/BlafKing/sd-civitai-browser-plus), `ink_0.png` and `ink_0.preview.png`
(https://github.com/SignalFlagZ/sd-civitai-browser), others `ink.1.png`. Any of these is the preview
of another model called `ink_1` or `ink.1`; `ink.image_2.png`, which `pull` writes, never is.
"""

import os
import re
from pathlib import Path

MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif")
PREVIEW = ".preview"
NUMBER = re.compile(r"(?:[._]|\.image_)([0-9]{1,3})")


def pictures_beside(model_file: Path) -> tuple[Path, ...]:
    """The previews first, then the numbered ones in order; none that is another model's."""
    stem = model_file.stem
    try:
        near = _names_from(model_file)
    except OSError:
        return ()
    models = _stems_of_models(near)
    places = {name: place for name in near if (place := _place(name, stem, models)) is not None}
    paths = (model_file.with_name(name) for name in sorted(places, key=places.__getitem__))
    return tuple(path for path in paths if path.is_file())


def preview_path(model_file: Path, content_type: str) -> Path:
    """Where the first picture of a model file goes."""
    return model_file.with_name(f"{model_file.stem}{PREVIEW}{_suffix(content_type)}")


def numbered_path(model_file: Path, number: int, content_type: str) -> Path:
    """Where a further picture goes; its number is its place, the preview has the first."""
    return model_file.with_name(f"{model_file.stem}.image_{number}{_suffix(content_type)}")


def _place(name: str, stem: str, models: set[str]) -> tuple[int, int, int, str] | None:
    """Where a picture stands in the order; None for what is no picture of this model."""
    base, suffix = Path(name).stem, Path(name).suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        return None
    kind = PICTURE_SUFFIXES.index(suffix)
    plain = base.removesuffix(PREVIEW)
    if plain == stem:
        return 0, int(plain == base), kind, name
    number = NUMBER.fullmatch(plain[len(stem) :])
    return None if number is None or plain in models else (1, int(number[1]), kind, name)


def _stems_of_models(names: list[str]) -> set[str]:
    return {path.stem for path in map(Path, names) if path.suffix.lower() in MODEL_SUFFIXES}


def _names_from(model_file: Path) -> list[str]:
    """What begins like a model file in its folder; a Path for each entry there would be slow."""
    with os.scandir(model_file.parent) as entries:
        return [entry.name for entry in entries if entry.name.startswith(model_file.stem)]


def _suffix(content_type: str) -> str:
    kind = content_type.rpartition("/")[2]
    return f".{'jpg' if kind == 'jpeg' else kind}"
