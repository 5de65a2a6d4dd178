"""Absolute addresses that lead back to the server that was asked, whatever name it was asked by."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest

from hub.api.civitai.picture_ids import image_id_of_cover
from hub.storage.models import Blob
from hub.storage.pictures import picture_url, picture_urls
from models_registry.catalogue_facts import PictureFacts
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.version import ModelVersion

PREVIEW_WIDTH = 450
#: Makes the address of a small picture of a version.
Preview = Callable[[PictureFacts], str]


@dataclass(frozen=True, slots=True)
class Links:
    """Builds addresses on one origin, for example `http://hub.local:8000`."""

    origin: str

    def of_version(self, version: ModelVersion) -> str:
        """Download of the primary file."""
        return f"{self.origin}/api/download/models/{version.id}"

    def of_file(self, file: ModelFile) -> str:
        """Download of this file: of the primary one the version's own, which clients compare.

        Any other is named by its id, since metadata alone cannot always tell two files apart.
        """
        address = f"{self.origin}/api/download/models/{file.version_id}"
        return address if file.is_primary else f"{address}?fileId={file.id}"

    def of_cover(self, cover: VersionCover, version: ModelVersion) -> str:
        """A picture of a version as it was sent; with an end where not all may see it.

        Its id in v1 is its name.
        """
        name = str(image_id_of_cover(cover.pk))
        public = version.model.shows_everyone(version)
        return self.origin + picture_url(cover.blob, public=public, name=name)

    def of_previews(self, *, public: bool) -> Preview:
        """What makes the addresses of small pictures of versions; `public`: everyone sees them."""
        address = picture_urls(PREVIEW_WIDTH, public=public)
        origin = self.origin
        return lambda cover: origin + address(cover, str(image_id_of_cover(cover.id)))

    def of_avatar(self, blob: Blob | None) -> str | None:
        """A person's picture."""
        return self.origin + picture_url(blob, PREVIEW_WIDTH, public=True) if blob else None

    def of_search(self, **parameters: str) -> str:
        """The model list with filters."""
        return f"{self.origin}/api/v1/models?{urlencode(parameters)}"


def links_for(request: HttpRequest) -> Links:
    """Addresses on the host that this request named."""
    return Links(request.build_absolute_uri("/").rstrip("/"))


def next_page(request: HttpRequest, *, drop: tuple[str, ...] = (), **changes: str | int) -> str:
    """The address of this request with some parameters replaced; a key never stays in it."""
    query = request.GET.copy()
    for name in ("token", *drop):
        query.pop(name, None)
    for name, value in changes.items():
        query[name] = str(value)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
