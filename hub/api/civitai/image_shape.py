"""Parts of an item of `GET /images` that pictures of the gallery and of versions share."""

from typing import Any

from django.http import QueryDict

from hub.api.civitai.parameters import truth
from hub.api.civitai.values import generation_meta

PG = 1
LEVEL_NAMES = {1: "None", 2: "Soft", 4: "Mature", 8: "X", 16: "X"}
NO_REACTIONS = {
    "cryCount": 0,
    "laughCount": 0,
    "likeCount": 0,
    "dislikeCount": 0,
    "heartCount": 0,
    "commentCount": 0,
}


class MetaShape:
    """How `meta` is written: not at all, flat, or nested under the picture's id.

    One picture by its id, and the pictures of a model, come nested; `flatMeta` forces flat.
    """

    def __init__(self, *, shown: bool, nested: bool) -> None:
        self.shown, self.nested = shown, nested

    @classmethod
    def of(cls, query: QueryDict) -> "MetaShape":
        """The shape that a request asks for."""
        by_model = bool(query.get("modelId")) and not query.get("modelVersionId")
        nested = (bool(query.get("imageId")) or by_model) and not truth(query, "flatMeta")
        return cls(shown=bool(truth(query, "withMeta")), nested=nested)

    def write(self, image_id: int, text: str) -> dict[str, Any] | None:
        """The value of `meta` for one picture; `text` is its generation data."""
        meta = generation_meta(text) if self.shown else None
        return {"id": image_id, "meta": meta} if self.shown and self.nested else meta


def level_facts(level: int) -> dict[str, Any]:
    """The rating as `/images` tells it: a name here, and its number in `browsingLevel`."""
    return {
        "nsfwLevel": LEVEL_NAMES.get(level, "None"),
        "type": "image",
        "nsfw": level > PG,
        "browsingLevel": level,
    }
