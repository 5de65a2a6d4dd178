"""Lines of sample prompts as kohya writes them: a prompt, then options such as `--n bad --w 512`.

`--hr` and its like, which kohya does not have, ask for the hires fix; `--init` starts from a
picture of the data set, and `--mask` paints a part of it anew.
https://github.com/kohya-ss/sd-scripts#sample-image-generation-during-training
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_SIDE = 2048  # of a picture, in pixels; what a line asks beyond it is cut to it
MAX_HIRES = 4.0  # how much larger the second pass may be
UPSCALERS = ("Latent", "Latent (bicubic)", "Latent (nearest-exact)", "Lanczos", "Nearest")
#: Names of samplers as A1111 writes them, by themselves in lower case and by kohya's short names.
SAMPLER_WORDS = {
    name.lower(): name
    for name in (
        *("Euler", "Euler a", "DDIM", "DPM++ 2M", "DPM++ 2M Karras", "DPM++ 2M SDE"),
        *("DPM++ 2M SDE Karras", "DPM++ SDE", "DPM++ SDE Karras", "UniPC", "LCM"),
    )
} | {
    **{"euler_a": "Euler a", "k_euler": "Euler", "k_euler_a": "Euler a"},
    **{"dpmsolver++": "DPM++ 2M", "dpmsolver": "DPM++ 2M", "uni_pc": "UniPC"},
}


@dataclass(frozen=True)
class Limits:
    """The least and the most that a number of a line may be."""

    least: float
    most: float
    is_whole: bool = True


#: Width and height in pixels, steps, guidance, seed; scale, denoising and steps of the hires fix;
#: denoising of a start from a picture.
NUMBERS = {
    "w": Limits(64, LONGEST_SIDE),
    "h": Limits(64, LONGEST_SIDE),
    "s": Limits(1, 150),
    "l": Limits(0, 30, is_whole=False),
    "d": Limits(0, 2**32 - 1),
    "hr": Limits(1, MAX_HIRES, is_whole=False),
    "hd": Limits(0, 1, is_whole=False),
    "hs": Limits(0, 150),
    "dn": Limits(0, 1, is_whole=False),
}
OPTIONS = ("n", "w", "h", "s", "l", "d", "ss", "hr", "hd", "hs", "hu", "init", "dn", "mask")
#: Options that only say more of another one.
NEEDED = {"hd": "hr", "hs": "hr", "hu": "hr", "dn": "init", "mask": "init"}
FEWEST_DIGITS = 8  # of a hash that names a picture
_OPTION = re.compile(r"\s--(\w+)(?=\s|$)")
_START = re.compile(r"(\s--init\s+)(.*?)(?=\s+--\w+(?:\s|$)|\s*$)", re.IGNORECASE)
_HASH = re.compile(rf"[0-9a-f]{{{FEWEST_DIGITS},64}}")


@dataclass(frozen=True)
class Area:
    """A part of a picture in percent of its width and height, from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


def kept_lines(lines: list[str]) -> list[str]:
    """Return the lines without comments (#) and empty ones."""
    stripped = [line.strip() for line in lines]
    return [line for line in stripped if line and not line.startswith("#")]


def split_line(line: str) -> tuple[str, dict[str, str]]:
    """Return the prompt and the options by their names, as text; kohya takes them in any case."""
    parts = _OPTION.split(f" {line}")
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    options = {name.lower(): value.strip() for name, value in pairs}
    return parts[0].strip(), options


def with_start(line: str, name: str) -> str:
    """Return the line with another name of the picture that it starts from."""
    return _START.sub(lambda found: f"{found[1]}{name}", line)


def number_of(name: str, text: str) -> float | None:
    """Return the number of an option; None for what is none, or beyond its limits."""
    limits = NUMBERS[name]
    try:
        value = float(text)
    except ValueError:
        return None
    fits = limits.least <= value <= limits.most and not (limits.is_whole and value % 1)
    return value if fits else None


def area_of(text: str) -> Area | None:
    """Read `25,25,75,75`: left, top, right and bottom in percent; None for anything else."""
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        return None
    is_area = 0 <= left < right <= 100 and 0 <= top < bottom <= 100
    return Area(left, top, right, bottom) if is_area else None


def is_hash(name: str) -> bool:
    """Whether a picture is named by the beginning of its SHA-256."""
    return _HASH.fullmatch(name.lower()) is not None
