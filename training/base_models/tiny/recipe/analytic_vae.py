"""An AutoencoderKL (128 px to 16 x 16 x 8) that starts as a linear patch transform, not as noise.

Encoder: mean of 2 x 2 pixels, two Haar steps, 8 principal components, softly whitened. It is never
trained, so latents are final from the first minute. Decoder: bilinear inverse of the components'
mean colour; training only has to add the detail.

GroupNorm and SiLU are made linear by paired channels, since silu(x) - silu(-x) = x, and by a large
constant pair that fixes each group's variance.
"""

from typing import Any, Final

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor, nn

from training.base_models.tiny.recipe.colours import Pixels
from training.base_models.tiny.recipe.pictures import to_tensor

LATENT_CHANNELS: Final = 8
CHANNELS: Final = (16, 16, 32, 64)
FEATURES: Final = 21
LOG_VARIANCE: Final = -7.0
ENCODER_CONSTANT, DECODER_CONSTANT = 10.0, 6.0
RGB_PAIRS: Final = ((0, 1), (2, 3), (8, 9))
CONSTANT_PAIRS: Final = ((4, 5), (10, 11))
HAAR = (
    torch.tensor(
        [[[1, 1], [1, 1]], [[1, 1], [-1, -1]], [[1, -1], [1, -1]], [[1, -1], [-1, 1]]]
    ).float()
    / 2
)
BILINEAR = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16


def empty_autoencoder() -> AutoencoderKL:
    """Build the architecture (0.67 M parameters)."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=2,
        sample_size=128,
        mid_block_add_attention=False,
    )


@torch.no_grad()
def analytic_autoencoder(pictures: Tensor) -> AutoencoderKL:
    """Fit the linear start to pictures (N, 3, 128, 128) in -1..1; sets the scaling factor."""
    torch.manual_seed(0)
    vae = empty_autoencoder().eval()
    _start_encoder(vae, pictures)
    latents = torch.cat([vae.encode(x).latent_dist.mean for x in pictures.split(50)])
    _start_decoder(vae, latents, pictures)
    # unit variance for the four strong channels, which carry 94 % of the picture
    vae.register_to_config(scaling_factor=round(float(1 / latents[:, :4].std()), 6))
    return vae


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: Pixels) -> NDArray[np.float32]:
    """Return scaled latents (N, 8, 16, 16) of pictures (N, 128, 128, 3)."""
    parts = np.array_split(pictures, max(1, len(pictures) // 48))
    means = torch.cat([vae.encode(to_tensor(part)).latent_dist.mean for part in parts])
    latents: NDArray[np.float32] = (means * vae.config.scaling_factor).numpy()
    return latents


def _zero(module: nn.Module) -> None:
    for parameter in module.parameters():
        parameter.zero_()


def _scale_residuals(resnets: Any, scale: float) -> None:
    for resnet in resnets:
        resnet.conv2.weight.mul_(scale)
        resnet.conv2.bias.zero_()


def _start_encoder(vae: AutoencoderKL, pictures: Tensor) -> None:
    encoder = vae.encoder
    for block in (*encoder.down_blocks, encoder.mid_block):
        _scale_residuals(block.resnets, 0.0)
    _zero(encoder.conv_in)
    for channel in range(3):
        encoder.conv_in.weight[channel, channel, 1, 1] = 1
    _start_downsamplers(encoder)
    features = torch.cat([_haar_features(encoder, x) for x in pictures.split(50)])
    rows, offsets = _whitened_components(features)
    shortcut = encoder.down_blocks[3].resnets[0].conv_shortcut
    _zero(shortcut)
    _zero(encoder.conv_out)
    for k in range(LATENT_CHANNELS):
        first = (k // 4) * 32 + (k % 4) * 2
        for sign, channel in ((1, first), (-1, first + 1)):
            shortcut.weight[channel, :FEATURES, 0, 0] = sign * rows[k]
            shortcut.bias[channel] = -sign * offsets[k]
            encoder.conv_out.weight[k, channel, 1, 1] = sign
    for group in (0, 32):
        shortcut.bias[group + 8 : group + 16 : 2] = ENCODER_CONSTANT
        shortcut.bias[group + 9 : group + 17 : 2] = -ENCODER_CONSTANT
    encoder.conv_norm_out.weight.fill_(ENCODER_CONSTANT * (8 / 32) ** 0.5)
    encoder.conv_norm_out.bias.zero_()
    _zero(vae.quant_conv)
    vae.quant_conv.bias[LATENT_CHANNELS:] = LOG_VARIANCE
    for k in range(LATENT_CHANNELS):
        vae.quant_conv.weight[k, k] = 1


def _start_downsamplers(encoder: Any) -> None:
    mean, first, second = (encoder.down_blocks[i].downsamplers[0].conv for i in range(3))
    shortcut = encoder.down_blocks[2].resnets[0].conv_shortcut
    for module in (mean, first, second, shortcut):
        _zero(module)
    for colour in range(3):
        mean.weight[colour, colour, :2, :2] = 0.25
        for band in range(4):  # channels 0-2 low, 3-11 detail
            first.weight[band * 3 + colour, colour, :2, :2] = HAAR[band]
            second.weight[band * 3 + colour, colour, :2, :2] = HAAR[band] / 2
    for channel in range(12):
        shortcut.weight[channel, channel] = 1
    for channel in range(3, 12):  # the fine details of four patches are averaged
        second.weight[9 + channel, channel, :2, :2] = HAAR[0] / 2


def _haar_features(encoder: Any, pictures: Tensor) -> Tensor:
    hidden = encoder.conv_in(pictures)
    for block in encoder.down_blocks[:3]:
        hidden = block(hidden)
    return hidden[:, :FEATURES].permute(0, 2, 3, 1).reshape(-1, FEATURES)


def _whitened_components(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows (8, 21) and offsets (8,) so that output k has deviation sqrt(sd_k / sd_0)."""
    mean = features.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((features - mean).T))
    values, vectors = values.flip(0)[:LATENT_CHANNELS], vectors.flip(1)[:, :LATENT_CHANNELS]
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    deviation = values.sqrt()
    target = (deviation / deviation[0]).sqrt()
    rows = (vectors * largest.sign() * (target / deviation)).T
    return rows, rows @ mean


def _start_decoder(vae: AutoencoderKL, latents: Tensor, pictures: Tensor) -> None:
    decoder = vae.decoder
    _zero(vae.post_quant_conv)
    for k in range(LATENT_CHANNELS):
        vae.post_quant_conv.weight[k, k] = 1
    decoder.conv_in.weight.mul_(0.5)
    _pass_through(decoder.conv_in, torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]))
    for block in (decoder.mid_block, *decoder.up_blocks):
        _scale_residuals(block.resnets, 0.1)
    for block in decoder.up_blocks[:2]:
        block.upsamplers[0].conv.weight[LATENT_CHANNELS:].mul_(0.7)
        _pass_through(block.upsamplers[0].conv, BILINEAR)
    _pass_through(decoder.up_blocks[1].resnets[0].conv_shortcut, torch.ones(1, 1))
    _latents_to_colours(
        decoder.up_blocks[2].resnets[0].conv_shortcut, _mean_colour_fit(latents, pictures)
    )
    last = decoder.up_blocks[2].upsamplers[0].conv
    _zero(last)
    for channel in range(CHANNELS[0]):
        last.weight[channel, channel] = BILINEAR
    decoder.conv_norm_out.weight.fill_(DECODER_CONSTANT * (2 / 8) ** 0.5 * 1.03)
    decoder.conv_norm_out.bias.zero_()
    decoder.conv_out.weight.mul_(0.02)
    decoder.conv_out.bias.zero_()
    for colour, (plus, minus) in enumerate(RGB_PAIRS):
        decoder.conv_out.weight[colour, plus, 1, 1] += 1
        decoder.conv_out.weight[colour, minus, 1, 1] -= 1


def _pass_through(conv: Any, kernel: Tensor) -> None:
    """Make the first 8 output channels the same input channels, filtered by one kernel."""
    conv.weight[:LATENT_CHANNELS].zero_()
    conv.bias[:LATENT_CHANNELS].zero_()
    for k in range(LATENT_CHANNELS):
        conv.weight[k, k] = kernel


def _mean_colour_fit(latents: Tensor, pictures: Tensor) -> Tensor:
    """Least squares from a latent cell to the mean colour of its 8 x 8 pixels; (9, 3)."""
    colours = nn.functional.avg_pool2d(pictures, 8).permute(0, 2, 3, 1).reshape(-1, 3)
    cells = latents.permute(0, 2, 3, 1).reshape(-1, LATENT_CHANNELS)
    cells = torch.cat([cells, torch.ones(len(cells), 1)], 1)
    return torch.linalg.lstsq(cells, colours).solution


def _latents_to_colours(shortcut: Any, fit: Tensor) -> None:
    shortcut.weight.mul_(0.3)
    for colour, pair in enumerate(RGB_PAIRS):
        for sign, channel in zip((1, -1), pair, strict=True):
            shortcut.weight[channel].zero_()
            shortcut.weight[channel, :LATENT_CHANNELS, 0, 0] = sign * fit[:-1, colour]
            shortcut.bias[channel] = sign * fit[-1, colour]
    for pair in CONSTANT_PAIRS:
        for sign, channel in zip((1, -1), pair, strict=True):
            shortcut.weight[channel].zero_()
            shortcut.bias[channel] = sign * DECODER_CONSTANT
