"""The one place where our errors become HTTP statuses."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

from hub.core.errors import (
    AtelierError,
    Conflict,
    Gone,
    Invalid,
    NotAllowed,
    NotFound,
    TooLarge,
)
from hub.core.throttles import TooMany

STATUSES: dict[type[AtelierError], int] = {
    Invalid: 400,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    TooMany: 429,
}


def status_of(error: AtelierError) -> int:
    """HTTP status of an error, by its nearest known class."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 400)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler with ours in front: `{"error": text, "code": code}`."""
    if isinstance(error, AtelierError):
        body = {"error": error.message, "code": error.error_code}
        return Response(body, status=status_of(error))
    return rest_exception_handler(error, context)
