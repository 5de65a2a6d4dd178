"""A picture of a version in the form of `GET /images`, for clients that ask for it by its id."""

from typing import Any

from django.http import QueryDict

from gallery.catalogue import CatalogueFilters
from hub.api.civitai.endpoint import Caller
from hub.api.civitai.image_shape import NO_REACTIONS, MetaShape, level_facts
from hub.api.civitai.links import Links
from hub.api.civitai.parameters import truth
from hub.api.civitai.picture_ids import image_id_of_cover
from hub.api.civitai.values import instant
from models_registry.models.cover import VersionCover
from models_registry.queries import cover_of


def cover_items(
    caller: Caller, cover_id: int, filters: CatalogueFilters, links: Links, query: QueryDict
) -> list[dict[str, Any]]:
    """The picture, unless it is kept from the caller or one of the other filters leaves it out."""
    cover = cover_of(viewer=caller.viewer, cover_id=cover_id)
    if cover is None or not _passes(cover, filters):
        return []
    item = _item(cover, links, MetaShape.of(query))
    return [item | ({"tags": []} if truth(query, "withTags") else {})]


def _passes(cover: VersionCover, filters: CatalogueFilters) -> bool:
    """Only what can be asked together with an id; a picture of a version is in no post."""
    model = cover.version.model
    wanted = [
        (filters.post_id, None),
        (filters.model_id, model.pk),
        (filters.version_id, cover.version_id),
        (filters.user_id, model.owner_id),
        (filters.username.lower() or None, model.owner.username.lower()),
    ]
    fits = all(wish is None or wish == value for wish, value in wanted)
    in_levels = filters.levels is None or bool(filters.levels & cover.nsfw_level)
    return fits and in_levels and (bool(cover.generation_text) or not filters.with_meta_only)


def _item(cover: VersionCover, links: Links, shape: MetaShape) -> dict[str, Any]:
    version, key = cover.version, image_id_of_cover(cover.pk)
    return {
        "id": key,
        "url": links.of_cover(cover, version),
        "hash": cover.blurhash,
        "width": cover.width,
        "height": cover.height,
        **level_facts(cover.nsfw_level),
        "createdAt": instant(version.published_at or version.created_at),
        "postId": None,
        "stats": dict(NO_REACTIONS),
        "meta": shape.write(key, cover.generation_text),
        "username": version.model.owner.username,
        "baseModel": version.base_model.name if version.base_model else None,
        "modelVersionIds": [version.pk],
    }
