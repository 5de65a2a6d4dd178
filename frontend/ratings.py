"""How mature the content of a model is, in words."""

from gallery.models.image import NsfwLevel
from models_registry.models.model import Model


def rating_of(model: Model) -> str:
    """How mature the content is, "" for what everyone may see."""
    bit = highest_rating(model.nsfw_level)
    return str(NsfwLevel(bit).label) if bit > NsfwLevel.PG else ""


def highest_rating(level: int) -> int:
    """The highest rating bit of a level."""
    return next((bit for bit in reversed(NsfwLevel.values) if level & bit), NsfwLevel.PG.value)
