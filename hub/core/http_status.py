"""The one table from our errors to HTTP statuses; pages, APIs and uploads answer alike."""

from http import HTTPStatus

from hub.core.errors import (
    AtelierError,
    Conflict,
    Gone,
    Invalid,
    NotAllowed,
    NotFound,
    SignedOut,
    TooLarge,
)
from hub.core.throttles import TooMany

STATUSES: dict[type[AtelierError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    SignedOut: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Gone: HTTPStatus.GONE,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
}


def status_of(error: AtelierError) -> HTTPStatus:
    """HTTP status of an error, by its nearest known class."""
    found = (STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return next(found, HTTPStatus.BAD_REQUEST)
