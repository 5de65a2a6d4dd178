"""Samplers by the names that A1111 and the gallery use."""

from __future__ import annotations

from typing import Any

SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "DDIM": ("DDIMScheduler", {}),
    "DPM++ 2M": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "solver_order": 2},
    ),
    "DPM++ 2M Karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "solver_order": 2, "use_karras_sigmas": True},
    ),
    "DPM++ 2M SDE Karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "sde-dpmsolver++", "solver_order": 2, "use_karras_sigmas": True},
    ),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "LCM": ("LCMScheduler", {}),
}


def make_scheduler(name: str, scheduler_config: dict[str, Any]) -> Any:
    """Return a diffusers scheduler set up for a base model's own noise schedule.

    Prediction type, zero terminal SNR and timestep spacing come from the base model's config; an
    unknown name gives DPM++ 2M.
    """
    import diffusers

    class_name, options = SAMPLERS.get(name, SAMPLERS["DPM++ 2M"])
    config = {key: value for key, value in scheduler_config.items() if not key.startswith("_")}
    kind = getattr(diffusers, class_name)
    return kind.from_config({**config, **options})
