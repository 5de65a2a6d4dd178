"""Samplers by the names that A1111 and the gallery use. Free of torch until one is made."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any

from training.engine.config.prompt_lines import SAMPLER_WORDS
from training.engine.errors import ConfigError

FALLBACK = "DPM++ 2M"
KARRAS = " Karras"
COMPILER = "torch._dynamo"


@dataclass(frozen=True)
class Sampler:
    """A diffusers scheduler with its options; `passes` are the calls of the UNet in one step."""

    scheduler: str
    options: tuple[tuple[str, Any], ...] = ()
    passes: int = 1


_MULTISTEP, _SINGLESTEP = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
_SDE = (("algorithm_type", "sde-dpmsolver++"), ("solver_order", 2), ("lower_order_final", True))
_ODE = (("algorithm_type", "dpmsolver++"), ("solver_order", 2))
_SIGMAS = ("use_karras_sigmas", True)
SAMPLERS: dict[str, Sampler] = {
    "Euler": Sampler("EulerDiscreteScheduler"),
    "Euler a": Sampler("EulerAncestralDiscreteScheduler"),
    "DDIM": Sampler("DDIMScheduler"),
    "DPM++ 2M": Sampler(_MULTISTEP, _ODE),
    "DPM++ 2M Karras": Sampler(_MULTISTEP, (*_ODE, _SIGMAS)),
    "DPM++ 2M SDE": Sampler(_MULTISTEP, _SDE),
    "DPM++ 2M SDE Karras": Sampler(_MULTISTEP, (*_SDE, _SIGMAS)),
    "DPM++ SDE": Sampler(_SINGLESTEP, _SDE, passes=2),
    "DPM++ SDE Karras": Sampler(_SINGLESTEP, (*_SDE, _SIGMAS), passes=2),
    "UniPC": Sampler("UniPCMultistepScheduler"),
    "LCM": Sampler("LCMScheduler"),
}


def sampler_name(name: str) -> str:
    """Return a sampler's name as A1111 writes it, whatever its case; also kohya's short names.

    Raises ConfigError for a name that is not known, with those that are.
    """
    found = SAMPLER_WORDS.get(name.strip().lower())
    if found is None:
        raise ConfigError(
            f"There is no sampler {name!r} here. Choose one of: {', '.join(SAMPLERS)}."
        )
    return found


def usable_sampler(name: str) -> str:
    """Return the sampler of this name, or DPM++ 2M: a run does not end over a sample."""
    return SAMPLER_WORDS.get(name.strip().lower(), FALLBACK)


def written_names(name: str) -> tuple[str, str | None]:
    """Return a sampler's name and its schedule, which A1111 writes apart since 1.9.

    Of the DPM++ samplers it takes Karras's noise levels, or others, where no schedule is written.
    """
    if name.endswith(KARRAS):
        return name.removesuffix(KARRAS), "Karras"
    return name, "Uniform" if name.startswith("DPM++") else None


def load_schedulers() -> None:
    """Load diffusers without torch's compiler, for which it asks and which it does without.

    That spares 2 CPU seconds and 70 MB. For this moment nothing can import the compiler, so call
    it first where nothing else goes on.
    """
    loaded: dict[str, Any] = sys.modules
    if COMPILER in loaded or "diffusers.utils.torch_utils" in loaded:
        return
    loaded[COMPILER] = None
    try:
        importlib.import_module("diffusers.utils.torch_utils")
    finally:
        del loaded[COMPILER]


def make_scheduler(name: str, scheduler_config: dict[str, Any]) -> Any:
    """Return a scheduler set up for a base model's own noise schedule.

    Prediction type, zero terminal SNR and timestep spacing come from the base model's config; an
    unknown name gives DPM++ 2M. All but that one are those of diffusers.
    """
    from training.engine.samples.dpm_multistep import DpmMultistep

    if needs_library(name, scheduler_config):
        return library_scheduler(name, scheduler_config)
    return DpmMultistep(_asked(name, scheduler_config)[1])


def needs_library(name: str, scheduler_config: dict[str, Any]) -> bool:
    """Whether a sampler on this noise schedule is one of diffusers'."""
    from training.engine.samples.dpm_multistep import DpmMultistep

    kind, config = _asked(name, scheduler_config)
    return kind != _MULTISTEP or not DpmMultistep.fits(config)


def library_scheduler(name: str, scheduler_config: dict[str, Any]) -> Any:
    """Return the same as diffusers has it."""
    load_schedulers()
    import diffusers

    kind, config = _asked(name, scheduler_config)
    return getattr(diffusers, kind).from_config(config)


def _asked(name: str, scheduler_config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    sampler = SAMPLERS[usable_sampler(name)]
    own = {key: value for key, value in scheduler_config.items() if not key.startswith("_")}
    return sampler.scheduler, own | dict(sampler.options)
