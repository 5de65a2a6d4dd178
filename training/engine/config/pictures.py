"""The settings that decide how a picture is shown: turned, coloured, cut, weighed. Torch-free."""

from __future__ import annotations

from typing import Literal

from training.engine.config.sections import Section, setting


class PictureSettings(Section):
    """How a picture is shown; these settings stand beside the others, in no table of their own."""

    flip: bool = setting(
        default=False, help_text="Show each picture mirrored in half of the steps."
    )
    colour_augmentation: bool = setting(
        default=False,
        help_text="Show each picture in slightly other colours in most steps; for subjects whose "
        "colours are not what is learned.",
    )
    crop: Literal["centre", "focal", "random"] = setting(
        "centre",
        "Where a picture that does not fit its bucket is cut: from the middle, around what "
        "stands out, or by chance at several places, of which each step shows one.",
    )
    alpha_masks: bool = setting(
        default=False,
        help_text="Take the transparency of a picture as the weight of its loss: what is clear is "
        "not learned.",
    )
    latent_sampling: Literal["auto", "sample", "mean"] = setting(
        "auto", "Draw latents from the VAE's distribution, or take its mean."
    )
