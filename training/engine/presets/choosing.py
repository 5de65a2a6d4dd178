"""The named starting points for a run, by method, family of base models and subject. Torch-free."""

from __future__ import annotations

from training.engine.presets.preset import Preset
from training.engine.presets.table import PRESETS


def presets_for(method: str, family: str, kind: str = "") -> tuple[Preset, ...]:
    """Return the presets that fit, the recommended one first."""
    return tuple(
        preset
        for preset in all_presets()
        if preset.method == method
        and preset.family == family
        and (not kind or kind in preset.kinds)
    )


def preset(preset_id: str) -> Preset:
    """Return a preset by its id; raises KeyError for an unknown one."""
    return {item.id: item for item in all_presets()}[preset_id]


def all_presets() -> tuple[Preset, ...]:
    """Return every preset."""
    return PRESETS
