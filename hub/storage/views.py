"""Pictures by signed address."""

import re
from pathlib import PurePath

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from hub.core.errors import AtelierError
from hub.storage.delivery import serve_blob
from hub.storage.models import Blob
from hub.storage.pictures import check_signature, rendition

WIDTH = re.compile(r"[0-9]{1,9}")
LONG_CACHE = "max-age=31536000, immutable"


@require_safe
def picture(request: HttpRequest, key: str, sha256: str, size: str, name: str) -> HttpResponseBase:
    """One picture at `width=NNN` or `original=true`; the signature decides, not the session."""
    try:
        check_signature(sha256, key=key)
        blob = Blob.objects.get(sha256=sha256)
        response = _sized(request, blob, size, name)
    except (AtelierError, Blob.DoesNotExist, FileNotFoundError) as error:
        raise Http404 from error
    audience = "public" if key.startswith("0.") else "private"
    response.headers["Cache-Control"] = f"{audience}, {LONG_CACHE}"
    return response


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
