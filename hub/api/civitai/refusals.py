"""Every way in which v1 says no, in the shapes that Civitai's clients know."""

import logging
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import JsonResponse

from hub.core.away import RETRY_SECONDS, is_database_away
from hub.core.errors import AtelierError
from hub.core.http_status import status_of

logger = logging.getLogger(__name__)


class ErrorShape(StrEnum):
    """How an endpoint words its refusals: `error` is the text in all of them.

    MESSAGE repeats it as `message`, CODED adds a `code`: both are read in the field.
    """

    TEXT = "text"
    MESSAGE = "message"
    CODED = "coded"


class ParameterError(Exception):
    """A query parameter that the validator refuses."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


def failure(message: str, status: int, /, **more: object) -> JsonResponse:
    """The common error shape; `error` is always text here."""
    return _uncached({"error": message, **more}, status)


def validator_refusal(detail: Mapping[str, object]) -> JsonResponse:
    """A refused parameter, told by an object under `error`."""
    return _uncached({"error": detail}, HTTPStatus.BAD_REQUEST)


def refusal_of(error: Exception, path: str, shape: ErrorShape, *, as_object: bool) -> JsonResponse:
    """Expected errors by their status; anything else is logged and told in the shape of a 500.

    With `as_object` a refused parameter is told by an object under `error`.
    """
    if isinstance(error, ParameterError):
        if not as_object:
            return _shaped(error.message, HTTPStatus.BAD_REQUEST, shape)
        fields = {error.name: [error.message]}
        return validator_refusal({"formErrors": [], "fieldErrors": fields})
    if isinstance(error, AtelierError):
        return _shaped(error.message, status_of(error), shape)
    if isinstance(error, RequestDataTooBig):
        return _shaped("The body is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, shape)
    if isinstance(error, TooManyFieldsSent):
        words = "Too many parameters; join several values of one with commas"
        return _shaped(words, HTTPStatus.BAD_REQUEST, shape)
    logger.error("civitai endpoint failed: %s", path, exc_info=error)
    if is_database_away(error):
        response = failure("The hub cannot reach its database; try again", 503)
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    body = {"message": "An unexpected error occurred", "error": "Internal server error"}
    return _uncached(body, HTTPStatus.INTERNAL_SERVER_ERROR)


def _shaped(message: str, status: HTTPStatus, shape: ErrorShape) -> JsonResponse:
    more = {
        ErrorShape.TEXT: {},
        ErrorShape.MESSAGE: {"message": message},
        ErrorShape.CODED: {"code": status.name},
    }
    return failure(message, status, **more[shape])


def _uncached(body: Mapping[str, object], status: int) -> JsonResponse:
    response = JsonResponse(dict(body), status=status)
    response.headers["Cache-Control"] = "no-store, max-age=0"
    return response
