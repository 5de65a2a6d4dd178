"""The presets in the reader's language. The engine knows no catalogue; its English is the key."""

from django.utils.translation import gettext

from training.engine.preset import Preset


def preset_title(preset: Preset) -> str:
    """The preset's name."""
    return gettext(preset.title)


def preset_sentence(preset: Preset) -> str:
    """What the preset is for and what it takes."""
    return gettext(preset.sentence)
