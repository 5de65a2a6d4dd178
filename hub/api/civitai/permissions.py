"""`GET /api/v1/permissions/check`: which versions may this key download now."""

from django.http import HttpRequest

from hub.api.civitai.endpoint import Access, Caller, endpoint
from hub.api.civitai.parameters import ids
from hub.api.civitai.refusals import ParameterError
from models_registry.catalogue import downloadable_versions

MAX_IDS = 100
VERSIONS = "ModelVersion"


@endpoint(access=Access.MIXED)
def check(request: HttpRequest, caller: Caller) -> dict[str, bool]:
    """True by id; what is not here and what is kept from the caller are both false."""
    wanted = ids(request.GET, "entityIds", limit=MAX_IDS)
    if not wanted:
        raise ParameterError("entityIds", "Give the ids of versions, joined by commas")
    if request.GET.get("entityType", VERSIONS) != VERSIONS:
        raise ParameterError("entityType", f"Only {VERSIONS} can be asked for")
    allowed = downloadable_versions(viewer=caller.viewer, version_ids=wanted)
    return {str(version_id): version_id in allowed for version_id in wanted}
