"""`/api/download/models/{versionId}`: choose the file, count, redirect to a signed link here.

The link needs no key and no session, so that download managers that drop headers, or forward them
where they do not belong, still get the file. It ends after a day, and when the one who asked for it
may not have the file any more. No key is ever part of it.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from hub.accounts.models import User
from hub.api.civitai.endpoint import Access, Caller, endpoint
from hub.api.civitai.parameters import MAX_ID, id_in
from hub.api.civitai.refusals import failure
from hub.api.civitai.values import instant
from hub.core.errors import NotFound
from hub.storage.delivery import serve_blob
from models_registry.errors import EarlyAccess, SignInNeeded
from models_registry.models.file import FileKind, ModelFile
from models_registry.queries import version_detail
from models_registry.services.download import (
    check_download,
    choose_file,
    download_name,
    download_token,
    linked_file,
    record_download,
    visitor_digest,
)

OCTETS = "application/octet-stream"


@endpoint(access=Access.MIXED)
def download(request: HttpRequest, caller: Caller, version_id: str) -> HttpResponseBase:
    """307 to the bytes; every refusal is JSON with its own status."""
    return _redirected(request, caller, version_id, kind=request.GET.get("type", ""))


@endpoint(access=Access.MIXED)
def training_data(request: HttpRequest, caller: Caller, version_id: str) -> HttpResponseBase:
    """An old address of the pictures that a version was trained on, where they are shared."""
    return _redirected(request, caller, version_id, kind=FileKind.TRAINING_DATA)


@endpoint()
def signed_download(
    request: HttpRequest, caller: Caller, token: str, name: str = ""
) -> HttpResponseBase:
    """The bytes behind a signed link: ranged, with the SHA-256 as ETag."""
    file = linked_file(token)
    response = serve_blob(request, file.blob, filename=download_name(file), content_type=OCTETS)
    response.headers["Cache-Control"] = "private, max-age=0"
    return response


def _redirected(
    request: HttpRequest, caller: Caller, version_id: str, *, kind: str
) -> HttpResponseBase:
    number = id_in(version_id)
    if not 1 <= number <= MAX_ID:
        return failure("Invalid version id", 400)
    file = _chosen_file(request, caller, number, kind)
    try:
        check_download(viewer=caller.viewer, file=file)
    except SignInNeeded as error:
        return _sign_in(request, error.message)
    except EarlyAccess as error:
        deadline = instant(error.deadline)
        return failure("Early Access", 403, message=error.message, deadline=deadline)
    if request.method != "HEAD":
        _count(request, caller, file)
    return _redirect(request, caller, file)


def _chosen_file(request: HttpRequest, caller: Caller, version_id: int, kind: str) -> ModelFile:
    query = request.GET
    raw = query.get("fileId", "")
    if raw and not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise NotFound("File not found")
    return choose_file(
        version_detail(viewer=caller.viewer, version_id=version_id),
        type=kind,
        format=query.get("format", ""),
        size=query.get("size", ""),
        fp=query.get("fp", ""),
        quant_type=query.get("quantType", ""),
        file_id=int(raw) if raw else None,
    )


def _count(request: HttpRequest, caller: Caller, file: ModelFile) -> None:
    viewer = caller.viewer
    visitor = visitor_digest(
        address=request.META.get("REMOTE_ADDR", ""),
        agent=request.headers.get("User-Agent", ""),
    )
    record_download(file=file, user=viewer if isinstance(viewer, User) else None, visitor=visitor)


def _redirect(request: HttpRequest, caller: Caller, file: ModelFile) -> HttpResponse:
    token = download_token(file, viewer=caller.viewer)
    # The name at the end serves tools that name files by the address.
    path = reverse("civitai-signed-download", args=[token, download_name(file)])
    response = HttpResponse(status=307)
    response.headers["Location"] = request.build_absolute_uri(path)
    response.headers["Cache-Control"] = "no-store, max-age=0"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _sign_in(request: HttpRequest, message: str) -> HttpResponse:
    """Browsers go to the sign-in page; programs get JSON, which cannot pass for a model file."""
    if "text/html" not in request.headers.get("Accept", ""):
        return failure("Unauthorized", 401, message=message)
    where = urlencode({"next": request.get_full_path(), "reason": "download-auth"})
    response = HttpResponse(status=302)
    response.headers["Location"] = f"{reverse('account_login')}?{where}"
    response.headers["Cache-Control"] = "no-store, max-age=0"
    return response
