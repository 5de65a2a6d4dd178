"""Any other address below /api/v1/ and /api/download/: programs get JSON, never the site's page.

A downloader that took the page for its file would save it under the name of a model.
"""

from django.http import HttpRequest, HttpResponseBase

from hub.api.civitai.endpoint import Caller, endpoint
from hub.api.civitai.refusals import failure


@endpoint(methods=("GET", "POST"))
def nothing_here(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """404 in the common shape."""
    return failure("Not found", 404)
