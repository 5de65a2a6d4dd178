"""Pictures by signed address."""

import re
from pathlib import PurePath

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from hub.core.errors import AtelierError
from hub.storage.delivery import serve_blob
from hub.storage.lasting_pictures import picture_for_everyone
from hub.storage.models import Blob
from hub.storage.pictures import check_signature, rendition

WIDTH = re.compile(r"[0-9]{1,9}")
LONG_CACHE = "max-age=31536000, immutable"


@require_safe
def picture(request: HttpRequest, key: str, sha256: str, size: str, name: str) -> HttpResponseBase:
    """One picture at `width=NNN` or `original=true`; the signature decides, not the session.

    An address without an end holds as long as the picture is for everyone.
    """
    is_lasting = key.startswith("0.")
    try:
        check_signature(sha256, key=key)
        found = picture_for_everyone if is_lasting else _picture
        blob = found(sha256)
        if blob is None:
            raise Http404
        response = _sized(request, blob, size, name)
    except (AtelierError, FileNotFoundError) as error:
        raise Http404 from error
    audience = "public" if is_lasting else "private"
    response.headers["Cache-Control"] = f"{audience}, {LONG_CACHE}"
    return response


def _picture(sha256: str) -> Blob | None:
    return Blob.objects.filter(sha256=sha256).first()


def _sized(request: HttpRequest, blob: Blob, size: str, name: str) -> HttpResponseBase:
    key, _equals, value = size.partition("=")
    if key == "width" and WIDTH.fullmatch(value):
        data = rendition(blob, int(value)).read_bytes()
        return HttpResponse(data, content_type="image/webp")
    if size != "original=true" or not blob.content_type.startswith("image/"):
        raise Http404
    # The name is the address's, its ending the content's: nobody saves a picture as a page.
    kept = f"{PurePath(name).stem}.{blob.content_type.rpartition('/')[2]}"
    return serve_blob(request, blob, filename=kept, inline=True)
