"""What this hub does not have: articles, and any other address below /api/v1/ and /api/download/.

Programs get JSON, never the site's page.

A downloader that took the page for its file would save it under the name of a model.
"""

from typing import Any

from django.http import HttpRequest, HttpResponseBase

from hub.api.civitai.endpoint import Caller, endpoint
from hub.api.civitai.refusals import failure


@endpoint()
def article_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """Articles: there are none, and so no next page."""
    return {"items": [], "metadata": {}}


@endpoint(methods=("GET", "POST"))
def nothing_here(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """404 in the common shape."""
    return failure("Not found", 404)
