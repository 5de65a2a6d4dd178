"""Loading the parts of a base model; the only place that knows SD1 from SD2 from SDXL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from training.base_models.registry import find_architecture
from training.base_models.tiny.location import tiny_base_dir
from training.engine.architectures import ARCHITECTURES, Architecture, detect_family
from training.engine.attention import choose_attention
from training.engine.config.train import TrainConfig
from training.engine.errors import BaseModelError, ConfigError
from training.engine.files.base_files import BaseFile, look_into
from training.engine.files.file_writing import file_hash
from training.engine.files.vae_files import vae_from_file
from training.engine.machine.precision import Precision, torch_dtype
from training.engine.noise_levels import noise_levels
from training.engine.objective import NoiseSchedule
from training.engine.parts.reading import read_folder, read_vae

if TYPE_CHECKING:
    from training.engine.shelf import Shelf


@dataclass
class Components:
    """The parts of a base model on their device, frozen and in evaluation mode."""

    architecture: Architecture
    unet: Any
    vae: Any
    text_encoders: list[Any]
    tokenizers: list[Any]
    scheduler_config: dict[str, Any]
    device: str
    compute: str = "fp32"  # the number format of the passes
    name: str = ""
    sha256: str = ""
    changed_by: tuple[str, ...] = ()  # hash and strength of each file put into its weights
    config_folder: Path | None = None
    placeholders: dict[str, list[int]] = field(default_factory=dict)
    derived: dict[Hashable, Any] = field(default_factory=dict)  # computed from the weights alone

    @property
    def identity(self) -> str:
        """Return what tells these weights from others: the file's hash; empty where it has none."""
        return " ".join((self.sha256, *self.changed_by)) if self.sha256 else ""

    @property
    def latent_channels(self) -> int:
        """Return the number of channels of a latent."""
        return int(self.vae.config.latent_channels)

    @property
    def downscale(self) -> int:
        """Return the number of pixels along one side of a place of the latent."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def prediction_type(self) -> str:
        """Return epsilon or v_prediction."""
        return str(self.scheduler_config.get("prediction_type", "epsilon"))

    @property
    def zero_terminal_snr(self) -> bool:
        """Tell whether the last timestep is pure noise."""
        return bool(self.scheduler_config.get("rescale_betas_zero_snr", False))

    def noise_schedule(self) -> NoiseSchedule:
        """Return the forward process that the base was trained with."""
        return NoiseSchedule(noise_levels(self.scheduler_config), self.prediction_type)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which passes run."""
        if self.compute == "fp32":
            return nullcontext()
        return torch.autocast(self.device, torch_dtype(self.compute))

    def modules(self) -> list[torch.nn.Module]:
        """Return all parts that have weights."""
        return [self.unet, self.vae, *self.text_encoders]

    def fingerprint(self, part: str, module: torch.nn.Module) -> str:
        """Return the hash of a part's weights; computed once, so ask before they are trained."""
        key = ("fingerprint", part)
        if key not in self.derived:
            self.derived[key] = fingerprint(module)
        return str(self.derived[key])


def fingerprint(module: torch.nn.Module) -> str:
    """Return a SHA-256 over the names, shapes and bytes of a module's weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def load_components(
    config: TrainConfig,
    precision: Precision,
    shelf: Shelf | None = None,
    *,
    is_changed: bool = False,
) -> Components:
    """Load the base model of a run from disk, without any network and without unpickling code.

    Where the shelf has kept the same base, nothing is read. One that is changed itself is read
    anew, and clears the shelf for its memory. Raises BaseModelError in words for the
    person who chose it.
    """
    if shelf is not None and is_changed:
        shelf.clear()
        shelf = None
    if shelf is None:
        components = _load(config, precision, frozen=not is_changed)
    else:
        key = _base_key(config, precision)
        components = shelf.take(key, lambda: _load(config, precision, frozen=True))
    choose_attention(components.unet, components.text_encoders, precision)
    if precision.checkpointing:
        components.unet.enable_gradient_checkpointing()
    return components


def _base_key(config: TrainConfig, precision: Precision) -> Hashable:
    """Return all that decides the components; a file is known by its hash, if that is given."""
    base = config.base_model.model_dump(mode="json")
    paths = [Path(base.pop("path"))] if not base["sha256"] else []
    paths += [Path(base["vae_path"])] if base["vae_path"] else []
    found = [file for path in paths for file in ([path, *path.rglob("*")])]
    files = [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in found if f.is_file()]
    rules = (config.zero_terminal_snr, config.resolution >= 768)  # see predicts_velocity
    return (json.dumps(base), rules, precision.device, precision.compute, tuple(files))


def _load(config: TrainConfig, precision: Precision, *, frozen: bool) -> Components:
    """Read the parts from disk and place them."""
    base = config.base_model
    path = Path(base.path)
    if not base.path:
        raise BaseModelError(
            "No base model is named. Set base_model.path to a checkpoint, a .safetensors or .ckpt "
            "file, or to a folder in diffusers layout."
        )
    if not path.exists():
        raise BaseModelError(f"There is no base model at {base.path}.")
    told = look_into(path) if path.is_file() else BaseFile(detect_family(path))
    family = base.architecture if base.architecture != "auto" else told.family
    folder = path
    if path.is_file():
        folder = config_folder(family, velocity=predicts_velocity(config, told))
        parts = _load_file(path, family, folder)
        parts["scheduler"] |= _told_by_file(told)
    else:
        parts = _load_folder(path)
    if base.vae_path:
        parts["vae"] = _load_vae(Path(base.vae_path), parts["vae"])
    elif next(parts["vae"].parameters()).is_meta:
        raise BaseModelError(f"{path.name} holds no VAE. Name one in base_model.vae_path.")
    components = Components(
        architecture=ARCHITECTURES[family or _family_of(parts["unet"])],
        unet=parts["unet"],
        vae=parts["vae"],
        text_encoders=parts["text_encoders"],
        tokenizers=parts["tokenizers"],
        scheduler_config=_scheduler(parts["scheduler"], config),
        device=precision.device,
        compute=precision.compute,
        name=base.name or path.stem,
        sha256=base.sha256 or (file_hash(path) if path.is_file() else ""),
        config_folder=folder,
    )
    _place(components, frozen=frozen)
    return components


def _told_by_file(told: BaseFile) -> dict[str, Any]:
    """Return what a file's own marks change in the noise schedule of its family."""
    if told.velocity is None:
        return {}
    changed: dict[str, Any] = {"prediction_type": "v_prediction" if told.velocity else "epsilon"}
    if told.velocity and told.zero_terminal_snr:
        changed |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return changed


def _scheduler(known: dict[str, Any], config: TrainConfig) -> dict[str, Any]:
    """Return a base's noise schedule with what the settings say otherwise."""
    scheduler = dict(known)
    if config.base_model.prediction_type != "auto":
        scheduler["prediction_type"] = config.base_model.prediction_type
    if config.zero_terminal_snr is not None:
        scheduler |= _terminal_snr(scheduler, zero=config.zero_terminal_snr)
    return scheduler


def _terminal_snr(scheduler: dict[str, Any], *, zero: bool) -> dict[str, Any]:
    """Return how a noise schedule changes where its last level is made pure noise, or not.

    Samples then begin at that level too (https://arxiv.org/abs/2305.08891). Raises ConfigError
    for a base that predicts the noise, which pure noise would teach nothing.
    """
    if zero and scheduler.get("prediction_type", "epsilon") != "v_prediction":
        raise ConfigError(
            "zero_terminal_snr needs a base model that predicts velocity (v_prediction); this one "
            "predicts the noise. Turn the setting off, or choose such a base."
        )
    return {"rescale_betas_zero_snr": zero, **({"timestep_spacing": "trailing"} if zero else {})}


def _place(components: Components, *, frozen: bool) -> None:
    """Move the parts to their device.

    Weights that stay as they are take the number format of the passes, which halves their memory;
    those that are trained, and the VAE (fp16 makes it return NaN), stay in float32.
    """
    for module in components.modules():
        module.requires_grad_(requires_grad=False).eval().to(components.device)
        if frozen and module is not components.vae and components.compute != "fp32":
            module.to(torch_dtype(components.compute))


def _family_of(unet: Any) -> str:
    from training.engine.architectures import family_of_width

    return family_of_width(int(unet.config.cross_attention_dim))


def _load_folder(path: Path) -> dict[str, Any]:
    try:
        return read_folder(path)
    except (OSError, ValueError, KeyError) as error:
        raise BaseModelError(
            f"The base model folder {path.name} cannot be read: {error}"
        ) from error


def config_folder(family: str, *, velocity: bool = False) -> Path:
    """Return the configs and tokenizers that ship with us for a family, in diffusers layout."""
    if family == "tiny":
        return tiny_base_dir()
    key = {"sd1": "sd15", "sd2": "sd2_v" if velocity else "sd2"}.get(family, family or "sd15")
    return find_architecture(key).config_dir


def predicts_velocity(config: TrainConfig, told: BaseFile) -> bool:
    """Tell whether the UNet of a single file predicts velocity.

    The settings come first, then what the file says of itself; of an SD 2 that says nothing, the
    size tells: the models for 768 pixels do, those for 512 do not.
    """
    asked = config.base_model.prediction_type
    if asked != "auto":
        return asked == "v_prediction"
    if told.velocity is not None:
        return told.velocity
    return told.family == "sd2" and config.resolution >= 768


def _load_file(path: Path, family: str, folder: Path) -> dict[str, Any]:
    from training.engine.single_file import load_single_file

    if not (folder / "model_index.json").exists():
        raise BaseModelError(
            f"The configuration of the family {family or 'of this file'} is not installed, so "
            f"{path.name} cannot be read. Use a folder in diffusers layout."
        )
    try:
        return load_single_file(path, folder)
    except (OSError, ValueError, KeyError) as error:
        raise BaseModelError(f"{path.name} cannot be read as {family}: {error}") from error


def _load_vae(path: Path, instead_of: Any) -> Any:
    if not path.exists():
        raise BaseModelError(f"There is no VAE at {path}.")
    if path.is_file():
        return vae_from_file(path, instead_of)
    try:
        return read_vae(path)
    except (OSError, ValueError, KeyError) as error:
        raise BaseModelError(f"The VAE {path.name} cannot be read: {error}") from error
