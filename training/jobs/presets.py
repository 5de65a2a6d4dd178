"""Settings of a run from a preset and a dataset, with what a person wants different on top."""

from __future__ import annotations

from typing import Any

from django.db.models import Avg
from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.engine.presets.choosing import preset


def settings_from_preset(
    preset_id: str, *, dataset: Dataset, method: str, family: str, changes: dict[str, Any]
) -> dict[str, Any]:
    """The preset's settings for this dataset; `changes` win, section by section.

    Raises Invalid for an unknown preset, or one for another method or family of base models.
    """
    try:
        chosen = preset(preset_id)
    except KeyError as error:
        raise Invalid(
            _("There is no preset named %r.") % preset_id, code="preset_unknown"
        ) from error
    if (chosen.method, chosen.family) != (method, family):
        raise Invalid(
            _("The preset %(preset)s is for %(method)s on models of the family %(family)s.")
            % {"preset": preset_id, "method": chosen.method, "family": chosen.family},
            code="preset_unfit",
        )
    mean = Item.objects.filter(dataset=dataset).present().aggregate(mean=Avg("repeats"))["mean"]
    settings = chosen.settings_for(images=max(dataset.item_count, 1), repeats=float(mean or 1.0))
    return overlaid(settings, changes)


def overlaid(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Both in one; where both hold a section, its single settings are joined in the same way."""
    joined = dict(settings)
    for key, value in changes.items():
        below = joined.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            joined[key] = overlaid(below, value)
        else:
            joined[key] = value
    return joined
