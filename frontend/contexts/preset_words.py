"""The presets in the reader's language. The engine knows no catalogue; its English is the key."""

from django.utils.translation import gettext

from training.engine.presets.choosing import preset
from training.engine.presets.preset import Preset


def preset_name(preset_id: str) -> str:
    """The name of a preset by its id; the id of one that this version no longer has."""
    try:
        return preset_title(preset(preset_id))
    except KeyError:
        return preset_id


def preset_title(chosen: Preset) -> str:
    """The preset's name."""
    return gettext(chosen.title)


def preset_sentence(chosen: Preset) -> str:
    """What the preset is for and what it takes."""
    return gettext(chosen.sentence)
