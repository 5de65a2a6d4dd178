"""Small files that lie beside a download: `.sha256`, `.civitai.info` and the preview picture.

Programs such as the WebUI extensions look for them by the name of the model file; the name that
each answer carries is that of the file's own download.
"""

from pathlib import PurePath

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from hub.api.civitai.endpoint import Access, Caller, endpoint
from hub.api.civitai.links import links_for
from hub.api.civitai.wire import version_item
from hub.core.errors import NotFound
from hub.storage.delivery import content_disposition, serve_blob
from models_registry.catalogue import catalogue_version
from models_registry.models.file import ModelFile
from models_registry.queries import file_of
from models_registry.services.download import check_download, download_name
from models_registry.version_details import cover_rows

TYPE_SUFFIX = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@endpoint(access=Access.MIXED)
def sha256(request: HttpRequest, caller: Caller, file_id: int) -> HttpResponseBase:
    """One line as `sha256sum -c` reads it."""
    file = _file(caller, file_id)
    name = download_name(file)
    response = HttpResponse(f"{file.blob.sha256}  {name}\n", content_type="text/plain")
    return _named(response, f"{name}.sha256")


@endpoint(access=Access.MIXED)
def info(request: HttpRequest, caller: Caller, file_id: int) -> HttpResponseBase:
    """The version as by-hash gives it, under the name that WebUI extensions look for."""
    file = _file(caller, file_id)
    version = catalogue_version(viewer=caller.viewer, version_id=file.version_id)
    data = version_item(version, links_for(request))
    response = JsonResponse(data, json_dumps_params={"indent": 2, "ensure_ascii": False})
    return _named(response, f"{_stem(file)}.civitai.info")


@endpoint(access=Access.MIXED)
def preview(request: HttpRequest, caller: Caller, file_id: int) -> HttpResponseBase:
    """The first cover as it was uploaded, called `….preview.png`."""
    file = _file(caller, file_id)
    cover = cover_rows().filter(version_id=file.version_id).first()
    if cover is None:
        raise NotFound("This version has no picture")
    suffix = TYPE_SUFFIX.get(cover.blob.content_type, ".png")
    return serve_blob(request, cover.blob, filename=f"{_stem(file)}.preview{suffix}")


def _file(caller: Caller, file_id: int) -> ModelFile:
    """A file that this caller might download now: what lies beside it tells as much about it."""
    file = file_of(viewer=caller.viewer, file_id=file_id)
    check_download(viewer=caller.viewer, file=file)
    return file


def _stem(file: ModelFile) -> str:
    return PurePath(download_name(file)).stem


def _named(response: HttpResponse, name: str) -> HttpResponse:
    response.headers["Content-Disposition"] = content_disposition(name)
    response.headers["Cache-Control"] = "private, no-store"
    return response
