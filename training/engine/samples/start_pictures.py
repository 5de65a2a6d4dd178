"""Pictures as the beginning of others: img2img, masks for inpainting, and larger second passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from training.engine.components import Components
from training.engine.config.prompt_lines import Area
from training.engine.errors import ConfigError
from training.engine.samples.prompts import HiresFix, PromptRequest

INPAINTING_CHANNELS = 9
_LATENT_MODES = {
    "Latent": "bilinear",
    "Latent (bicubic)": "bicubic",
    "Latent (nearest-exact)": "nearest-exact",
}
_PIXEL_MODES = {"Lanczos": Image.Resampling.LANCZOS, "Nearest": Image.Resampling.NEAREST}


def start_latents(components: Components, request: PromptRequest) -> torch.Tensor:
    """Return the latent (1, c, h, w) of the picture that a request starts from."""
    if request.start is None:
        raise ConfigError("There is no picture to start from.")
    picture = opened(request.start.path, request.width, request.height)
    return encode(components, [picture])


def latent_mask(components: Components, request: PromptRequest) -> torch.Tensor | None:
    """Return 1 where a latent is painted anew and 0 where it stays (1, 1, h, w), or None."""
    mask = painted_mask(request)
    if mask is None:
        return None
    scale = components.downscale
    small = mask.resize((request.width // scale, request.height // scale))
    values = np.around(np.asarray(small, dtype=np.float32) / 255)
    return torch.from_numpy(values)[None, None].to(components.device)


def painted_mask(request: PromptRequest) -> Image.Image | None:
    """Return the mask of a request, blurred and in its size; white is painted anew."""
    start = request.start
    if start is None or start.mask is None:
        return None
    mask = (
        _area_mask(start.mask, request.width, request.height)
        if isinstance(start.mask, Area)
        else opened(start.mask, request.width, request.height).convert("L")
    )
    return mask.filter(ImageFilter.GaussianBlur(start.mask_blur)) if start.mask_blur else mask


def _area_mask(area: Area, width: int, height: int) -> Image.Image:
    corners = (area.left * width, area.top * height, area.right * width, area.bottom * height)
    left, top, right, bottom = (round(corner / 100) for corner in corners)
    mask = Image.new("L", (width, height))
    mask.paste(255, (left, top, max(right, left + 1), max(bottom, top + 1)))
    return mask


def with_surroundings(request: PromptRequest, picture: Image.Image) -> Image.Image:
    """Put back, pixel for pixel, what a mask protects."""
    mask = painted_mask(request)
    if mask is None or request.start is None:
        return picture
    original = opened(request.start.path, *picture.size)
    return Image.composite(picture, original, mask.resize(picture.size))


def opened(path: Path, width: int, height: int) -> Image.Image:
    """Read a picture upright, without transparency and resized; ConfigError where it is none."""
    try:
        with Image.open(path) as found:
            upright = ImageOps.exif_transpose(found).convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise ConfigError(f"The picture {path.name} cannot be read: {error}") from error
    return upright.resize((width, height), Image.Resampling.LANCZOS)


@torch.no_grad()
def encode(components: Components, pictures: list[Image.Image]) -> torch.Tensor:
    """Return the latents (n, c, h, w) of pictures of one size: the means, so that it repeats."""
    config = components.vae.config
    shift = getattr(config, "shift_factor", None) or 0.0
    latents = []
    for picture in pictures:
        pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32)).permute(2, 0, 1)
        image = (pixels / 127.5 - 1)[None].to(components.device, components.vae.dtype)
        mean = components.vae.encode(image).latent_dist.mode().float()
        latents.append((mean - shift) * config.scaling_factor)
    return torch.cat(latents)


def inpainting_channels(
    components: Components, request: PromptRequest, mask: torch.Tensor | None
) -> torch.Tensor | None:
    """Return the five channels (1, 5, h, w) that an inpainting UNet wants beside the latent.

    The mask, and the latent of the picture with a grey hole; without a mask all is to be painted.
    """
    if int(components.unet.config.in_channels) != INPAINTING_CHANNELS:
        return None
    size = (request.width, request.height)
    picture = Image.new("RGB", size, (127, 127, 127))
    hole = painted_mask(request)
    if mask is None or hole is None or request.start is None:
        scale = components.downscale
        mask = torch.ones(1, 1, size[1] // scale, size[0] // scale, device=components.device)
    else:
        picture = Image.composite(picture, opened(request.start.path, *size), hole)
    return torch.cat([mask, encode(components, [picture])], dim=1)


def enlarged_size(
    components: Components, request: PromptRequest, hires: HiresFix
) -> tuple[int, int]:
    """Return width and height of the second pass, which the VAE can hold."""
    step = max(8, components.downscale)
    return (
        int(request.width * hires.scale) // step * step,
        int(request.height * hires.scale) // step * step,
    )


def enlarged(
    components: Components,
    latents: torch.Tensor,
    size: tuple[int, int],
    upscaler: str,
    decode: Callable[[Components, torch.Tensor], list[Image.Image]],
) -> torch.Tensor:
    """Return latents at a larger size in pixels, scaled as they are or as pictures.

    Raises ConfigError for an upscaler that is not known.
    """
    if upscaler in _LATENT_MODES:
        scale = components.downscale
        places = (size[1] // scale, size[0] // scale)
        return F.interpolate(latents, size=places, mode=_LATENT_MODES[upscaler])
    if upscaler not in _PIXEL_MODES:
        known = ", ".join((*_LATENT_MODES, *_PIXEL_MODES))
        raise ConfigError(f"There is no upscaler {upscaler!r} here. Choose one of: {known}.")
    mode = _PIXEL_MODES[upscaler]
    return encode(components, [p.resize(size, mode) for p in decode(components, latents)])
