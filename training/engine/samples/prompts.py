"""Sample prompts as kohya writes them: a prompt, then options such as `--n blurry --w 512`.

`--hr` and its like, which kohya does not have, ask for the hires fix.
Torch-free. https://github.com/kohya-ss/sd-scripts#sample-image-generation-during-training
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from training.engine.config.train import TrainConfig
from training.engine.samples.samplers import usable_sampler

UPSCALERS = ("Latent", "Latent (bicubic)", "Latent (nearest-exact)", "Lanczos", "Nearest")
MAX_HIRES = 4.0  # how much larger the second pass may be
LONGEST_SIDE = 2048  # of a picture, in pixels; what a line asks beyond it is cut to it
_OPTION = re.compile(r"\s--(\w+)(?:\s+|$)")


@dataclass(frozen=True)
class HiresFix:
    """A second pass at a larger size; `steps` 0 takes as many as the first.

    `denoising` is the share of the noise that comes back, from 0 to 1.
    """

    scale: float = 2.0
    denoising: float = 0.7
    steps: int = 0
    upscaler: str = "Latent"


@dataclass(frozen=True)
class StartPicture:
    """The picture that img2img begins with; where a mask is white it is painted anew.

    `denoising` is a share from 0 to 1, `mask_blur` in pixels.
    """

    path: Path
    denoising: float = 0.75
    mask: Path | None = None
    mask_blur: int = 4


@dataclass(frozen=True)
class PromptRequest:
    """A picture to make; width and height are those of the first pass, in pixels."""

    prompt: str
    negative: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    sampler: str
    hires: HiresFix | None = None
    start: StartPicture | None = None


def prompt_requests(config: TrainConfig) -> list[PromptRequest]:
    """Return the sample prompts of a run; comments (#) and empty lines are left out."""
    lines = [line.strip() for line in config.sample_prompts]
    kept = [line for line in lines if line and not line.startswith("#")]
    requests = [parse_prompt(line, config, number) for number, line in enumerate(kept)]
    return [_with_learned_word(request, config) for request in requests]


def _with_learned_word(request: PromptRequest, config: TrainConfig) -> PromptRequest:
    """Return the request with a word that is meant for the negative prompt in it."""
    inversion = config.textual_inversion
    if config.method != "textual_inversion" or not inversion.negative:
        return request
    if inversion.token in f"{request.prompt} {request.negative}":
        return request
    parts = [inversion.token, *([request.negative] if request.negative else [])]
    return replace(request, negative=", ".join(parts))


def parse_prompt(line: str, config: TrainConfig, number: int = 0) -> PromptRequest:
    """Read one line; options it leaves out come from the settings, unknown ones are ignored."""
    sampling = config.sampling
    parts = _OPTION.split(f" {line}")
    options = {name: value.strip() for name, value in zip(parts[1::2], parts[2::2], strict=True)}
    side = config.resolution
    width = _side(options.get("w"), sampling.width or side)
    height = _side(options.get("h"), sampling.height or side)
    return PromptRequest(
        prompt=parts[0].strip(),
        negative=options.get("n", sampling.negative),
        width=width,
        height=height,
        steps=int(_number(options.get("s"), sampling.steps, 1, 150)),
        guidance=_number(options.get("l"), sampling.guidance, 0, 30),
        seed=int(_number(options.get("d"), sampling.seed + number, 0, 2**32 - 1)),
        sampler=usable_sampler(options.get("ss") or sampling.sampler),
        hires=_hires(options, largest=min(MAX_HIRES, LONGEST_SIDE / max(width, height))),
    )


def _hires(options: Mapping[str, str], *, largest: float) -> HiresFix | None:
    """Read `--hr 2 --hd 0.5 --hs 10 --hu Lanczos`: scale, denoising, steps and upscaler."""
    scale = _number(options.get("hr"), 1.0, 1, largest)
    if scale == 1:
        return None
    usual = HiresFix()
    named = {name.lower(): name for name in UPSCALERS}
    return HiresFix(
        scale,
        _number(options.get("hd"), usual.denoising, 0, 1),
        int(_number(options.get("hs"), usual.steps, 0, 150)),
        named.get(options.get("hu", "").lower(), usual.upscaler),
    )


def _side(text: str | None, default: int) -> int:
    return max(64, int(_number(text, default, 64, LONGEST_SIDE)) // 8 * 8)


def _number(text: str | None, default: float, least: float, most: float) -> float:
    try:
        value = float(text) if text else default
    except ValueError:
        return default
    return min(most, max(least, value))
