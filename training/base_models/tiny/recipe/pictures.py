"""Pictures as tensors and back, grids, and the losses that compare pictures."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.base_models.tiny.recipe.colours import Pixels


def to_tensor(pictures: Pixels) -> Tensor:
    """Turn (N, H, W, 3) bytes into (N, 3, H, W) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_pixels(pictures: Tensor) -> Pixels:
    """Turn (N, 3, H, W) in -1..1 into (N, H, W, 3) bytes."""
    scaled = ((pictures.detach().clamp(-1, 1) + 1) * 127.5).round().byte()
    pixels: Pixels = scaled.permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def psnr(left: Tensor, right: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of pictures in -1..1."""
    return float(10 * torch.log10(4 / (left - right).square().mean()))


def steps(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences of neighbouring pixels, across and down."""
    return pictures[..., 1:] - pictures[..., :-1], pictures[..., 1:, :] - pictures[..., :-1, :]


def picture_loss(drawn: Tensor, wanted: Tensor, square: float = 0.5) -> Tensor:
    """L1 plus a share of L2 plus L1 of the pixel steps, which keeps edges."""
    error = drawn - wanted
    edges = sum((a - b).abs().mean() for a, b in zip(steps(drawn), steps(wanted), strict=True))
    return error.abs().mean() + square * error.square().mean() + edges


def sheet(pictures: Pixels, columns: int, gap: int = 2) -> Image.Image:
    """Lay pictures out in rows."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    page = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for i, picture in enumerate(pictures):
        place = (i % columns) * (width + gap), (i // columns) * (height + gap)
        page.paste(Image.fromarray(picture), place)
    return page
