"""A version by what a person types to mean it: an address of its page, or the name of its model."""

import re

from models_registry.models.model import Model, Viewer
from models_registry.models.version import ModelVersion

ADDRESS = re.compile(r"/models/(?P<slug>[-\w]+)/?(?:\?(?:[^#]*&)?v=(?P<index>\d{1,9}))?", re.ASCII)

CHOICES = 50


def version_meant(viewer: Viewer, text: str) -> ModelVersion | None:
    """The version that the text means, as far as the viewer may see it; None for any other text.

    An address without a version, or a name, means the newest published one. A name that several
    models share means none of them.
    """
    text = text.replace("\x00", "").strip()
    versions = ModelVersion.objects.visible_to(viewer).select_related("model", "base_model")
    versions = versions.published().newest_first()
    address = ADDRESS.search(text)
    if address is not None:
        versions = versions.filter(model__slug=address["slug"])
        index = address["index"]
        return (versions.filter(index=int(index)) if index else versions).first()
    found = list(versions.filter(model__name__iexact=text)) if text else []
    if len({version.model_id for version in found}) != 1:
        return None
    return found[0]


def names_to_recommend(*, viewer: Viewer, version: ModelVersion) -> list[str]:
    """Names to choose from when something is recommended: what is used most of the same family."""
    models = Model.objects.listed_for(viewer).exclude(pk=version.model_id)
    if version.base_model is not None:
        models = models.filter(latest_version__base_model__ecosystem=version.base_model.ecosystem)
    ordered = models.order_by("-download_count", "-thumbs_up_count", "-id")
    return list(ordered.values_list("name", flat=True)[:CHOICES])


def page_address(version: ModelVersion) -> str:
    """The address of a version's page on this hub, as `version_meant` reads it."""
    return f"/models/{version.model.slug}/?v={version.index}"
