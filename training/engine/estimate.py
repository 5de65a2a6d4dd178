"""What a run will take, before it starts: steps, memory, time. Torch-free.

The figures per family come from measurements (training/engine/estimate.py is their only home):
arithmetic per picture at a reference size, and bytes for weights and activations.
"""

from __future__ import annotations

from dataclasses import dataclass

from training.engine.config.train import TrainConfig
from training.engine.data.looks import most_looks

GIB = 2**30


@dataclass(frozen=True)
class FamilyCost:
    """Cost of a family: parameters in millions, work and activations of one picture."""

    unet_millions: float
    text_millions: float
    vae_millions: float
    reference_side: int  # pixels
    gflop_per_picture: float  # LoRA step, forward and backward, at the reference side
    activation_bytes: float  # of one picture at the reference side, without checkpointing
    adapter_millions_per_rank: float  # of the UNet, and of the text encoders
    text_adapter_millions_per_rank: float
    gflop_per_encoding: float  # of one look by the VAE, at the reference side
    latent_channels: int = 4
    efficiency: float = 1.0  # small layers keep a machine less busy
    convolutions: tuple[tuple[float, float], ...] = ()  # as below, from the outermost level on


# Millions of weights of a UNet's 3 x 3 convolutions in each level: up to 640 x 960, and larger.
_SD = ((16.59, 0.0), (29.49, 33.18), (0.0, 191.69), (0.0, 250.68))
_XL = ((16.59, 0.0), (29.49, 33.18), (0.0, 235.93))
FAMILIES: dict[str, FamilyCost] = {
    "tiny": FamilyCost(5.6, 6.8, 0.67, 128, 2.6, 10e6, 0.0274, 0.0046, 0.37, 8, 0.45),
    "sd1": FamilyCost(
        859.5, 123.1, 83.7, 512, 1725.0, 2.3e9, 0.424, 0.166, 1117.0, convolutions=_SD
    ),
    "sd2": FamilyCost(
        865.9, 340.4, 83.7, 512, 1750.0, 2.3e9, 0.432, 0.424, 1117.0, convolutions=_SD
    ),
    "sdxl": FamilyCost(
        2567.5, 817.0, 83.7, 1024, 12_900.0, 7.3e9, 2.66, 0.903, 4879.0, convolutions=_XL
    ),
}
ADAPTER_SHARES = {"lora": 1.0, "loha": 2.0, "lokr": 0.15}  # weights of a rank, against LoRA's
# Bytes for each trained weight: its gradient, and what the optimizer remembers of it.
OPTIMIZER_BYTES = {
    "adamw": 12.0, "adamw8bit": 6.1, "adafactor": 4.1, "lion": 8.0, "prodigy": 20.0, "sgd": 8.0,
}  # fmt: skip
RUNTIME_GIB = {"cpu": 0.33, "cuda": 0.55}  # of Python and torch, whatever is trained
SAVED_BY_CHECKPOINTS = 0.42  # of the activations, what is left with them
HALF_ACTIVATIONS = {"cpu": 0.75, "cuda": 0.78}  # against those in float32
CPU_GFLOPS_PER_CORE = 55.0
GPU_GFLOPS = 8_000.0  # what a mid-range card sustains in training
DOWNSCALE = 8  # pixels of a latent's side, in all families
START_SECONDS = {"cpu": 12.0, "cuda": 20.0}


@dataclass(frozen=True)
class Estimate:
    """What a run will take; `seconds` includes start, encoding and samples, memory is the peak."""

    steps: int
    steps_per_epoch: int
    pictures_shown: int
    seconds: float
    memory_bytes: int
    file_bytes: int


def estimate(
    config: TrainConfig,
    *,
    images: int,
    repeats: float = 1.0,
    device: str = "cpu",
    cores: int = 2,
    gpu_gflops: float = GPU_GFLOPS,
) -> Estimate:
    """Return what a run takes with this many pictures, each repeated `repeats` times on average.

    No latent is thought to be cached, and each picture to have as many looks as one can have.
    """
    config = config.resolved()
    family = FAMILIES[guess_family(config)]
    trained = max(1, images - round(images * config.validation.share))
    per_epoch = max(1, -(-round(trained * repeats) // config.batch_size))
    per_epoch = -(-per_epoch // config.gradient_accumulation)
    steps = min(
        (config.epochs or 10**9) * per_epoch, config.max_steps if config.max_steps else 10**12
    )
    shown = min(steps, 10**9) * config.batch_size * config.gradient_accumulation
    if config.prior.enabled:
        shown *= 2
    speed = gpu_gflops if device == "cuda" else CPU_GFLOPS_PER_CORE * cores * family.efficiency
    work = _work_per_picture(config, family)
    latents = _latents(config, trained, images - trained)
    encoding = latents * family.gflop_per_encoding * _scale(config, family)
    seconds = (
        START_SECONDS[device]
        + (shown * work + encoding) / speed
        + _sampling_seconds(config, family, speed, max(1, steps // per_epoch))
    )
    return Estimate(
        steps=steps,
        steps_per_epoch=per_epoch,
        pictures_shown=shown,
        seconds=round(seconds, 1),
        memory_bytes=_memory(config, family, device, latents),
        file_bytes=_file_bytes(config, family),
    )


def guess_family(config: TrainConfig) -> str:
    """Return the family that the settings name, or the one that their resolution suggests."""
    if config.base_model.architecture != "auto":
        return config.base_model.architecture
    if config.resolution < 256:
        return "tiny"
    return "sdxl" if config.resolution >= 896 else "sd1"


def _scale(config: TrainConfig, family: FamilyCost) -> float:
    return float((config.resolution / family.reference_side) ** 2)


def _latents(config: TrainConfig, trained: int, held_out: int) -> int:
    """Return how many latents the pictures have: one for each look, and for its mirror."""
    looks = trained * most_looks(config) + max(0, held_out)
    return looks * (2 if config.flip else 1)


def _latent_bytes(config: TrainConfig, family: FamilyCost) -> float:
    """Return the bytes of a mean and a deviation in float32, which stay in main memory."""
    return 2 * 4 * family.latent_channels * float((config.resolution / DOWNSCALE) ** 2)


def _work_per_picture(config: TrainConfig, family: FamilyCost) -> float:
    work = family.gflop_per_picture * _scale(config, family)
    return work * (1.45 if config.method == "dreambooth" else 1.0)


def _sampling_seconds(config: TrainConfig, family: FamilyCost, speed: float, epochs: int) -> float:
    if not config.sample_every_epochs or not config.sample_prompts:
        return 0.0
    pictures = len(config.sample_prompts) * max(1, epochs // config.sample_every_epochs)
    forward = family.gflop_per_picture * _scale(config, family) * 0.45
    guided = 2 if config.sampling.guidance > 1 else 1
    return pictures * config.sampling.steps * forward * guided / speed


def _trained_millions(config: TrainConfig, family: FamilyCost) -> float:
    if config.method == "dreambooth":
        text = family.text_millions if config.train_text_encoder else 0.0
        return family.unet_millions + text
    if config.method == "lora":
        per_rank = family.adapter_millions_per_rank
        if config.train_text_encoder:
            per_rank += family.text_adapter_millions_per_rank
        return per_rank * config.network.dim * ADAPTER_SHARES[config.network.algorithm]
    return 1.0


def _memory(config: TrainConfig, family: FamilyCost, device: str, latents: int) -> int:
    """Return the bytes of the device's memory; `latents` count where that is the main memory.

    On a CPU bfloat16 is told as on one that is quick with it; others take as much as float32.
    """
    halves = config.mixed_precision == "bf16" if device == "cpu" else config.mixed_precision != "no"
    half = halves and config.method != "dreambooth"
    weights = (family.unet_millions + family.text_millions) * 1e6
    if device == "cuda":
        weights += family.vae_millions * 1e6
    weights *= 2 if half else 4
    per_weight = OPTIMIZER_BYTES[config.optimizer] + (4 if config.ema.enabled else 0)
    trained = _trained_millions(config, family) * 1e6 * per_weight
    saved = SAVED_BY_CHECKPOINTS if config.gradient_checkpointing else 1.0
    pictures = config.batch_size * (2 if config.prior.enabled else 1)
    activations = family.activation_bytes * _scale(config, family) * pictures * saved
    activations *= HALF_ACTIVATIONS[device] if half else 1.0
    kept = loading = 0.0
    if device == "cpu":  # where the VAE's pages are let go while steps are taken
        kept = latents * _latent_bytes(config, family) + _copies_of_weights(
            config, family, pictures
        )
        loading = family.unet_millions * 1e6 * (4 + 2) if half else 0.0  # in both formats
    most = max(loading, weights + trained + activations + kept)
    return int(most + RUNTIME_GIB[device] * GIB)


def _copies_of_weights(config: TrainConfig, family: FamilyCost, pictures: int) -> float:
    """Return what the frozen convolutions' packed, transformed or turned copies take, in bytes.

    `packed_convolution.py` says which has which; the originals of the first two are let go.
    """
    if config.method == "dreambooth" or config.network.conv_dim or config.mixed_precision == "bf16":
        return 0.0
    side = config.resolution // DOWNSCALE
    millions = 0.0
    for level, (small, large) in enumerate(family.convolutions):
        millions += small * copies_of_a_weight(side >> level, pictures, wide_tiles=True)
        millions += large * copies_of_a_weight(side >> level, pictures, wide_tiles=False)
    return millions * 1e6 * 4


def copies_of_a_weight(side: int, pictures: int, *, wide_tiles: bool) -> float:
    """Return how many times more a convolution's weights lie in memory at side x side places."""
    places = side * side
    if wide_tiles and side % 4 == 0 and places >= 16 * 48:
        return 36 / 9 - 1  # tiles of 4 x 4
    if side % 2 == 0 and places >= 4 * 64:
        return 16 / 9 - 1  # tiles of 2 x 2
    return 1.0 if places * pictures <= 512 else 0.0  # packed for both passes, or turned over


def _file_bytes(config: TrainConfig, family: FamilyCost) -> int:
    width = 4 if config.save_precision == "fp32" else 2
    if config.method == "dreambooth":
        millions = family.unet_millions + family.text_millions + family.vae_millions
    else:
        millions = _trained_millions(config, family)
    return int(millions * 1e6 * width)
