"""`/api/v1/model-versions/…`: by id, by hash, many hashes at once, and the short form."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from hub.api.civitai.endpoint import SHARED_LONG, Access, Caller, endpoint
from hub.api.civitai.links import links_for
from hub.api.civitai.parameters import MAX_ID, id_in, integer
from hub.api.civitai.refusals import ParameterError, failure
from hub.api.civitai.wire import mini_item, version_item
from hub.core.errors import Invalid, NotFound
from models_registry.catalogue import catalogue_version, catalogue_versions
from models_registry.hash_lookup import find_many_by_hash, match_hash
from models_registry.services.download import choose_file

SHA256_DIGITS = 64
MAX_HASHES = 100
MAX_HASH_IDS = 10_000


@endpoint(access=Access.MIXED)
def version(
    request: HttpRequest, caller: Caller, version_id: str
) -> HttpResponseBase | dict[str, Any]:
    """One version."""
    number = _id(version_id)
    found = catalogue_version(viewer=caller.viewer, version_id=number)
    return version_item(found, links_for(request))


@endpoint(cache=SHARED_LONG)
def version_by_hash(
    request: HttpRequest, caller: Caller, hash_text: str
) -> HttpResponseBase | dict[str, Any]:
    """The version whose file carries this hash: any kind, any case, or 8 and more digits of it."""
    try:
        match = match_hash(viewer=caller.viewer, text=hash_text)
    except Invalid:
        match = None
    if match is None or not match.versions:
        return failure("Model not found", 404)
    ids = [row.pk for row in match.versions]
    if match.is_ambiguous:
        message = "This short hash fits several files; send more digits"
        return failure(message, 409, code="AMBIGUOUS_HASH", modelVersionIds=ids)
    found = catalogue_version(viewer=caller.viewer, version_id=ids[0])
    return version_item(found, links_for(request))


@endpoint(methods=("POST",))
def versions_by_hash(request: HttpRequest, caller: Caller) -> list[dict[str, Any]]:
    """Versions of up to 100 SHA256; what is not here is left out silently."""
    wanted = _hash_array(request, limit=MAX_HASHES)
    if any(len(value) != SHA256_DIGITS for value in wanted):
        raise ParameterError("body", "Every hash must be a SHA256 of 64 digits")
    found = find_many_by_hash(viewer=caller.viewer, hashes=wanted)
    ids = list(dict.fromkeys(found[h.upper()][0] for h in wanted if h.upper() in found))
    links = links_for(request)
    versions = catalogue_versions(viewer=caller.viewer, version_ids=ids)
    return [version_item(row, links) for row in versions]


@endpoint(methods=("POST",))
def ids_by_hash(request: HttpRequest, caller: Caller) -> list[dict[str, Any]]:
    """Ids for up to 10,000 hashes of any kind."""
    wanted = _hash_array(request, limit=MAX_HASH_IDS)
    found = find_many_by_hash(viewer=caller.viewer, hashes=wanted)
    return [
        {"modelVersionId": found[value][0], "modelId": found[value][1], "hash": value}
        for value in dict.fromkeys(text.strip().upper() for text in wanted)
        if value in found
    ]


@endpoint(access=Access.MIXED)
def mini(
    request: HttpRequest, caller: Caller, version_id: str
) -> HttpResponseBase | dict[str, Any]:
    """The short form for downloaders; `modelFileId` chooses the file."""
    file_id = integer(request.GET, "modelFileId", None, minimum=1, maximum=2**63 - 1)
    found = catalogue_version(viewer=caller.viewer, version_id=_id(version_id))
    file = choose_file(found, file_id=file_id)
    if not file.is_clean:
        raise NotFound("File not found")
    return mini_item(found, file, links_for(request))


def _id(text: str) -> int:
    number = id_in(text)
    if not 1 <= number <= MAX_ID:
        raise ParameterError("id", "Invalid id")
    return number


def _hash_array(request: HttpRequest, *, limit: int) -> list[str]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise ParameterError("body", "The body must be a JSON array of hashes") from error
    if not isinstance(body, list) or not all(isinstance(value, str) for value in body):
        raise ParameterError("body", "The body must be a JSON array of hashes")
    if len(body) > limit:
        raise ParameterError("body", f"At most {limit} hashes can be asked for at once")
    return [value.strip() for value in body]
