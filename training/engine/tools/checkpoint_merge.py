"""The merger of checkpoints: weighted sum, add difference, or one model changed on the way.

Names and edge cases are those of A1111's merger: only model tensors merge, what B lacks stays as
in A, an inpainting model takes part with its first four input channels. Numbers are computed in
float32 and rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from training.engine.errors import BaseModelError, ConfigError
from training.engine.files.checkpoint_names import architecture_of, family_of
from training.engine.files.lazy_tensors import LazyTensor, LazyTensors, SavedModel, save_lazy
from training.engine.files.pruning import Ema, pruned
from training.engine.tools.model_folders import open_model, open_vae
from training.engine.tools.recipes import checkpoint_metadata, ingredient, recipe_metadata

Mode = Literal["weighted_sum", "add_difference"]
A1111_NAMES = {"weighted_sum": "Weighted sum", "add_difference": "Add difference"}
PLAIN_CHANNELS = 4
SPECIAL = {8: "instruct-pix2pix", 9: "inpainting"}


@dataclass(frozen=True)
class MergeOptions:
    """How to merge. Weighted sum is A(1-m) + Bm; add difference is A + m(B - C).

    `dtype` None keeps A's number format; `vae` replaces the VAE of the result.
    """

    mode: Mode = "weighted_sum"
    multiplier: float = 0.5
    dtype: torch.dtype | None = None
    vae: Path | None = None
    ema: Ema = "drop"


def merge_checkpoints(
    first: Path, second: Path, target: Path, options: MergeOptions, *, third: Path | None = None
) -> SavedModel:
    """Merge A and B (and C) into a file, tensor by tensor; files or diffusers folders.

    Raises ConfigError where the mode and the models do not fit, BaseModelError for bad files.
    """
    if (third is None) == (options.mode == "add_difference"):
        raise ConfigError(
            "Adding a difference takes three models, A + m(B - C), and a weighted sum takes two. "
            "Give or leave out the third model."
        )
    paths = [first, second, *([third] if third else [])]
    opened = [open_model(path) for path in paths]
    _check_families([file.tensors for file in opened], paths)
    a, b, *rest = (pruned(file.tensors, options.ema) for file in opened)
    c = rest[0] if rest else None
    merged = {name: _merged(name, tensor, b, c, options) for name, tensor in a.items()}
    if options.vae is not None:
        merged = with_vae(merged, options.vae)
    inputs = [ingredient(file.path, file.metadata) for file in opened]
    settings = {
        "primary_model_hash": inputs[0].sha256,
        "secondary_model_hash": inputs[1].sha256,
        "tertiary_model_hash": inputs[2].sha256 if third else None,
        "multiplier": options.multiplier,
        "save_as": str(options.dtype or "unchanged").removeprefix("torch."),
        "bake_in_vae": options.vae.name if options.vae else False,
    }
    metadata = checkpoint_metadata(architecture_of(a), target.stem, opened[0].metadata)
    metadata |= recipe_metadata(A1111_NAMES[options.mode], inputs, settings)
    return save_lazy(target, {n: t.to(options.dtype) for n, t in merged.items()}, metadata)


def with_vae(tensors: LazyTensors, vae: Path) -> LazyTensors:
    """Return a checkpoint with another VAE in it, in the checkpoint's own number format.

    Raises BaseModelError where the VAE has other tensors or shapes.
    """
    baked = dict(tensors)
    new = {n: t for n, t in open_vae(vae).items() if n in tensors}
    old = {name for name in tensors if name.startswith("first_stage_model.")}
    if set(new) != old or any(new[name].shape != tensors[name].shape for name in new):
        raise BaseModelError(
            f"The VAE {vae.name} has another structure than the checkpoint's own, so it cannot "
            "replace it. Choose a VAE of the same family."
        )
    return baked | {name: tensor.to(tensors[name].dtype) for name, tensor in new.items()}


def _check_families(models: list[LazyTensors], paths: list[Path]) -> None:
    families = [family_of(model) for model in models]
    for family, path in zip(families, paths, strict=True):
        if family != families[0]:
            raise ConfigError(
                f"{paths[0].name} is {families[0]} and {path.name} is {family}; models of "
                "different families cannot be merged."
            )


def _merged(
    name: str, a: LazyTensor, others: LazyTensors, less: LazyTensors | None, options: MergeOptions
) -> LazyTensor:
    b = others.get(name)
    if b is None or not _takes_part(name, a):
        return a
    c = less.get(name) if less is not None else None
    if less is not None and c is None:
        return a  # as in A1111: where C has no such tensor, there is no difference to add
    _check_shapes(name, a, b)
    if c is not None and c.shape != b.shape:
        raise _other_shape(name, b, c)

    def compute() -> torch.Tensor:
        own = a.read().to(torch.float32, copy=True)  # changed in place below
        channels = slice(None) if own.ndim < 2 else slice(0, b.shape[1])
        part, theirs = own[:, channels] if own.ndim > 1 else own, b.read().float()
        if c is not None:
            change = (theirs - c.read().float()) * options.multiplier
        else:
            change = (theirs - part) * options.multiplier
        part += change
        return own.to(a.dtype if options.dtype is None else options.dtype)

    dtype = a.dtype if options.dtype is None else options.dtype
    return LazyTensor(dtype, a.shape, compute)


def _takes_part(name: str, tensor: LazyTensor) -> bool:
    """As in A1111, only tensors of the model merge: not its noise tables, not counters."""
    return "model" in name and "position_ids" not in name and tensor.dtype.is_floating_point


def _check_shapes(name: str, a: LazyTensor, b: LazyTensor) -> None:
    if a.shape == b.shape:
        return
    alike = len(a.shape) == len(b.shape) == 4 and a.shape[:1] + a.shape[2:] == (
        b.shape[:1] + b.shape[2:]
    )
    if alike and a.shape[1] in SPECIAL and b.shape[1] == PLAIN_CHANNELS:
        return
    if alike and b.shape[1] in SPECIAL and a.shape[1] == PLAIN_CHANNELS:
        raise ConfigError(
            f"B is an {SPECIAL[b.shape[1]]} model and A is not. Give the {SPECIAL[b.shape[1]]} "
            "model as A."
        )
    raise _other_shape(name, a, b)


def _other_shape(name: str, a: LazyTensor, b: LazyTensor) -> BaseModelError:
    return BaseModelError(
        f"The tensor {name} is {a.shape} in one model and {b.shape} in another, so they cannot "
        "be merged. Choose models of the same family and size."
    )
