"""Sample prompts of a run as requests for pictures; their lines are read by config.prompt_lines.

Torch-free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from training.engine.config.prompt_lines import (
    LONGEST_SIDE,
    MAX_HIRES,
    UPSCALERS,
    Area,
    area_of,
    kept_lines,
    split_line,
)
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.samples.samplers import usable_sampler

Find = Callable[[str], Path | None]


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
    """The picture that img2img begins with.

    Where a mask is white, or in an area, it is painted anew. `denoising` is a share from 0 to 1,
    `mask_blur` in pixels.
    """

    path: Path
    denoising: float = 0.75
    mask: Path | Area | None = None
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


def prompt_requests(config: TrainConfig, find: Find | None = None) -> list[PromptRequest]:
    """Return the sample prompts of a run; comments (#) and empty lines are left out.

    `find` gives the pictures that lines start from. Raises ConfigError where there is no such one.
    """
    lines = enumerate(kept_lines(config.sample_prompts))
    requests = [parse_prompt(line, config, number, find) for number, line in lines]
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


def parse_prompt(
    line: str, config: TrainConfig, number: int = 0, find: Find | None = None
) -> PromptRequest:
    """Read one line; options it leaves out come from the settings, unknown ones are ignored.

    So is a start from a picture where there is no data set to `find` it in.
    """
    sampling = config.sampling
    prompt, options = split_line(line)
    side = config.resolution
    width = _side(options.get("w"), sampling.width or side)
    height = _side(options.get("h"), sampling.height or side)
    return PromptRequest(
        prompt=prompt,
        negative=options.get("n", sampling.negative),
        width=width,
        height=height,
        steps=int(_number(options.get("s"), sampling.steps, 1, 150)),
        guidance=_number(options.get("l"), sampling.guidance, 0, 30),
        seed=int(_number(options.get("d"), sampling.seed + number, 0, 2**32 - 1)),
        sampler=usable_sampler(options.get("ss") or sampling.sampler),
        hires=_hires(options, largest=min(MAX_HIRES, LONGEST_SIDE / max(width, height))),
        start=_start(options, find) if find is not None else None,
    )


def _start(options: Mapping[str, str], find: Find) -> StartPicture | None:
    """Read `--init 0a1b2c3d --dn 0.6 --mask 25,25,75,75`: picture, denoising, what is painted."""
    name = options.get("init", "")
    if not name:
        return None
    path = find(name)
    if path is None:
        raise ConfigError(
            f"A sample prompt starts from {name!r}, which is no picture of the data set. Name one "
            "by its file name, or by the first digits of its SHA-256."
        )
    usual = StartPicture(path)
    share = _number(options.get("dn"), usual.denoising, 0, 1)
    return StartPicture(path, share, area_of(options.get("mask", "")))


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
        value = float(text.split()[0]) if text else default
    except ValueError:
        return default
    return min(most, max(least, value))
